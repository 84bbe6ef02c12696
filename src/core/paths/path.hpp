// A path from a leaf towards a root, and how far the search for paths goes.
#pragma once

#include "../certificate.hpp"

#include <string>
#include <vector>

namespace hpkp {

constexpr std::size_t kMaxPathDepth = 10;
constexpr std::size_t kMaxPaths = 64;
constexpr std::size_t kMaxSignatureChecks = 1000;
/// Certificates put on a path and taken off again: a mesh of authorities has ways without end that lead nowhere.
constexpr std::size_t kMaxSearchSteps = 20000;

/// The limits that a search met: there may be paths that it did not see.
struct Limits {
    bool depth = false;
    bool paths = false;
    bool signatures = false;
    bool steps = false;

    bool any() const { return depth || paths || signatures || steps; }
};

struct Path {
    /// What X509_verify_cert() says of a path to an anchor, at the time of the load.
    enum class State {
        valid,
        outdated,  // wrong for dates alone
        invalid,
    };

    std::vector<Certificate> certificates;  // from the leaf towards the root
    std::vector<std::string> stores;  // the names of those that hold its anchor; empty: it ends where the chain does
    /// Why OpenSSL does not take one of the issuers for one, although name and signature fit; empty: it does.
    std::string doubt;
    bool in_doubt = false;  // refused by OpenSSL for names or key identifiers that other clients do not look at
    State state = State::valid;
    std::string reason;  // why it is not valid: the certificate, and OpenSSL's words

    bool anchored() const { return !stores.empty(); }
    /// The last certificate if it is a root; null for a line that ends below one, and for a leaf alone.
    const Certificate* root() const;
    bool contains(const Pin& pin) const;
    bool contains(const Certificate& certificate) const;
};

}  // namespace hpkp
