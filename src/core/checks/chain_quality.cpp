// Chains that match today, but not for every client or not for long.
#include "checks.hpp"

#include "../drawing.hpp"
#include "../duration.hpp"
#include "pair_finding.hpp"

#include <algorithm>

namespace hpkp {

void check_off_path_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        // Nothing is superfluous where no client accepts the chain, and that is a finding already.
        if (pair.paths->paths.empty()) {
            return;
        }
        for (const Certificate& certificate : superfluous(*pair.chain, *pair.paths)) {
            const PolicyPin* pin = certificate.pin() ? pins.find(*certificate.pin()) : nullptr;
            const auto& rejected = pair.paths->rejected;
            const bool in_doubt = std::any_of(rejected.begin(), rejected.end(), [&](const Path& path) {
                return path.in_doubt && path.contains(certificate);
            });
            if (pin == nullptr || in_doubt || pair.paths->contains(pin->pin)) {
                continue;
            }
            Finding finding =
                pair_finding(FindingId::off_path_pin, pair, pins,
                             "the pin \"" + pin->label() + "\" matches only " + certificate.short_name()
                                 + ", which is sent but on no path: clients must ignore it",
                             "do not count on this pin; take the certificate out of the chain file if nobody needs it");
            finding.details = draw(*pair.chain, *pair.paths, pins);
            findings.push_back(std::move(finding));
        }
    });
}

void check_root_only_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        const auto pinned = [&](const Certificate& c) {
            return c.pin() && pins.find(*c.pin()) != nullptr;
        };
        const auto by_root_alone = [&](const Path& path) {
            const auto& certificates = path.certificates;
            return path.root() != nullptr && pinned(*path.root())
                   && std::none_of(certificates.begin(), certificates.end() - 1, pinned);
        };
        const auto& paths = pair.paths->paths;
        if (std::none_of(paths.begin(), paths.end(), by_root_alone)) {
            return;
        }
        const bool all = std::all_of(paths.begin(), paths.end(), by_root_alone);
        const auto& sent = pair.chain->sent;
        const bool is_sent = std::any_of(sent.begin(), sent.end(), pinned);
        Finding finding =
            pair_finding(FindingId::root_only_pin, pair, pins,
                         pins.owner + " matches " + (all ? "" : "a path of ") + pair.chain->text()
                             + " by its root alone: clients that "
                             + (is_sent ? "anchor below the root will not match"
                                        : "look at the sent certificates, or anchor below the root, will not match"),
                         "pin the leaf or an intermediate besides");
        finding.details = draw(*pair.chain, *pair.paths, pins);
        findings.push_back(std::move(finding));
    });
}

void check_leaf_expires_first(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        const Certificate& leaf = pair.chain->leaf();
        const auto expires = leaf.not_after();
        if (!pins.enforced || !expires || !leaf.pin() || pins.find(*leaf.pin()) == nullptr) {
            return;
        }
        const std::int64_t max_age = pair.policy->enforce->max_age.highest();
        const auto& paths = pair.paths->paths;
        const bool leaf_alone = std::any_of(paths.begin(), paths.end(), [&](const Path& path) {
            return std::none_of(path.certificates.begin() + 1, path.certificates.end(),
                                [&](const Certificate& c) { return c.pin() && pins.find(*c.pin()) != nullptr; });
        });
        if (!leaf_alone || *expires - site.now >= max_age) {  // a sum may be too large: analyse has servers' headers
            return;
        }
        findings.push_back(
            pair_finding(FindingId::leaf_expires_first, pair, pins,
                         pins.owner + " matches only the leaf of " + pair.chain->text() + ", which expires on "
                             + time_text(*expires) + ", before a max-age of " + duration_text(max_age) + " has run",
                         "renew with the same key or with a pinned backup's; any other key locks out who remembers"));
    });
}

}  // namespace hpkp
