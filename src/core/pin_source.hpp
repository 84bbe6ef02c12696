// Pins computed from the files a policy names: a certificate, a CSR, a public key; PEM or DER.
#pragma once

#include "pin.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace hpkp {

enum class PinSourceKind { certificate, csr, public_key };

struct PinSource {
    std::optional<Pin> pin;
    mode_t mode = 0;    // of the file
    std::string error;  // where there is no pin: "... cannot be opened: ..."
    std::string remedy;
};

/// Reads the first object of that kind in the file. A CSR's self-signature must hold: it proves that whoever made it
/// has the private key. Never asks for a pass phrase. Leaves nothing in OpenSSL's error queue.
PinSource read_pin_source(PinSourceKind kind, const std::string& path);

/// The pins of the private keys that can be read without a pass phrase in the bytes of a file, PEM or DER, for "is this
/// backup's key lying around here?". At most `limit` blocks are looked at.
std::vector<Pin> private_key_pins(const std::string& bytes, std::size_t limit);

}  // namespace hpkp
