// Whether clients that have the pins accept the chain: a mismatch is a lock-out, not a warning.
#include "checks.hpp"

#include "../match.hpp"
#include "pair_finding.hpp"

#include <algorithm>

namespace hpkp {

namespace {

constexpr const char* kRemedy =
    "serve a certificate whose key the policy pins; or pin one of these keys, and let clients see "
    "that policy for a max-age before they meet the key";

Finding mismatch(FindingId id, const Pair& pair, const PinSet& pins, std::string what)
{
    Finding finding = pair_finding(id, pair, pins, std::move(what), kRemedy);
    finding.details = draw(*pair.chain, pins);
    return finding;
}

}  // namespace

void check_chain_has_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        const auto& paths = pair.chain->trust_paths.paths;
        const auto matched = std::count_if(paths.begin(), paths.end(),
                                           [&](const Path& path) { return matching_pin(path, pins) != nullptr; });
        if (!pair.policy->clients.chain || matched == static_cast<std::ptrdiff_t>(paths.size())) {
            return;
        }
        if (matched == 0) {
            findings.push_back(mismatch(FindingId::no_pin_in_chain, pair, pins,
                                        pins.owner + " pins no certificate of " + pair.chain->chain.text()));
            return;
        }
        findings.push_back(mismatch(FindingId::path_without_pin, pair, pins,
                                    pins.owner + " pins only " + std::to_string(matched) + " of the "
                                        + std::to_string(paths.size()) + " paths that clients may build from "
                                        + pair.chain->chain.text()));
    });
}

void check_sent_has_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        if (pair.policy->clients.sent && !matches_sent(pair.chain->chain, pins)) {
            findings.push_back(mismatch(FindingId::sent_without_pin, pair, pins,
                                        pins.owner
                                            + " is for clients that look at the certificates sent, and pins none of "
                                            + pair.chain->chain.text()));
        }
    });
}

void check_leaf_has_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        if (pair.policy->clients.leaf && !matches_leaf(pair.chain->chain, pins)) {
            findings.push_back(mismatch(FindingId::leaf_without_pin, pair, pins,
                                        pins.owner
                                            + " is for clients that look at the leaf alone, and does not pin that of "
                                            + pair.chain->chain.text()));
        }
    });
}

}  // namespace hpkp
