#include "test_random_sites.hpp"

#include "duration.hpp"

#include <algorithm>

namespace hpkp::test {

namespace {

/// Two roots, two issuers, of which the first is certified by both roots; five leaf keys, three backups.
enum Key { kRoot, kRoot2, kIssuer, kIssuer2, kLeaf };
constexpr int kLeaves = 5, kKeys = kLeaf + kLeaves + 3;

PolicyText text_of(const ClientPolicy& from)
{
    PolicyText policy;
    policy.name = from.name;
    for (const int key : from.pins) {
        policy.pins.push_back(written(cast().keys[static_cast<std::size_t>(key)].pin()));
    }
    policy.modes.clear();
    if (from.enforce) {
        std::string ramp;
        for (const auto& [duration, value] : from.ramp) {
            ramp += ramp.empty() ? "{" : ", {";
            ramp += duration != 0 ? "for: " + std::to_string(duration) + ", " : "";
            ramp += "value: " + std::to_string(value) + "}";
        }
        policy.modes.push_back("enforce: {max-age: {ramp: [" + ramp + "]}"
                               + (from.subdomains ? ", includeSubDomains: true}" : "}"));
    }
    if (from.report) {
        policy.modes.push_back("report-only: {report-uri: \"https://reports.test/\"}");
    }
    if (from.guard_days != 0) {
        // The last day is the one before.
        policy.modes.push_back("guard: {until: " + time_text((from.guard_days - 1) * kDay).substr(0, 10)
                               + (from.guard_subdomains ? ", includeSubDomains: true}" : "}"));
    }
    std::string clients;
    for (const auto& [is, kind] : {std::pair(from.chain, "chain"), {from.sent, "sent"}, {from.leaf, "leaf"}}) {
        clients += is ? (clients.empty() ? "" : ", ") + std::string(kind) : "";
    }
    policy.modes.push_back("clients: [" + clients + "]");
    return policy;
}

}  // namespace

Cast::Cast()
{
    for (int i = 0; i < kKeys; i++) {
        keys.emplace_back("key " + std::to_string(i));
    }
    const Certificate issuer = ca(keys[kIssuer], keys[kRoot]), crossed = ca(keys[kIssuer], keys[kRoot2]);
    const Certificate issuer_2 = ca(keys[kIssuer2], keys[kRoot]);
    roots = dir.write("roots.pem", pem({ca(keys[kRoot], keys[kRoot]), ca(keys[kRoot2], keys[kRoot2])}));
    const std::vector<std::vector<std::string>> names = {
        {"example.com", "a.example.com"}, {"example.com", "*.example.com", "*.a.example.com"}, {"b.example.com"}};
    for (int leaf = kLeaf; leaf < kLeaf + kLeaves; leaf++) {
        for (const auto& covered : names) {
            const std::string text = std::to_string(leaf) + " for " + covered.back();
            CertOptions options;
            options.names = covered;
            options.not_after = kNow + 10000 * kDay;
            const Certificate first = certify(keys[leaf], keys[kIssuer], options);
            const Certificate second = certify(keys[leaf], keys[kIssuer2], options);
            const Keys to_root = {leaf, kIssuer, kRoot}, to_root_2 = {leaf, kIssuer, kRoot2};
            chains.push_back({text, chain({first, issuer}), {to_root}, {leaf, kIssuer}, leaf, covered});
            chains.push_back({text + " crossed",
                              chain({first, issuer, crossed}),
                              {to_root, to_root_2},
                              {leaf, kIssuer},
                              leaf,
                              covered});
            chains.push_back({text + " by 3",
                              chain({second, issuer_2}),
                              {{leaf, kIssuer2, kRoot}},
                              {leaf, kIssuer2},
                              leaf,
                              covered});
        }
    }
    private_pki = chains;
    for (ClientChain& chain : private_pki) {
        chain.paths = {chain.sent};
    }
}

const Cast& cast()
{
    static const Cast cast;
    return cast;
}

ClientServer RandomSites::server()
{
    ClientServer server;
    std::vector<std::string> names = {"example.com",     "a.example.com",   "b.example.com", "*.example.com",
                                      "*.a.example.com", "x.a.example.com", ".example.com",  ".a.example.com"};
    if (more_names) {
        for (const char* name : {"any.example.com", "any.a.example.com", "*.any.example.com", "example.*",
                                 "b.example.*", "any.*", "a.example.*"}) {
            names.push_back(name);
        }
    }
    for (int n = chance(18) ? 0 : chance(70) ? 1 : 2; n > 0; n--) {
        server.names.push_back(one_of(names));
    }
    for (int n = chance(80) ? 1 : 2; n > 0; n--) {
        server.chains.push_back(&chains()[random() % chains().size()]);
    }
    server.ports = chance(60) ? std::set<int>{443} : chance(50) ? std::set<int>{8443} : std::set<int>{443, 8443};
    server.policy = chance(60) ? one_of<std::string>({"p", "q"}) : "";
    return server;
}

ClientPolicy RandomSites::policy(const std::string& name, const ClientSite& site, std::int64_t now)
{
    ClientPolicy policy;
    policy.name = name;
    // Mostly one that the site's chains fit, since the others teach nothing.
    for (const ClientServer& server : site.servers) {
        for (const ClientChain* chain : server.chains) {
            if (server.policy == name || chance(60)) {
                policy.pins.insert(chance(75) ? chain->leaf : chain->text.back() == '3' ? kIssuer2 : kIssuer);
            }
        }
    }
    for (int n = 1 + static_cast<int>(random() % 3); n > 0 || policy.pins.size() < 2; n--) {
        policy.pins.insert(static_cast<int>(random() % kKeys));
    }
    policy.pins.insert(kKeys - 1 - static_cast<int>(random() % 3));
    policy.enforce = chance(75);
    policy.report = !policy.enforce || chance(20);
    policy.subdomains = chance(40);
    const std::vector<std::int64_t> values = {0, 60, 300, 3600, kDay, 5 * kDay, 30 * kDay};
    policy.ramp = {{0, one_of(values)}};
    while (chance(35)) {
        policy.ramp.insert(policy.ramp.begin(), {one_of<std::int64_t>({60, 3600, kDay}), one_of(values)});
    }
    std::sort(policy.ramp.begin(), policy.ramp.end(), [](auto& a, auto& b) { return a.second < b.second; });
    for (auto& [duration, value] : policy.ramp) {
        duration = &value == &policy.ramp.back().second ? 0 : std::max<std::int64_t>(duration, 60);
    }
    policy.guard_days = chance(12) ? now / kDay + one_of<std::int64_t>({1, 2, 10, 40}) : 0;
    policy.guard_subdomains = chance(40);
    policy.chain = chance(85);
    policy.sent = chance(10);
    policy.leaf = chance(10);
    policy.chain = policy.chain || (!policy.sent && !policy.leaf);
    return policy;
}

ClientSite RandomSites::changed(ClientSite site, std::int64_t now)
{
    do {
        ClientServer& server = site.servers[random() % site.servers.size()];
        switch (random() % 8) {
        case 0:
            server.chains = RandomSites::server().chains;  // a renewal
            break;
        case 1:
        case 2: {
            const std::string name = one_of<std::string>({"p", "q"});
            site.policies[name] = policy(name, site, now);
            break;
        }
        case 3:
            server.policy = server.policy.empty() ? one_of<std::string>({"p", "q"}) : "";
            break;
        case 4:
            server.names = RandomSites::server().names;
            break;
        case 5:
            server.ports = RandomSites::server().ports;
            break;
        case 6:
            if (site.servers.size() < 4) {
                site.servers.push_back(RandomSites::server());
            } else {
                site.servers.erase(site.servers.begin());
            }
            break;
        default:
            std::shuffle(site.servers.begin(), site.servers.end(), random);
            break;
        }
    } while (chance(40));
    for (ClientServer& server : site.servers) {
        if (!server.policy.empty() && site.policies.count(server.policy) == 0) {
            site.policies[server.policy] = policy(server.policy, site, now);
        }
    }
    return site;
}

void build(World& world, const ClientSite& site)
{
    std::vector<PolicyText> policies;
    for (const auto& [name, policy] : site.policies) {
        policies.push_back(text_of(policy));
    }
    world.policies(policies);
    unsigned line = 0;
    for (const ClientServer& server : site.servers) {
        std::vector<Chain> chains;
        for (const ClientChain* chain : server.chains) {
            chains.push_back(chain->chain);
        }
        const auto port = static_cast<std::size_t>(*server.ports.begin());
        ServerBlock& block = world.server(line += 10, server.names, std::move(chains), port);
        for (auto more = std::next(server.ports.begin()); more != server.ports.end(); more++) {
            world.listen(block, static_cast<std::size_t>(*more), true);
        }
        if (!server.policy.empty()) {
            block.policies.push_back(world.ref(server.policy));
        }
    }
}

}  // namespace hpkp::test
