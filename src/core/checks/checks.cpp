#include "checks.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace hpkp {

namespace {

using Check = void (*)(const Site& site, Findings& findings);

constexpr Check kChecks[] = {
    check_file_writable,     check_pin_count,          check_max_age_long,  check_server_is_tls,
    check_chain_is_known,    check_chain_is_trusted,   check_system_bundle, check_private_pki,
    check_chain_expired,     check_anchor_expired,     check_path_in_doubt, check_chain_has_pin,
    check_sent_has_pin,      check_leaf_has_pin,       check_no_backup_pin, check_single_backup,
    check_backup_key_online, check_off_path_pin,       check_root_only_pin, check_leaf_expires_first,
    check_name_covered,      check_host_can_be_pinned, check_scope,         check_report_uri_self,
    check_locks_out,         check_ramp_has_ledger,    check_clock,         check_never_report_only,
    check_not_rehearsed,     check_max_age_jump,       check_path_limit,
};

/// One finding for what is the same at several servers.
Findings merged(Findings findings)
{
    using Key = std::tuple<FindingId, Severity, std::optional<Place>, std::string, std::vector<std::string>>;
    std::map<Key, std::size_t> known;
    Findings result;
    for (Finding& finding : findings) {
        const auto [at, is_new] = known.emplace(
            Key{finding.id, finding.severity, finding.place, finding.what, finding.details}, result.size());
        if (is_new) {
            result.push_back(std::move(finding));
            continue;
        }
        auto& servers = result[at->second].servers;
        servers.insert(servers.end(), finding.servers.begin(), finding.servers.end());
    }
    for (Finding& finding : result) {
        auto& servers = finding.servers;
        std::sort(servers.begin(), servers.end());
        servers.erase(std::unique(servers.begin(), servers.end()), servers.end());
    }
    return result;
}

}  // namespace

void run_checks(const Site& site, Findings& findings)
{
    for (const Check check : kChecks) {
        check(site, findings);
    }
    findings = merged(std::move(findings));
}

void in_order(Findings& findings)
{
    std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
        return std::tie(a.severity, a.id, a.place, a.servers, a.what, a.details)
               < std::tie(b.severity, b.id, b.place, b.servers, b.what, b.details);
    });
}

}  // namespace hpkp
