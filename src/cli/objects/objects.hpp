// What a pin can be made from: the certificates, requests and keys in a file, of whatever form.
#pragma once

#include "pass_phrase.hpp"

#include "certificate.hpp"
#include "pin.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hpkp::cli {

/// A file with more of them is no file of an operator.
constexpr std::size_t kMaxObjects = 1000;

/// One object, and the pin of its key: the SHA-256 of its SubjectPublicKeyInfo as it stands (RFC 7469 2.4).
struct Object {
    enum class Kind { certificate, csr, public_key, private_key };

    Kind kind;
    std::size_t number;   // its place among the objects of its file, from 1; those that cannot be read count
    std::string name;     // of a certificate or CSR: its common name, or what else is short; fit for a terminal
    std::string subject;  // the whole of it, such as "CN = www.example.com, O = Example"; fit for a terminal
    std::string key;      // "RSA 2048", "EC P-256", "Ed25519"
    std::optional<std::int64_t> not_before;  // of a certificate, in seconds since the epoch
    std::optional<std::int64_t> not_after;
    Pin pin;
    std::string problem;  // why nobody should pin it: the signature of a CSR does not verify; empty: nothing is wrong

    /// "certificate", "CSR", "public key", "private key"
    const char* kind_text() const;
};

/// What the bytes of a file hold, in its order.
struct Objects {
    std::vector<Object> found;
    std::vector<std::string> errors;  // to follow the file's name: "holds no ...", "has a \"X\" (object 2) that ..."
};

/// Reads PEM (any number of blocks, text between them) or one object as DER. What is no certificate, CSR or key, such
/// as EC PARAMETERS, is passed over; a file with none of them is an error. `file` is what a prompt for a pass phrase
/// calls it. Leaves nothing in OpenSSL's error queue. Throws std::bad_alloc, and InputError from the pass phrase.
Objects read_objects(const std::string& bytes, const std::string& file, PassPhrase& pass_phrase);

/// The object that this certificate is.
std::optional<Object> object_of(const Certificate& certificate);

/// {"kind", "number", "subject", "key", "not-before", "not-after", "pin-sha256", "problem"}; null for what the object
/// does not have.
nlohmann::json json_of(const Object& object);

}  // namespace hpkp::cli
