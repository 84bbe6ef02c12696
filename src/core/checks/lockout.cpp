// The rule that the module is for: every chain is accepted by every client that remembers an older policy, whoever
// sends what today.
#include "checks.hpp"

#include "../drawing.hpp"
#include "../duration.hpp"
#include "../match.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace hpkp {

namespace {

constexpr std::size_t kShown = 3;

/// Entries of one policy that one chain does not satisfy.
struct Lockout {
    std::set<std::string> names;
    std::set<std::string> ids;
    std::set<Place> servers;
    std::set<std::string> open_by;  // who still sends it
    std::int64_t first_sent = 0;
    std::int64_t last_sent = 0;
    std::int64_t held_until = 0;
};

using Lockouts = std::map<std::pair<const SentPolicy*, const Chain*>, Lockout>;

std::string some_of(const std::set<std::string>& words)
{
    std::string text;
    std::size_t shown = 0;
    for (const std::string& word : words) {
        if (shown == kShown) {
            return text + " and " + std::to_string(words.size() - kShown) + " more";
        }
        text += (shown++ == 0 ? "" : ", ") + word;
    }
    return text;
}

/// All of them, as far as they fit into a line.
std::string forget_text(const std::set<std::string>& ids, const std::string& ledger)
{
    constexpr std::size_t kMostIds = 40;
    std::string text = "hpkp ledger forget";
    if (ids.size() <= kMostIds) {
        for (const std::string& id : ids) {
            text += " " + id;
        }
    } else {
        text += " ID... (" + std::to_string(ids.size()) + " entries: hpkp ledger show --ledger " + ledger + ")";
    }
    return text + " --reason TEXT --ledger " + ledger;
}

/// `perhaps`: those where only nginx could say whether its clients come to that server at all.
Lockouts lockouts_of(const Site& site, std::int64_t now, bool perhaps)
{
    Lockouts lockouts;
    for (const Remembered& remembered : site.memory.remembered) {
        if (remembered.perhaps != perhaps) {
            continue;
        }
        const Entry& entry = *remembered.entry;
        for (const Chain* chain : remembered.server->chains) {
            const SentPolicy& policy = *entry.policy;
            if (accepted_by(policy.clients, *chain, site.finder->find_remembered(*chain, policy.stores), policy.pins)) {
                continue;
            }
            Lockout& lockout = lockouts[{&policy, chain}];
            lockout.first_sent =
                lockout.names.empty() ? entry.first_sent : std::min(lockout.first_sent, entry.first_sent);
            lockout.last_sent = std::max(lockout.last_sent, entry.last_sent);
            lockout.held_until = std::max(lockout.held_until, entry.held_until(now));
            lockout.names.insert(remembered.name);
            lockout.ids.insert(entry.id);
            if (entry.open) {
                lockout.open_by.insert(entry.instance);
            }
            lockout.servers.insert(remembered.server->block->place);
        }
    }
    return lockouts;
}

std::string what_was_sent(const SentPolicy& policy, const Lockout& lockout, std::int64_t now)
{
    if (policy.kind == SentPolicy::Kind::guarded) {
        return "a guard whose last clients are gone on " + date_text(policy.until, now);
    }
    std::string text = "max-age " + duration_text(policy.max_age.highest());
    text += policy.max_age.is_ramp() ? " at the end of a ramp" : "";
    text += policy.include_subdomains ? ", includeSubDomains" : "";
    text += "; first sent on " + date_text(lockout.first_sent, now);
    // One that is gone without a word is ended by its name: hpkp ledger close.
    return text
           + (lockout.open_by.empty() ? ", last sent on " + date_text(lockout.last_sent, now)
                                      : ", and sent until now by " + some_of(lockout.open_by));
}

}  // namespace

void check_locks_out(const Site& site, Findings& findings)
{
    const std::int64_t now = site.memory.judged_at;
    const Lockouts lockouts = lockouts_of(site, now, false);
    std::int64_t accepted_from = 0;
    bool open = false;
    for (const auto& [key, lockout] : lockouts) {
        accepted_from = std::max(accepted_from, lockout.held_until);
        open = open || !lockout.open_by.empty();
    }
    for (const auto& [key, lockout] : lockouts) {
        const auto& [policy, chain] = key;
        Finding finding(FindingId::locks_out_clients, std::nullopt,
                        "clients of " + some_of(lockout.names) + " hold " + policy->pins.owner + " until "
                            + date_text(lockout.held_until, now) + ", and it does not match " + chain->text()
                            + ": they are locked out",
                        "serve a chain with one of the keys they hold; this configuration would be accepted from "
                            + date_text(accepted_from, now) + " on"
                            + (open ? ", if what it conflicts with is sent no more from now" : "")
                            + "; if no client can hold it: " + forget_text(lockout.ids, site.memory.path));
        finding.servers.assign(lockout.servers.begin(), lockout.servers.end());
        finding.details.push_back(what_was_sent(*policy, lockout, now));
        finding.details.push_back("ledger: " + some_of(lockout.ids));
        const auto drawn = draw(*chain, site.finder->find_remembered(*chain, policy->stores), policy->pins);
        finding.details.insert(finding.details.end(), drawn.begin(), drawn.end());
        finding.details.emplace_back("they hold:");
        for (const PolicyPin& pin : policy->pins.pins) {
            finding.details.push_back("pin-sha256=\"" + pin.pin.base64() + "\""
                                      + (pin.name.empty() ? "" : "  " + pin.name));
        }
        findings.push_back(std::move(finding));
    }

    for (const auto& [key, lockout] : lockouts_of(site, now, true)) {
        const auto& [policy, chain] = key;
        Finding finding(FindingId::regex_host, std::nullopt,
                        "clients of " + some_of(lockout.names) + " hold " + policy->pins.owner + " until "
                            + date_text(lockout.held_until, now) + ", and it does not match " + chain->text()
                            + ": they are locked out if a regular expression of server_name sends them here",
                        "name the hosts in server_name, so that it can be checked");
        finding.servers.assign(lockout.servers.begin(), lockout.servers.end());
        findings.push_back(std::move(finding));
    }

    // Where certificates come by variable, nothing can be proved.
    std::map<const SentPolicy*, Lockout> unknown;
    for (const Remembered& remembered : site.memory.remembered) {
        if (remembered.server->chain_unknown) {
            Lockout& lockout = unknown[remembered.entry->policy.get()];
            lockout.names.insert(remembered.name);
            lockout.servers.insert(remembered.server->block->place);
        }
    }
    for (const auto& [policy, lockout] : unknown) {
        Finding finding(
            FindingId::chain_unknown, std::nullopt,
            "clients of " + some_of(lockout.names) + " hold " + policy->pins.owner
                + ", and ssl_certificate has variables there, so the chain is not known before a client comes",
            "name the chain that clients see there: hpkp_served_chain FILE (it may repeat)");
        finding.servers.assign(lockout.servers.begin(), lockout.servers.end());
        findings.push_back(std::move(finding));
    }
}

}  // namespace hpkp
