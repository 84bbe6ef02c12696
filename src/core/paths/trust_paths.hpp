// The paths that clients may build from a chain, and which of them count.
#pragma once

#include "../chain.hpp"
#include "../policy.hpp"
#include "path_search.hpp"
#include "path_verifier.hpp"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace hpkp {

struct TrustPaths {
    /// What the paths stand on.
    enum class Basis {
        trusted,   // valid paths to roots of the stores
        outdated,  // there is none that is valid, but some that fail for dates alone: nginx must come up
        sent,      // no root is reached: the issuer lines among the certificates sent
        none,      // no client accepts the chain
    };

    Basis basis = Basis::none;
    std::vector<Path> paths;     // those that count: a policy must match each
    std::vector<Path> rejected;  // they lead to a root, but OpenSSL refuses them; each has its reason
    Limits limits;

    bool contains(const Pin& pin) const;
    bool contains(const Certificate& certificate) const;
};

/// Finds the paths of chains in the stores of policies: stores are read once, signatures verified once, and each
/// chain's paths are found once for the same stores.
class TrustPathFinder {
public:
    /// `now` in seconds since the epoch; `system_bundle` is the store of policy files that name none.
    TrustPathFinder(std::time_t now, std::string system_bundle);

    /// The store at this path, read at the first call. Lives as long as the finder.
    const TrustStore& store(const std::string& path);
    const TrustStore& system_bundle() { return store(system_bundle_); }

    /// The paths of a chain for clients with these stores (null: the system's bundle). Both must outlive the finder,
    /// and the answer lives as long as it. Throws std::bad_alloc.
    const TrustPaths& find(const Chain& chain, const TrustStores* stores);

    /// The same for clients that remember a policy with these stores, which must outlive the finder: with the system's
    /// bundle in the place of one that can be read no more, with the certificates sent where no root is reached.
    const TrustPaths& find_remembered(const Chain& chain, const TrustStores& stores);

    /// Calls `visit(chain, paths)` for everything that was found, in no order that means anything.
    template <typename Visit>
    void for_each(Visit visit) const
    {
        for (const auto& [names, set] : sets_) {
            for (const auto& [chain, paths] : set.known) {
                visit(*chain, paths);
            }
        }
    }

private:
    /// The stores of a policy file together, and what was found in them. `strict`: a chain that reaches none of their
    /// roots has no path.
    struct StoreSet {
        StoreSet(const std::vector<NamedStore>& named, bool strict) : anchors(named), strict(strict) {}
        Anchors anchors;
        bool strict;
        std::unordered_map<const Chain*, TrustPaths> known;
    };

    const TrustPaths& find(const Chain& chain, const TrustStores* stores, bool strict);
    StoreSet& set_of(const TrustStores* stores, bool strict);
    TrustPaths find_new(const Chain& chain, const Anchors& anchors, bool strict);

    std::string system_bundle_;
    Signatures signatures_;
    PathVerifier verifier_;
    std::map<std::string, TrustStore> stores_;
    std::map<std::pair<TrustStores, bool>, StoreSet> sets_;
    std::map<std::pair<const TrustStores*, bool>, StoreSet*> known_sets_;
    std::map<const TrustStores*, TrustStores> readable_;  // with the system's bundle for those that can be read no more
};

}  // namespace hpkp
