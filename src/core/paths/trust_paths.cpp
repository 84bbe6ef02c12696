#include "trust_paths.hpp"

#include <algorithm>
#include <utility>

namespace hpkp {

namespace {

/// Moves the paths of one state from one list to another, in their order.
void take(std::vector<Path>& from, Path::State state, std::vector<Path>& to)
{
    const auto rest = std::stable_partition(from.begin(), from.end(), [&](const Path& p) { return p.state != state; });
    to.insert(to.end(), std::make_move_iterator(rest), std::make_move_iterator(from.end()));
    from.erase(rest, from.end());
}

}  // namespace

bool TrustPaths::contains(const Pin& pin) const
{
    return std::any_of(paths.begin(), paths.end(), [&](const Path& path) { return path.contains(pin); });
}

bool TrustPaths::contains(const Certificate& certificate) const
{
    return std::any_of(paths.begin(), paths.end(), [&](const Path& path) { return path.contains(certificate); });
}

TrustPathFinder::TrustPathFinder(std::time_t now, std::string system_bundle)
    : system_bundle_(std::move(system_bundle)), verifier_(now)
{
}

const TrustStore& TrustPathFinder::store(const std::string& path)
{
    const auto found = stores_.find(path);
    return found != stores_.end() ? found->second : stores_.emplace(path, read_trust_store(path)).first->second;
}

TrustPathFinder::StoreSet& TrustPathFinder::set_of(const TrustStores* stores, bool strict)
{
    StoreSet*& set = known_sets_[{stores, strict}];
    if (set == nullptr) {
        // Two policy files with the same stores share what is found. The system's bundle has no name in a policy file.
        const TrustStores names = stores == nullptr ? TrustStores{{"", system_bundle_}} : *stores;
        std::vector<NamedStore> named;
        for (const auto& [name, path] : names) {
            named.push_back({stores == nullptr ? "the system's bundle" : name, &store(path)});
        }
        set = &sets_.try_emplace({names, strict}, named, strict).first->second;
    }
    return *set;
}

const TrustPaths& TrustPathFinder::find(const Chain& chain, const TrustStores* stores)
{
    return find(chain, stores, stores != nullptr);
}

const TrustPaths& TrustPathFinder::find_remembered(const Chain& chain, const TrustStores& stores)
{
    if (stores.empty()) {
        return find(chain, nullptr, false);
    }
    const auto [known, is_new] = readable_.try_emplace(&stores);
    if (is_new) {
        for (const auto& [name, path] : stores) {
            known->second.emplace(name, store(path).ok() ? path : system_bundle_);
        }
    }
    return find(chain, &known->second, false);
}

const TrustPaths& TrustPathFinder::find(const Chain& chain, const TrustStores* stores, bool strict)
{
    StoreSet& set = set_of(stores, strict);
    const auto known = set.known.find(&chain);
    if (known != set.known.end()) {
        return known->second;
    }
    return set.known.emplace(&chain, find_new(chain, set.anchors, strict)).first->second;
}

TrustPaths TrustPathFinder::find_new(const Chain& chain, const Anchors& anchors, bool strict)
{
    SearchResult found = paths_to_anchors(chain, anchors, signatures_);
    for (Path& path : found.paths) {
        verifier_.verify(path);
    }
    TrustPaths result;
    result.limits = found.limits;
    result.rejected = std::move(found.paths);

    take(result.rejected, Path::State::valid, result.paths);
    if (!result.paths.empty()) {
        result.basis = TrustPaths::Basis::trusted;
        return result;
    }
    take(result.rejected, Path::State::outdated, result.paths);
    if (!result.paths.empty()) {
        result.basis = TrustPaths::Basis::outdated;
        return result;
    }
    // A chain that reaches a root only by paths that fail is nobody's private PKI. Under named stores one that reaches
    // none is an error; where one of them cannot be read, that is the error, and this is the least that can be said.
    if (found.reaches_anchor || (strict && !anchors.incomplete())) {
        return result;
    }
    SearchResult lines = issuer_lines(chain, signatures_);
    result.basis = TrustPaths::Basis::sent;
    result.paths = std::move(lines.paths);
    result.limits.depth = result.limits.depth || lines.limits.depth;
    result.limits.paths = result.limits.paths || lines.limits.paths;
    result.limits.signatures = result.limits.signatures || lines.limits.signatures;
    return result;
}

}  // namespace hpkp
