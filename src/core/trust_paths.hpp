// The paths that clients may build from a chain.
//
// This version knows no trust store: a path is the line from the leaf through its issuers among the certificates sent.
// The checks ask for nothing else than a list of paths, so paths to the roots of a store will come from here.
#pragma once

#include "chain.hpp"

#include <vector>

namespace hpkp {

struct Path {
    std::vector<Certificate> certificates;  // from the leaf towards the root

    bool contains(const Pin& pin) const;
};

struct TrustPaths {
    std::vector<Path> paths;  // never empty
    bool limited = false;     // a limit was hit: there may be more

    bool contains(const Pin& pin) const;
};

constexpr std::size_t kMaxPathDepth = 10;
constexpr std::size_t kMaxPaths = 64;
constexpr std::size_t kMaxSignatureChecks = 1000;

/// All paths of a chain: depth first over the issuers among the certificates sent, in any order; names and key
/// identifiers must agree and each signature is verified, once. A (subject, key) pair stands at most once on a path.
/// Certificates on none of the paths are superfluous: clients must ignore them (RFC 7469 2.6).
TrustPaths find_trust_paths(const Chain& chain);

}  // namespace hpkp
