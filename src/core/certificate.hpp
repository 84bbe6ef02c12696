// A certificate as the checks need it.
#pragma once

#include "openssl_ptr.hpp"
#include "pin.hpp"

#include <array>
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hpkp {

/// SHA-256 of a certificate's DER: says whether two are the same.
using Fingerprint = std::array<std::uint8_t, 32>;

/// A value: copies share one immutable certificate.
class Certificate {
public:
    /// Takes a reference of its own; nothing is ever attached to the X509 (nginx shares them between configurations).
    /// Throws std::bad_alloc.
    explicit Certificate(X509* x509);

    X509* get() const { return data_->x509.get(); }
    const Fingerprint& fingerprint() const { return data_->fingerprint; }

    /// Empty where the key cannot be written as a whole SPKI: such a key cannot be pinned (RFC 7469 2.4).
    const std::optional<Pin>& pin() const { return data_->pin; }

    /// The common name, else the first DNS name, else the organisation: for messages.
    std::string short_name() const;

    /// Issuer and subject are one: a root, or a leaf that signed itself.
    bool self_issued() const;

    /// Whether `now` is between notBefore and notAfter. Not where a field is not of RFC 5280's form.
    bool valid_at(std::time_t now) const;
    bool not_yet_valid_at(std::time_t now) const;

    /// Seconds since the epoch; empty if the field cannot be read.
    std::optional<std::time_t> not_before() const { return data_->not_before; }
    std::optional<std::time_t> not_after() const { return data_->not_after; }

    /// The DNS names of the subjectAltName, lower case. Where it has none, those common names of the subject that are
    /// host names, as OpenSSL and GnuTLS take them (RFC 6125 6.4.4): browsers do not, GNU Wget2 does.
    std::vector<std::string> dns_names() const;

    /// Whether a client that asks for `host`, a name or an address without brackets, takes this leaf (RFC 6125, by
    /// OpenSSL).
    bool covers(const std::string& host) const;

    friend bool operator==(const Certificate& a, const Certificate& b) { return a.fingerprint() == b.fingerprint(); }

private:
    struct Data {
        X509Ptr x509;
        Fingerprint fingerprint{};
        std::optional<Pin> pin;
        std::optional<std::time_t> not_before;
        std::optional<std::time_t> not_after;
    };
    std::shared_ptr<const Data> data_;
};

}  // namespace hpkp
