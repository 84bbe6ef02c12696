// What the ledger says of how a policy came about: advice that only somebody who remembers can give.
#include "checks.hpp"

#include "../duration.hpp"
#include "../ledger/memory.hpp"

#include <tuple>

namespace hpkp {

namespace {

constexpr std::int64_t kRehearsedFrom = 7 * 86400;
constexpr std::int64_t kJump = 10;

/// Calls `check(policy, history, key)` for every host that a policy is enforced for, with what was sent there before.
template <typename Check>
void for_each_enforced_host(const Site& site, Check check)
{
    if (!site.memory.known) {
        return;
    }
    const std::vector<History> none;
    for (const PolicyUse& use : site.uses) {
        if (!use.policy->enforce || use.policy->enforce->max_age.highest() == 0) {
            continue;
        }
        for (const Server* server : use.servers) {
            for (const HostPattern* host : server->hosts()) {
                if (!has_clients(site, *server, *host)) {
                    continue;
                }
                const auto history = site.memory.history.find(host_key(*host));
                check(*use.policy, *server, *host, history == site.memory.history.end() ? none : history->second);
            }
        }
    }
}

void add(Findings& findings, FindingId id, const Policy& policy, const Server& server, std::string what,
         const char* remedy)
{
    Finding finding(id, policy.enforce->max_age_place, std::move(what), remedy);
    finding.servers.push_back(server.block->place);
    findings.push_back(std::move(finding));
}

}  // namespace

void check_ramp_has_ledger(const Site& site, Findings& findings)
{
    for (const PolicyUse& use : site.uses) {
        if (site.memory.known || !use.policy->enforce || !use.policy->enforce->max_age.is_ramp()) {
            continue;
        }
        Finding finding(
            FindingId::bad_value, use.policy->enforce->max_age_place,
            "the ramp of policy \"" + use.policy->name
                + "\" is counted from when it was first enforced, and there is no ledger that knows",
            site.memory.path.empty()
                ? "name a ledger, hpkp_ledger FILE, or write a single max-age"
                : "mend the ledger first, as the finding about it says: a new one would know nothing of what "
                  "clients hold");
        for (const Server* server : use.servers) {
            finding.servers.push_back(server->block->place);
        }
        findings.push_back(std::move(finding));
    }
}

void check_clock(const Site& site, Findings& findings)
{
    if (!clock_is_behind(site.now, site.memory.newest)) {
        return;
    }
    findings.emplace_back(
        FindingId::clock_went_back, std::nullopt,
        "it is " + time_text(site.now) + " by the clock, and the newest time in the ledger is "
            + time_text(site.memory.newest)
            + ": what is sent is recorded with the later one, and what is sent no more goes on counting until a load "
              "comes after the clock has passed it",
        "set the clock; if the ledger was written under a wrong clock: hpkp ledger export, move it away, "
        "and hpkp ledger import --own --clamp (--ledger "
            + site.memory.path + ")");
}

void check_never_report_only(const Site& site, Findings& findings)
{
    for_each_enforced_host(
        site, [&](const Policy& policy, const Server& server, const HostPattern&, const std::vector<History>& history) {
            if (history.empty()) {
                add(findings, FindingId::never_report_only, policy, server,
                    "policy \"" + policy.name + "\" is enforced for a host that never had a policy before",
                    "begin with report-only, and enforce once the reports are quiet");
            }
        });
}

void check_not_rehearsed(const Site& site, Findings& findings)
{
    for_each_enforced_host(site, [&](const Policy& policy, const Server& server, const HostPattern& host,
                                     const std::vector<History>&) {
        if (policy.enforce->max_age.highest() > kRehearsedFrom && site.memory.key_changed.count(host_key(host)) == 0) {
            add(findings, FindingId::not_rehearsed, policy, server,
                "policy \"" + policy.name + "\" has a max-age of " + duration_text(policy.enforce->max_age.highest())
                    + ", and no change of key has been lived through yet",
                "keep it at 7d or less until a renewal has used a backup");
        }
    });
}

void check_max_age_jump(const Site& site, Findings& findings)
{
    for_each_enforced_host(site, [&](const Policy& policy, const Server& server, const HostPattern&,
                                     const std::vector<History>& history) {
        if (policy.enforce->max_age.is_ramp()) {
            return;
        }
        const History* last = nullptr;
        for (const History& past : history) {
            // Of two that are sent at once, clients have had the longer one too.
            if (past.enforced
                && (last == nullptr
                    || std::tie(past.last_sent, past.last_max_age) > std::tie(last->last_sent, last->last_max_age))) {
                last = &past;
            }
        }
        const std::int64_t now = policy.enforce->max_age.highest();
        if (last != nullptr && last->last_max_age > 0 && now > last->last_max_age * kJump) {
            add(findings, FindingId::max_age_jump, policy, server,
                "policy \"" + policy.name + "\" goes from a max-age of " + duration_text(last->last_max_age) + " to "
                    + duration_text(now) + " in one step",
                "go up in smaller steps, or let a ramp do it: max-age: {ramp: [{for: 7d, value: 1h}, {value: 30d}]}");
        }
    });
}

}  // namespace hpkp
