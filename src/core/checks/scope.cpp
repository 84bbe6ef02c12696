// Policies and hosts beside each other. A port plays no part: to a client, example.com:443 and example.com:8443 are one
// host, and a policy with includeSubDomains reaches every server below it.
#include "checks.hpp"

#include "../drawing.hpp"
#include "../ledger/memory.hpp"
#include "../match.hpp"
#include "pair_finding.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace hpkp {

namespace {

using Kind = HostPattern::Kind;

/// In the order of the file, so that every load says the same.
struct ByPlace {
    bool operator()(const Policy* a, const Policy* b) const { return std::tie(a->place, a) < std::tie(b->place, b); }
};

/// The policies that are enforced for one host name, and servers where they are.
struct Flapping {
    std::set<const Policy*, ByPlace> policies;
    std::set<Place> servers;
};

/// A policy that clients of some host may hold.
struct Binding {
    const Policy* policy;
    const Server* server;
    const HostPattern* name;
};

class Scope {
public:
    explicit Scope(const Site& site) : site_(site)
    {
        for (const PolicyUse& use : site.uses) {
            if (!use.policy->binds()) {
                continue;
            }
            for (const Server* server : use.servers) {
                for (const HostPattern* name : server->hosts()) {
                    add({use.policy, server, name});
                }
            }
        }
        for (const Server& server : site.servers) {
            for (const HostPattern& name : server.names) {
                if (name.kind == Kind::wildcard) {
                    server_wildcards_[name.domain].push_back(&server);
                } else if (name.kind == Kind::tail) {
                    server_tails_[name.domain].push_back(&server);
                }
            }
            for (const HostPattern& name : server.certificate_names) {
                if (name.kind == Kind::wildcard) {
                    certificate_wildcards_[name.domain].push_back(&server);
                }
            }
        }
    }

    void check(Findings& findings)
    {
        if (bindings_.empty()) {
            return;
        }
        for (const Server& server : site_.servers) {
            for (const HostPattern* name : server.hosts()) {
                meet_name(server, *name, false);
            }
            for (const CertificateHost& known : site_.certificate_hosts(server)) {
                meet_name(server, known.host, known.perhaps);
                if (known.perhaps && known.host.kind == Kind::wildcard) {
                    perhaps_wildcards_[known.host.domain].push_back(&server);
                }
            }
        }
        for (const Binding& binding : bindings_) {
            meet_patterns(binding);
        }
        report(findings);
    }

private:
    void add(const Binding& binding)
    {
        // Clients pin no IP address. None notes a header by a name that another server answers to everywhere; a guard's
        // have the pins by other means.
        const HostPattern& name = *binding.name;
        if (binding.policy->guard ? can_be_recorded(name) : has_clients(site_, *binding.server, name)) {
            auto& domains = binding.name->kind == Kind::exact ? exact_ : wildcards_;
            domains[binding.name->domain][binding.policy].push_back(binding);
            bindings_.push_back(binding);
        }
    }

    /// The policies that reach this name of a server: its own name's, and those of the domains above. `perhaps`: only
    /// nginx could say whether the server answers to it.
    void meet_name(const Server& server, const HostPattern& name, bool perhaps)
    {
        if (name.kind != Kind::exact && name.kind != Kind::wildcard) {
            return;
        }
        const std::string host = name.example();
        if (!perhaps && !site_.answers(server, host)) {
            return;
        }
        const auto meet_here = [&](const Binding& binding, bool same_host) {
            if (perhaps) {
                match(binding, server, name.text, perhaps_);
            } else {
                meet(binding, server, name.text, same_host);
            }
        };
        std::size_t level = 0;
        for (std::string_view domain = host; !domain.empty(); domain = parent_domain(domain), level++) {
            for_each_foreign(exact_, domain, server, [&](const Binding& binding) {
                if (level == 0 || binding.policy->binds_subdomains()) {
                    meet_here(binding, level == 0);
                }
            });
            for_each_foreign(wildcards_, domain, server, [&](const Binding& binding) {
                // "*.example.com" reaches the host itself where its server answers to it at some address, and what is
                // below any host it answers to under includeSubDomains.
                const bool itself = (level == 1 || !binding.name->one_label) && site_.answers(*binding.server, host);
                if (level > 0 && (itself || (level > 1 && binding.policy->binds_subdomains()))) {
                    meet_here(binding, itself);
                }
            });
        }
    }

    using Bindings = std::map<const Policy*, std::vector<Binding>, ByPlace>;
    using BindingsByDomain = std::unordered_map<std::string, Bindings>;

    /// The bindings of a domain whose policies the server does not have itself: for its own it is checked as such.
    template <typename Visit>
    static void for_each_foreign(const BindingsByDomain& all, std::string_view domain, const Server& server,
                                 Visit visit)
    {
        const auto found = all.find(std::string(domain));
        if (found == all.end()) {
            return;
        }
        for (const auto& [policy, bindings] : found->second) {
            if (!shares(server, *policy)) {
                std::for_each(bindings.begin(), bindings.end(), visit);
            }
        }
    }

    /// The other way round: at another address a wildcard, or a default server whose certificate has one, may answer to
    /// the policy's more specific name; and at any a wildcard may answer to what is below it.
    void meet_patterns(const Binding& binding)
    {
        const HostPattern& name = *binding.name;
        meet_patterns(binding, name.example(), name.text, true);
        if (binding.policy->binds_subdomains() && name.kind == Kind::exact) {
            meet_patterns(binding, any_below(name.domain), "*." + name.domain, false);
        }
    }

    void meet_patterns(const Binding& binding, const std::string& host, const std::string& text, bool same_host)
    {
        const auto meet_servers = [&](const std::vector<const Server*>* servers) {
            if (servers == nullptr) {
                return;
            }
            for (const Server* server : *servers) {
                // Not where it answers to this host at an address without TLS alone. What names its certificate has is
                // not asked, here as in the ledger: the strictest reading.
                if (!shares(*server, *binding.policy) && site_.answers(*server, host)) {
                    meet(binding, *server, text, same_host);
                }
            }
        };
        for (std::string_view domain = parent_domain(host); !domain.empty(); domain = parent_domain(domain)) {
            meet_servers(find(server_wildcards_, domain));
        }
        for (std::string_view tail = without_last_label(host); !tail.empty(); tail = without_last_label(tail)) {
            meet_servers(find(server_tails_, tail));
        }
        const std::string_view parent = parent_domain(host);
        meet_servers(find(certificate_wildcards_, parent));
        if (const auto* servers = find(perhaps_wildcards_, parent)) {
            for (const Server* server : *servers) {
                if (!shares(*server, *binding.policy) && site_.unanswered(*server, host)) {
                    match(binding, *server, text, perhaps_);
                }
            }
        }
    }

    using ServersByDomain = std::unordered_map<std::string, std::vector<const Server*>>;

    static const std::vector<const Server*>* find(const ServersByDomain& all, std::string_view domain)
    {
        const auto found = all.find(std::string(domain));
        return found == all.end() ? nullptr : &found->second;
    }

    /// A server that has the policy itself is checked for it as its own.
    static bool shares(const Server& server, const Policy& policy)
    {
        return std::find(server.policies.begin(), server.policies.end(), &policy) != server.policies.end();
    }

    /// `other` does not have the policy, and clients that hold it come to `other` with this name.
    void meet(const Binding& binding, const Server& other, const std::string& name, bool same_host)
    {
        if (other.chain_unknown) {
            unknown_[binding.policy].insert({other.block->place, name});
        }
        if (other.chains.empty() && !other.chain_unknown) {
            return;
        }
        if (same_host && binding.policy->enforce) {
            for (const Policy* policy : other.policies) {
                if (policy->enforce && policy != binding.policy) {
                    Flapping& flapping = flapping_[name];
                    flapping.policies.insert({binding.policy, policy});
                    flapping.servers.insert({binding.server->block->place, other.block->place});
                }
            }
        }
        match(binding, other, name, conflicts_);
    }

    using Conflict = std::tuple<const Policy*, const PinSet*, const Chain*>;
    using Conflicts = std::map<Conflict, std::set<std::pair<Place, std::string>>>;

    /// Adds the chains of the other server that clients with this policy do not accept.
    void match(const Binding& binding, const Server& other, const std::string& name, Conflicts& conflicts) const
    {
        for (const PinSet& pins : binding.policy->pin_sets) {
            if (!pins.enforced && !pins.guarded) {
                continue;
            }
            for (const Chain* chain : other.chains) {
                if (!accepted_by(binding.policy->clients, *chain, site_.paths(*binding.policy, *chain), pins)) {
                    conflicts[{binding.policy, &pins, chain}].insert({other.block->place, name});
                }
            }
        }
    }

    void report(Findings& findings) const
    {
        for (const auto& [key, servers] : conflicts_) {
            const auto& [policy, pins, chain] = key;
            const bool no_path = site_.paths(*policy, *chain).paths.empty();
            Finding finding(FindingId::scope_conflict, pins->place,
                            pins->owner + " reaches " + servers.begin()->second + ", where " + chain->text()
                                + (no_path ? " has no path that they accept" : " matches none of its pins on some path")
                                + ": clients that hold the policy are locked out there",
                            "pin a certificate of that chain too, serve a pinned one there, or take the name or "
                            "includeSubDomains out of the policy's reach");
            for (const auto& [place, name] : servers) {
                finding.servers.push_back(place);
            }
            finding.details = draw(*chain, site_.paths(*policy, *chain), *pins);
            findings.push_back(std::move(finding));
        }
        for (const auto& [key, servers] : perhaps_) {
            const auto& [policy, pins, chain] = key;
            Finding finding(FindingId::regex_host, pins->place,
                            pins->owner + " reaches " + servers.begin()->second + ", and it does not match "
                                + chain->text()
                                + ": clients that hold it are locked out if a regular expression of server_name sends "
                                  "them there",
                            "name the hosts in server_name, so that it can be checked");
            for (const auto& [place, name] : servers) {
                finding.servers.push_back(place);
            }
            findings.push_back(std::move(finding));
        }
        for (const auto& [policy, servers] : unknown_) {
            Finding finding(
                FindingId::chain_unknown, policy->place,
                "policy \"" + policy->name + "\" reaches " + servers.begin()->second
                    + ", where ssl_certificate has variables, so the chain is not known before a client comes",
                "name the chain that clients see there: hpkp_served_chain FILE (it may repeat)");
            for (const auto& [place, name] : servers) {
                finding.servers.push_back(place);
            }
            findings.push_back(std::move(finding));
        }
        report_flapping(findings);
    }

    /// One finding for the same policies, however many names they meet at.
    void report_flapping(Findings& findings) const
    {
        std::map<std::vector<const Policy*>, std::vector<std::string>> names;
        for (const auto& [name, flapping] : flapping_) {
            names[{flapping.policies.begin(), flapping.policies.end()}].push_back(name);
        }
        for (const auto& [policies, met_at] : names) {
            std::string what = "policies \"" + policies[0]->name + "\" and \"" + policies[1]->name + "\"";
            if (policies.size() > 2) {
                what += " and " + std::to_string(policies.size() - 2) + " more";
            }
            what += " are enforced for one host, " + met_at.front();
            if (met_at.size() > 1) {
                what += " (and " + std::to_string(met_at.size() - 1) + " more)";
            }
            Finding finding(FindingId::policy_flapping, policies.back()->place,
                            what + ": a client keeps the one it saw last",
                            "use one policy for a host name, on all its ports");
            for (const std::string& name : met_at) {
                const auto& servers = flapping_.at(name).servers;
                finding.servers.insert(finding.servers.end(), servers.begin(), servers.end());
            }
            findings.push_back(std::move(finding));
        }
    }

    const Site& site_;
    BindingsByDomain exact_;
    BindingsByDomain wildcards_;
    std::vector<Binding> bindings_;
    ServersByDomain server_wildcards_;       // by the domain of a wildcard among their names
    ServersByDomain server_tails_;           // by the same of a tail
    ServersByDomain certificate_wildcards_;  // default servers, by the domain of a wildcard in their certificates
    ServersByDomain perhaps_wildcards_;      // the same of servers of which only nginx could say whether they answer
    Conflicts conflicts_;
    Conflicts perhaps_;  // where only nginx could say whether they meet
    std::map<const Policy*, std::set<std::pair<Place, std::string>>> unknown_;
    std::map<std::string, Flapping> flapping_;
};

}  // namespace

void check_scope(const Site& site, Findings& findings)
{
    Scope(site).check(findings);
}

}  // namespace hpkp
