// Whether clients that have the pins accept the chain: a mismatch is a lock-out, not a warning.
#include "checks.hpp"

#include "../drawing.hpp"
#include "../match.hpp"
#include "pair_finding.hpp"

#include <algorithm>

namespace hpkp {

namespace {

constexpr const char* kRemedy =
    "serve a certificate whose key the policy pins; or pin one of these keys, and let clients see "
    "that policy for a max-age before they meet the key";

/// A guard's clients have their pins from elsewhere.
constexpr const char* kGuardRemedy =
    "serve a certificate whose key the clients have; a key that they get by an update must have reached them all "
    "before they meet it";

Finding mismatch(FindingId id, const Pair& pair, const PinSet& pins, std::string what)
{
    Finding finding = pair_finding(id, pair, pins, std::move(what), pins.only_guarded() ? kGuardRemedy : kRemedy);
    finding.details = draw(*pair.chain, *pair.paths, pins);
    return finding;
}

}  // namespace

void check_chain_has_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        // A chain without any path is check_chain_is_trusted()'s.
        if (!pair.policy->clients.chain || pair.paths->paths.empty()) {
            return;
        }
        const auto groups = grouped_by_pins(pair.paths->paths);
        const auto matched = std::count_if(groups.begin(), groups.end(), [&](const PathGroup& group) {
            return matching_pin(*group.front(), pins) != nullptr;
        });
        if (matched == static_cast<std::ptrdiff_t>(groups.size())) {
            return;
        }
        if (matched == 0) {
            findings.push_back(mismatch(FindingId::no_pin_in_chain, pair, pins,
                                        pins.owner + " pins no certificate of " + pair.chain->text()));
            return;
        }
        findings.push_back(mismatch(FindingId::path_without_pin, pair, pins,
                                    pins.owner + " pins only " + std::to_string(matched) + " of the "
                                        + std::to_string(groups.size()) + " paths that clients may build from "
                                        + pair.chain->text() + ": the others lock out whoever builds them"));
    });
}

void check_sent_has_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        if (pair.policy->clients.sent && !matches_sent(*pair.chain, pins)) {
            findings.push_back(mismatch(FindingId::sent_without_pin, pair, pins,
                                        pins.owner
                                            + " is for clients that look at the certificates sent, and pins none of "
                                            + pair.chain->text()));
        }
    });
}

void check_leaf_has_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        if (pair.policy->clients.leaf && !matches_leaf(*pair.chain, pins)) {
            findings.push_back(mismatch(FindingId::leaf_without_pin, pair, pins,
                                        pins.owner
                                            + " is for clients that look at the leaf alone, and does not pin that of "
                                            + pair.chain->text()));
        }
    });
}

}  // namespace hpkp
