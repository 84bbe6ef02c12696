// Host names: which of them clients can pin at all.
#include "checks.hpp"

#include "../utf8.hpp"
#include "pair_finding.hpp"

namespace hpkp {

namespace {

using Kind = HostPattern::Kind;

bool unqualified(const HostPattern& name)
{
    return name.kind == Kind::exact && name.domain.find('.') == std::string::npos && !is_ip_address(name.domain);
}

}  // namespace

void check_name_covered(const Site& site, Findings& findings)
{
    for (const Pair& pair : site.pairs) {
        for (const Server* server : pair.servers) {
            for (const HostPattern& name : server->names) {
                const bool checkable = name.kind == Kind::exact || name.kind == Kind::wildcard;
                if (!checkable || is_ip_address(name.domain)) {
                    continue;
                }
                const std::string host = name.kind == Kind::exact ? name.domain : "any." + name.domain;
                if (pair.chain->leaf().covers(host)) {
                    continue;
                }
                const bool ascii = utf8_count(name.text) == name.text.size();
                Finding finding(FindingId::name_not_covered, std::nullopt,
                                "the certificate of " + pair.chain->text() + " does not cover " + name.text
                                    + (name.kind == Kind::exact
                                           ? ": no client of that name will ever note the pins"
                                           : ": clients of the names it leaves out never note the pins"),
                                ascii ? "serve a certificate for that name, or remove the name"
                                      : "write the name as clients do, by its A-label: xn--..., as the command idn2 "
                                        "prints it");
                add_servers(finding, {server});
                findings.push_back(std::move(finding));
            }
        }
    }
}

void check_host_can_be_pinned(const Site& site, Findings& findings)
{
    for (const Server& server : site.servers) {
        if (server.policies.empty() || !server.covered()) {
            continue;
        }
        const auto add = [&](FindingId id, std::string what, std::string remedy) {
            Finding finding(id, std::nullopt, std::move(what), std::move(remedy));
            add_servers(finding, {&server});
            findings.push_back(std::move(finding));
        };
        for (const HostPattern& name : server.names) {
            if (name.kind == Kind::regex || name.kind == Kind::tail) {
                add(FindingId::regex_host,
                    "which hosts \"" + name.text + "\" stands for cannot be told, so its scope is not checked",
                    "write the names out, or use one wildcard such as *.example.com");
            } else if (is_ip_address(name.domain)) {
                add(FindingId::ip_host, "clients pin no IP address such as " + name.text + " (RFC 7469 2.3.3)",
                    "serve it under a name, or remove it from server_name");
            } else if (unqualified(name)) {
                add(FindingId::unqualified_host,
                    "\"" + name.text + "\" has no domain: clients differ on whether they pin such a name",
                    "use its fully qualified name");
            }
        }
    }
}

}  // namespace hpkp
