#include "pin.hpp"

#include "openssl_ptr.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <iterator>

namespace hpkp {

namespace {

/// The pins of RFC 7469's examples. People paste them.
constexpr std::string_view kExamplePins[] = {
    "d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=",
    "E9CZ9INDbd+2eRQozYqqbQ2yXLVKB9+xcprMF+44U1g=",
    "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
};

}  // namespace

std::optional<Pin> Pin::from_base64(std::string_view text)
{
    if (text.size() != kBase64Length || text.back() != '=') {
        return std::nullopt;
    }

    // EVP_DecodeBlock forgives leading and trailing blanks; the comparison with our own encoding below does not.
    std::array<unsigned char, kBytes + 1> decoded{};
    if (EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size()))
        != static_cast<int>(decoded.size())) {
        return std::nullopt;
    }

    Bytes bytes{};
    std::copy_n(decoded.begin(), kBytes, bytes.begin());
    Pin pin(bytes);
    if (pin.base64() != text) {
        return std::nullopt;
    }
    return pin;
}

std::optional<Pin> Pin::of_spki(const X509_PUBKEY* spki)
{
    // X509_pubkey_digest() hashes the key's bit string alone, which is another value.
    unsigned char* der = nullptr;
    const int length = i2d_X509_PUBKEY(spki, &der);
    if (length <= 0) {
        return std::nullopt;
    }
    const OpensslBytes owned(der);

    Bytes bytes{};
    if (EVP_Digest(der, static_cast<std::size_t>(length), bytes.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        return std::nullopt;
    }
    return Pin(bytes);
}

std::string_view Pin::placeholder() const
{
    if (bytes_ == Bytes{}) {
        return "is all zero bits";
    }
    const bool example =
        std::find(std::begin(kExamplePins), std::end(kExamplePins), base64()) != std::end(kExamplePins);
    return example ? "is an example of RFC 7469" : "";
}

std::string Pin::base64() const
{
    std::array<unsigned char, kBase64Length + 1> text{};
    EVP_EncodeBlock(text.data(), bytes_.data(), static_cast<int>(bytes_.size()));
    return std::string(text.begin(), text.begin() + kBase64Length);
}

}  // namespace hpkp
