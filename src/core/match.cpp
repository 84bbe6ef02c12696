#include "match.hpp"

#include <algorithm>
#include <set>

namespace hpkp {

namespace {

const PolicyPin* pin_of(const Certificate& certificate, const PinSet& pins)
{
    return certificate.pin() ? pins.find(*certificate.pin()) : nullptr;
}

}  // namespace

const PolicyPin* matching_pin(const Path& path, const PinSet& pins)
{
    const auto found =
        std::find_if(pins.pins.begin(), pins.pins.end(), [&](const PolicyPin& pin) { return path.contains(pin.pin); });
    return found == pins.pins.end() ? nullptr : &*found;
}

bool matches_every_path(const TrustPaths& paths, const PinSet& pins)
{
    return !paths.paths.empty() && std::all_of(paths.paths.begin(), paths.paths.end(), [&](const Path& path) {
        return matching_pin(path, pins) != nullptr;
    });
}

bool matches_sent(const Chain& chain, const PinSet& pins)
{
    return std::any_of(chain.sent.begin(), chain.sent.end(),
                       [&](const Certificate& certificate) { return pin_of(certificate, pins) != nullptr; });
}

bool matches_leaf(const Chain& chain, const PinSet& pins)
{
    return pin_of(chain.leaf(), pins) != nullptr;
}

bool accepted_by(const Clients& clients, const Chain& chain, const TrustPaths& paths, const PinSet& pins)
{
    return (!clients.chain || matches_every_path(paths, pins)) && (!clients.sent || matches_sent(chain, pins))
           && (!clients.leaf || matches_leaf(chain, pins));
}

bool stands_in(const Chain& chain, const TrustPaths& paths, const Pin& pin)
{
    if (!paths.paths.empty()) {
        return paths.contains(pin);
    }
    return std::any_of(chain.sent.begin(), chain.sent.end(), [&](const Certificate& c) { return c.pin() == pin; });
}

std::vector<const PolicyPin*> backups(const Site& site, const PolicyUse& use, const PinSet& pins)
{
    std::set<const Chain*> chains;
    for (const Server* server : use.servers) {
        chains.insert(server->chains.begin(), server->chains.end());
    }
    std::vector<const PolicyPin*> found;
    for (const PolicyPin& pin : pins.pins) {
        const bool in_use = std::any_of(chains.begin(), chains.end(), [&](const Chain* chain) {
            return stands_in(*chain, site.paths(*use.policy, *chain), pin.pin);
        });
        if (!pin.retired && !in_use) {
            found.push_back(&pin);
        }
    }
    return found;
}

bool may_be_noted(const Chain& chain, const std::vector<Pin>& pins, std::size_t& matched)
{
    Signatures signatures;
    const SearchResult lines = issuer_lines(chain, signatures);
    for (const Path& path : lines.paths) {
        const auto on = [&](const Pin& pin) {
            return path.contains(pin);
        };
        const auto first = std::find_if(pins.begin(), pins.end(), on);
        if (first == pins.end() || std::all_of(pins.begin(), pins.end(), on)) {
            return false;
        }
        matched = static_cast<std::size_t>(first - pins.begin());
    }
    return !lines.paths.empty();
}

}  // namespace hpkp
