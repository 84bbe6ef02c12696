// Whether a server that has a policy serves a chain at all, and one that nginx can know.
#include "checks.hpp"

#include "pair_finding.hpp"

#include <algorithm>

namespace hpkp {

namespace {

bool has_own_policy(const ServerBlock& block)
{
    return std::any_of(block.policies.begin(), block.policies.end(), [](const PolicyRef& ref) { return ref.own; });
}

void add(Findings& findings, FindingId id, const Server& server, const char* what, const char* remedy)
{
    Finding finding(id, std::nullopt, what, remedy);
    add_servers(finding, {&server});
    findings.push_back(std::move(finding));
}

/// Why the chain that clients of this server see cannot be known, or null.
const char* unknown_because(const Server& server)
{
    const ServerBlock& block = *server.block;
    // hpkp_secure in a plain server is meant; one that it inherits is as idle there as an inherited policy.
    if (block.secure && (server.tls || (block.own_secure && !has_own_policy(block)))) {
        return "hpkp_secure says that TLS ends in front of nginx, and no hpkp_served_chain says what clients see there";
    }
    if (!server.tls) {
        return nullptr;
    }
    if (server.chain_unknown) {
        return "ssl_certificate has variables, so the chain is not known before a client comes";
    }
    // Chains are not gathered where no policy could be read, which is a finding already.
    const bool none = server.chains.empty() && !server.chain_unreadable && !server.policies.empty();
    return none ? "neither this server nor the default server of its address has a certificate" : nullptr;
}

}  // namespace

void check_server_is_tls(const Site& site, Findings& findings)
{
    for (const Server& server : site.servers) {
        if (!has_own_policy(*server.block) || server.covered()) {
            continue;
        }
        add(findings, FindingId::server_not_tls, server,
            server.block->reject_handshake ? "hpkp_policy in a server that rejects every TLS handshake"
                                           : "hpkp_policy in a server that nginx does not serve over TLS",
            "remove it there, or say what clients see: hpkp_served_chain FILE, if TLS ends in front of nginx");
    }
}

void check_chain_is_known(const Site& site, Findings& findings)
{
    for (const Server& server : site.servers) {
        const char* what = nullptr;
        if (!server.block->policies.empty() && server.block->served_chains.empty()) {
            what = unknown_because(server);
        }
        if (what != nullptr) {
            add(findings, FindingId::chain_unknown, server, what,
                "name the chain that clients see: hpkp_served_chain FILE (it may repeat)");
        }
    }
}

}  // namespace hpkp
