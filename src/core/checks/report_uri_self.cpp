// Reports that go to a host which the policy pins itself.
#include "checks.hpp"

#include "pair_finding.hpp"

#include <algorithm>

namespace hpkp {

namespace {

using Kind = HostPattern::Kind;

/// Whether clients of a server's name hold its policy's pins for this host too.
bool pins_host(const Site& site, const Server& server, const HostPattern& name, const std::string& host,
               bool subdomains)
{
    if (name.kind == Kind::exact) {
        return host == name.domain || (subdomains && is_subdomain(host, name.domain));
    }
    if (name.kind != Kind::wildcard || !is_subdomain(host, name.domain)) {
        return false;
    }
    const bool first_level = parent_domain(host) == name.domain;
    const bool itself = (first_level || !name.one_label) && site.answers(server, host);
    return itself || (subdomains && !first_level);
}

bool pins_host(const Site& site, const PolicyUse& use, const std::string& host)
{
    const bool subdomains = use.policy->enforce->include_subdomains;
    return std::any_of(use.servers.begin(), use.servers.end(), [&](const Server* server) {
        const auto hosts = server->hosts();
        return std::any_of(hosts.begin(), hosts.end(),
                           [&](const HostPattern* name) { return pins_host(site, *server, *name, host, subdomains); });
    });
}

}  // namespace

void check_report_uri_self(const Site& site, Findings& findings)
{
    for (const PolicyUse& use : site.uses) {
        const Policy& policy = *use.policy;
        if (!policy.enforce || policy.enforce->max_age.highest() == 0) {
            continue;
        }
        const auto check = [&](const std::optional<ReportUri>& uri) {
            if (!uri || uri->scheme != "https" || !pins_host(site, use, uri->host)) {
                return;
            }
            Finding finding(FindingId::report_uri_self, uri->place,
                            "policy \"" + policy.name + "\" sends its reports to " + uri->host
                                + ", which it pins itself: when the pins fail, no report can arrive",
                            "report to another domain");
            add_servers(finding, use.servers);
            findings.push_back(std::move(finding));
        };
        check(policy.enforce->report_uri);
        if (policy.report_only) {
            check(policy.report_only->report_uri);
        }
    }
}

}  // namespace hpkp
