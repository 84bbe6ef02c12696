// Whether a server that has a policy serves a chain at all, and one that nginx can know.
#include "checks.hpp"

#include "pair_finding.hpp"

#include <algorithm>

namespace hpkp {

void check_server_is_tls(const Site& site, Findings& findings)
{
    for (const Server& server : site.servers) {
        const auto& refs = server.block->policies;
        const bool own = std::any_of(refs.begin(), refs.end(), [](const PolicyRef& ref) { return ref.own; });
        if (!own || server.covered()) {
            continue;
        }
        Finding finding(
            FindingId::server_not_tls, std::nullopt,
            server.block->reject_handshake ? "hpkp_policy in a server that rejects every TLS handshake"
                                           : "hpkp_policy in a server that nginx does not serve over TLS",
            "remove it there, or say what clients see: hpkp_served_chain FILE, if TLS ends in front of nginx");
        add_servers(finding, {&server});
        findings.push_back(std::move(finding));
    }
}

void check_chain_is_known(const Site& site, Findings& findings)
{
    for (const Server& server : site.servers) {
        const ServerBlock& block = *server.block;
        if (server.policies.empty() || !server.covered() || !block.served_chains.empty()) {
            continue;
        }
        const char* what = nullptr;
        if (block.secure) {
            what = "hpkp_secure says that TLS ends in front of nginx, and no hpkp_served_chain says what clients see "
                   "there";
        } else if (block.variable_certificates) {
            what = "ssl_certificate has variables, so the chain is not known before a client comes";
        } else if (server.chains.empty()) {
            what = "neither this server nor the default server of its address has a certificate";
        }
        if (what == nullptr) {
            continue;
        }
        Finding finding(FindingId::chain_unknown, std::nullopt, what,
                        "name the chain that clients see: hpkp_served_chain FILE (it may repeat)");
        add_servers(finding, {&server});
        findings.push_back(std::move(finding));
    }
}

}  // namespace hpkp
