// What the checks of a policy against a chain share.
#pragma once

#include "../server.hpp"

#include <string>
#include <utility>

namespace hpkp {

/// Calls `check(pair, pins)` for every chain that clients see, with each pin set of each policy they see it with.
template <typename Check>
void for_each_pinned_chain(const Site& site, Check check)
{
    for (const Pair& pair : site.pairs) {
        for (const PinSet& pins : pair.policy->pin_sets) {
            check(pair, pins);
        }
    }
}

inline void add_servers(Finding& finding, const std::vector<const Server*>& servers)
{
    for (const Server* server : servers) {
        finding.servers.push_back(server->block->place);
    }
}

/// A finding about one chain and one pin set, with the servers concerned. Under allow-mismatch the chain's errors only
/// warn.
inline Finding pair_finding(FindingId id, const Pair& pair, const PinSet& pins, std::string what, std::string remedy)
{
    Finding finding(id, pins.place, std::move(what), std::move(remedy));
    add_servers(finding, pair.servers);
    if (pins.lenient() && finding.severity == Severity::error) {
        finding.severity = Severity::warning;
    }
    return finding;
}

}  // namespace hpkp
