// A pin: the SHA-256 of a SubjectPublicKeyInfo (RFC 7469 2.4), the value that clients compare.
#pragma once

#include <openssl/x509.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hpkp {

class Pin {
public:
    static constexpr std::size_t kBytes = 32;
    /// Length of the base64 form: 32 bytes, padded.
    static constexpr std::size_t kBase64Length = 44;

    using Bytes = std::array<std::uint8_t, kBytes>;

    explicit Pin(const Bytes& bytes) : bytes_(bytes) {}

    /// The pin written as in a header. Nothing but the canonical base64 of 32 bytes is taken: standard alphabet,
    /// padded, unused bits zero. Clients differ on the rest (GNU Wget2 locks itself out on base64url).
    static std::optional<Pin> from_base64(std::string_view text);

    /// The SHA-256 of the DER of this SubjectPublicKeyInfo. Empty if it cannot be encoded or hashed.
    static std::optional<Pin> of_spki(const X509_PUBKEY* spki);

    /// Why nobody has the key of this pin: "is all zero bits", "is an example of RFC 7469"; else empty.
    std::string_view placeholder() const;

    std::string base64() const;
    const Bytes& bytes() const { return bytes_; }

    friend bool operator==(const Pin& a, const Pin& b) { return a.bytes_ == b.bytes_; }
    friend bool operator!=(const Pin& a, const Pin& b) { return a.bytes_ != b.bytes_; }
    friend bool operator<(const Pin& a, const Pin& b) { return a.bytes_ < b.bytes_; }

private:
    Bytes bytes_;
};

}  // namespace hpkp
