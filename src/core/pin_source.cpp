#include "pin_source.hpp"

#include "file.hpp"
#include "openssl_ptr.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <string_view>

namespace hpkp {

namespace {

/// A pass phrase is never asked for: nginx may run without a terminal, and a prompt would hang it.
int no_passphrase(char*, int, int, void*)
{
    return -1;
}

BioPtr bio_of(const std::string& bytes)
{
    BioPtr bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    if (!bio) {
        throw std::bad_alloc();
    }
    return bio;
}

bool is_pem(const std::string& bytes)
{
    return bytes.find("-----BEGIN ") != std::string::npos;
}

/// Whether it may be DER: keys, certificates and requests are all a SEQUENCE.
bool is_der(const std::string& bytes)
{
    return !bytes.empty() && bytes.front() == 0x30 && !is_pem(bytes);
}

/// The label of the first PEM block, such as "CERTIFICATE REQUEST".
std::string first_label(const std::string& pem)
{
    constexpr std::string_view kBegin = "-----BEGIN ";
    const std::size_t begin = pem.find(kBegin);
    if (begin == std::string::npos) {
        return "";
    }
    const std::size_t label = begin + kBegin.size();
    const std::size_t end = pem.find("-----", label);
    return end == std::string::npos || end - label > 40 ? "" : pem.substr(label, end - label);
}

std::optional<Pin> certificate_pin(const std::string& bytes, std::string&)
{
    const BioPtr bio = bio_of(bytes);
    const X509Ptr certificate(is_pem(bytes) ? PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)
                                            : d2i_X509_bio(bio.get(), nullptr));
    if (!certificate) {
        return std::nullopt;
    }
    return Pin::of_spki(X509_get_X509_PUBKEY(certificate.get()));
}

std::optional<Pin> csr_pin(const std::string& bytes, std::string& error)
{
    const BioPtr bio = bio_of(bytes);
    const CsrPtr csr(is_pem(bytes) ? PEM_read_bio_X509_REQ(bio.get(), nullptr, no_passphrase, nullptr)
                                   : d2i_X509_REQ_bio(bio.get(), nullptr));
    if (!csr) {
        return std::nullopt;
    }
    EVP_PKEY* key = X509_REQ_get0_pubkey(csr.get());
    if (key == nullptr || X509_REQ_verify(csr.get(), key) != 1) {
        error = "holds a CSR whose own signature does not verify";
        return std::nullopt;
    }
    return Pin::of_spki(X509_REQ_get_X509_PUBKEY(csr.get()));
}

std::optional<Pin> public_key_pin(const std::string& bytes, std::string&)
{
    // The SPKI as it stands in the file is hashed, not a re-encoding of the key in it.
    unsigned char* der = nullptr;
    long length = 0;
    OpensslBytes owned;
    const auto* begin = reinterpret_cast<const unsigned char*>(bytes.data());
    if (is_pem(bytes)) {
        const BioPtr bio = bio_of(bytes);
        if (PEM_bytes_read_bio(&der, &length, nullptr, PEM_STRING_PUBLIC, bio.get(), no_passphrase, nullptr) != 1) {
            return std::nullopt;
        }
        owned.reset(der);
        begin = der;
    } else {
        length = static_cast<long>(bytes.size());
    }

    const SpkiPtr spki(d2i_X509_PUBKEY(nullptr, &begin, length));
    if (!spki || X509_PUBKEY_get0(spki.get()) == nullptr) {
        return std::nullopt;
    }
    return Pin::of_spki(spki.get());
}

struct Kind {
    const char* name;
    std::optional<Pin> (*pin)(const std::string& bytes, std::string& error);
    const char* remedy;
};

const Kind& kind_of(PinSourceKind kind)
{
    static constexpr Kind kCertificate = {"certificate", certificate_pin, "name a file with a certificate, PEM or DER"};
    static constexpr Kind kCsr = {"certificate signing request", csr_pin,
                                  "make it anew from the backup key: openssl req -new -key KEY -out FILE"};
    static constexpr Kind kPublicKey = {"public key", public_key_pin,
                                        "make it from the private key: openssl pkey -in KEY -pubout -out FILE"};
    switch (kind) {
    case PinSourceKind::certificate:
        return kCertificate;
    case PinSourceKind::csr:
        return kCsr;
    case PinSourceKind::public_key:
        break;
    }
    return kPublicKey;
}

}  // namespace

PinSource read_pin_source(PinSourceKind kind, const std::string& path)
{
    PinSource source;
    FileContent file = read_file(path);
    if (!file.ok()) {
        source.error = path + " " + file.error;
        source.remedy = "check the path, which is relative to the policy file, and that nginx's master may read it";
        return source;
    }
    source.mode = file.mode;

    std::string error;
    source.pin = kind_of(kind).pin(file.bytes, error);
    ERR_clear_error();
    if (source.pin) {
        return source;
    }

    source.remedy = kind_of(kind).remedy;
    const std::string label = first_label(file.bytes);
    if (!error.empty()) {
        source.error = path + " " + error;
    } else {
        source.error = path + " holds no readable " + kind_of(kind).name;
        if (!label.empty()) {
            source.error += " (it begins with a " + label + ")";
        }
    }
    if (label.find("PRIVATE KEY") != std::string::npos) {
        source.remedy += "; a backup's private key belongs offline, not beside the policy";
    }
    return source;
}

std::vector<Pin> private_key_pins(const std::string& bytes, std::size_t limit)
{
    std::vector<Pin> pins;
    const auto add = [&](EVP_PKEY* key) {
        X509_PUBKEY* raw = nullptr;
        if (key == nullptr || X509_PUBKEY_set(&raw, key) != 1) {
            return;
        }
        const SpkiPtr spki(raw);
        if (const auto pin = Pin::of_spki(spki.get())) {
            pins.push_back(*pin);
        }
    };

    const BioPtr bio = bio_of(bytes);
    if (bytes.find("PRIVATE KEY-----") != std::string::npos) {
        // An encrypted key is passed over; the end is where nothing is left to read.
        for (std::size_t i = 0; i < limit; i++) {
            const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
            ERR_clear_error();
            // At its end OpenSSL 3 does not say that no block begins any more, but that it cannot decode.
            if (!key && BIO_pending(bio.get()) == 0) {
                break;
            }
            add(key.get());
        }
    } else if (is_der(bytes)) {
        const KeyPtr key(d2i_PrivateKey_bio(bio.get(), nullptr));
        add(key.get());
    }
    ERR_clear_error();
    return pins;
}

}  // namespace hpkp
