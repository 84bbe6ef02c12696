// A root program as it lies on disk: a PEM bundle, or a directory with OpenSSL's hashed names.
#pragma once

#include "../certificate.hpp"

#include <string>
#include <vector>

namespace hpkp {

/// The bundle of Debian's ca-certificates: what is asked where a policy file names no store.
#ifndef HPKP_SYSTEM_BUNDLE
#define HPKP_SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#endif
constexpr const char* kSystemBundle = HPKP_SYSTEM_BUNDLE;

struct TrustStore {
    std::string path;
    std::vector<Certificate> certificates;  // roots, and whatever else lies there
    std::string error;                      // why it cannot be used; empty if it can

    bool ok() const { return error.empty(); }
};

/// Reads a store whole. A bundle has at most 16 MiB; of a directory the files with hashed names are read (8 hex digits,
/// a dot, a number, as openssl rehash makes them), at most 10,000. A store that holds no certificate is an error.
/// Throws std::bad_alloc.
TrustStore read_trust_store(const std::string& path);

}  // namespace hpkp
