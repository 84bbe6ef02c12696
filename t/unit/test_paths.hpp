// Paths as the tests write them, and the openssl command for a second opinion.
#pragma once

#include "test_pki.hpp"

#include "paths/trust_paths.hpp"

#include <string>
#include <utility>
#include <vector>

namespace hpkp::test {

/// "www.example.com > Intermediate A > Root A": names, where no two certificates of one name need be told apart.
std::string names_on(const Path& path);
/// Of each path, in alphabetical order.
std::vector<std::string> names_on(const std::vector<Path>& paths);

/// The paths of a private PKI: the issuer lines among the certificates sent.
TrustPaths lines_of(const Chain& chain);

/// A store with these certificates, as if read.
TrustStore store_of(std::vector<Certificate> certificates);

/// Certificates under labels, since cross-signed ones have one name.
class Labels {
public:
    /// Keeps the certificate, and returns it.
    const Certificate& add(const std::string& label, const Certificate& certificate);
    /// "leaf > I by A > A"
    std::string on(const Path& path) const;

private:
    std::vector<std::pair<std::string, Certificate>> labels_;
};

/// "valid", "outdated: REASON" or "invalid: REASON".
std::string verdict(const Path& path);

/// OpenSSL's words for a certificate that is not yet valid: each release may have others.
extern const std::string kNotYetValid;

/// The limits that were met: "depth paths", or nothing.
std::string met(const Limits& limits);

struct CommandResult {
    int status = -1;  // of its exit
    std::string output;
};

/// Runs a shell command, its standard error beside its standard output.
CommandResult run_command(const std::string& command);

/// The certificates in a directory of OpenSSL's, as `openssl rehash` makes it. Returns its path.
std::string hashed_directory(const TempDir& dir, const std::string& name, const std::vector<Certificate>& certificates);

/// `openssl verify` with nothing but the material of this path, at this time, at the security level of a fresh SSL_CTX.
CommandResult openssl_verify(const Path& path, std::time_t now);

/// Fails the test where the command's verdict is not the path's, or its reason another: it must name the same error at
/// the same certificate. It does not pass over an anchor's expiry, as we do by design (clients hold a root as a key):
/// where that is all it says, it agrees.
void expect_openssl_agrees(const Path& path, std::time_t now);

}  // namespace hpkp::test
