// One object for what is the same certificate: ten thousand servers send the same few intermediates.
#pragma once

#include "certificate.hpp"

#include <string>
#include <unordered_map>

namespace hpkp {

class CertificatePool {
public:
    /// The certificate with this DER: the one that came first, so that what OpenSSL works out about its key is worked
    /// out once. Throws std::bad_alloc.
    Certificate get(X509* x509);

private:
    std::unordered_map<std::string, Certificate> by_der_;
};

}  // namespace hpkp
