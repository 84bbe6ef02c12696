// Certificates in PEM files: of chains and of trust stores.
#pragma once

#include "certificate.hpp"

#include <string>
#include <vector>

namespace hpkp {

/// The certificates of a PEM text, in its order; OpenSSL's TRUSTED CERTIFICATE too, with what it trusts them for.
/// Empty, and `error` says why ("holds no PEM certificate"), if there is none or one cannot be read. Throws
/// std::bad_alloc.
std::vector<Certificate> read_pem_certificates(const std::string& text, std::string& error);

}  // namespace hpkp
