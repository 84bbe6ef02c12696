// One private key from its bytes.
#pragma once

#include "pass_phrase.hpp"

#include "openssl_ptr.hpp"

#include <string>
#include <string_view>

namespace hpkp::cli {

struct PrivateKey {
    KeyPtr key;
    std::string error;  // why there is none, such as "is encrypted: give --passin"
};

/// Reads the key in `der`. Where it comes from a block of PEM, `pem` is that block, which may say how it is encrypted;
/// else `pem` is empty. A key whose encryption asks for more work than an operator's key does is an error, since
/// OpenSSL would set to it. Throws what the pass phrase throws, and std::bad_alloc.
PrivateKey read_private_key(std::string_view pem, std::string_view der, const std::string& file,
                            PassPhrase& pass_phrase);

}  // namespace hpkp::cli
