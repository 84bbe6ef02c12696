// Chains that match today, but not for every client or not for long.
#include "checks.hpp"

#include "../duration.hpp"
#include "../match.hpp"
#include "pair_finding.hpp"

#include <algorithm>

namespace hpkp {

void check_off_path_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        for (const Certificate& certificate : pair.chain->superfluous()) {
            const PolicyPin* pin = certificate.pin() ? pins.find(*certificate.pin()) : nullptr;
            if (pin == nullptr || pair.chain->trust_paths.contains(pin->pin)) {
                continue;
            }
            Finding finding =
                pair_finding(FindingId::off_path_pin, pair, pins,
                             "the pin \"" + pin->label() + "\" matches only " + certificate.short_name()
                                 + ", which is sent but on no path: clients must ignore it",
                             "do not count on this pin; take the certificate out of the chain file if nobody needs it");
            finding.details = draw(*pair.chain, pins);
            findings.push_back(std::move(finding));
        }
    });
}

void check_root_only_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        const auto by_root_alone = [&](const Path& path) {
            const auto& certificates = path.certificates;
            const auto pinned = [&](const Certificate& c) {
                return c.pin() && pins.find(*c.pin()) != nullptr;
            };
            return certificates.size() > 1 && certificates.back().self_issued() && pinned(certificates.back())
                   && std::none_of(certificates.begin(), certificates.end() - 1, pinned);
        };
        const auto& paths = pair.chain->trust_paths.paths;
        if (std::none_of(paths.begin(), paths.end(), by_root_alone)) {
            return;
        }
        Finding finding =
            pair_finding(FindingId::root_only_pin, pair, pins,
                         pins.owner + " matches " + pair.chain->chain.text()
                             + " by its root alone: clients that look at the sent certificates, or anchor below "
                               "the root, will not match",
                         "pin the leaf or an intermediate besides");
        finding.details = draw(*pair.chain, pins);
        findings.push_back(std::move(finding));
    });
}

void check_leaf_expires_first(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        const Certificate& leaf = pair.chain->chain.leaf();
        const auto expires = leaf.not_after();
        if (!pins.enforced || !expires || !leaf.pin() || pins.find(*leaf.pin()) == nullptr) {
            return;
        }
        const std::int64_t max_age = pair.policy->enforce->max_age;
        const auto& paths = pair.chain->trust_paths.paths;
        const bool leaf_alone = std::any_of(paths.begin(), paths.end(), [&](const Path& path) {
            return std::none_of(path.certificates.begin() + 1, path.certificates.end(),
                                [&](const Certificate& c) { return c.pin() && pins.find(*c.pin()) != nullptr; });
        });
        if (!leaf_alone || *expires >= site.now + max_age) {
            return;
        }
        findings.push_back(
            pair_finding(FindingId::leaf_expires_first, pair, pins,
                         pins.owner + " matches only the leaf of " + pair.chain->chain.text() + ", which expires on "
                             + time_text(*expires) + ", before a max-age of " + duration_text(max_age) + " has run",
                         "renew with the same key or with a pinned backup's; any other key locks out who remembers"));
    });
}

void check_chain_expired(const Site& site, Findings& findings)
{
    for (const Pair& pair : site.pairs) {
        const auto outdated = [&](const Certificate& certificate) {
            // A root's own dates ask nothing: clients hold it as a key.
            const bool root = certificate.self_issued() && !(certificate == pair.chain->chain.leaf());
            return !root && !certificate.valid_at(site.now);
        };
        std::optional<Certificate> first;
        const auto& paths = pair.chain->trust_paths.paths;
        const bool all = std::all_of(paths.begin(), paths.end(), [&](const Path& path) {
            const auto found = std::find_if(path.certificates.begin(), path.certificates.end(), outdated);
            if (found == path.certificates.end()) {
                return false;
            }
            first = first ? first : *found;
            return true;
        });
        if (!all || !first) {
            continue;
        }
        const auto expires = first->not_after();
        const bool over = expires && *expires <= site.now;
        Finding finding(FindingId::chain_expired, std::nullopt,
                        first->short_name() + " in " + pair.chain->chain.text()
                            + (over ? " expired on " + time_text(*expires) : " is not valid yet") + " (it is "
                            + time_text(site.now) + " here)",
                        over ? "renew it, with the same key or a pinned backup's" : "set the clock, or wait");
        add_servers(finding, pair.servers);
        findings.push_back(std::move(finding));
    }
}

void check_path_limit(const Site& site, Findings& findings)
{
    for (const Pair& pair : site.pairs) {
        if (!pair.chain->trust_paths.limited) {
            continue;
        }
        Finding finding(FindingId::path_limit, std::nullopt,
                        pair.chain->chain.text() + " has more paths than are looked at (depth "
                            + std::to_string(kMaxPathDepth) + ", " + std::to_string(kMaxPaths) + " paths, "
                            + std::to_string(kMaxSignatureChecks) + " signatures)",
                        "send only the certificates that clients need");
        add_servers(finding, pair.servers);
        findings.push_back(std::move(finding));
    }
}

}  // namespace hpkp
