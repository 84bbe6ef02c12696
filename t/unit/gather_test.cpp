#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// The leaves' names of a server's chains, in order.
std::vector<std::string> leaves(const Server& server)
{
    std::vector<std::string> names;
    for (const Chain* chain : server.chains) {
        names.push_back(chain->leaf().short_name());
    }
    return names;
}

std::vector<std::string> names(const Server& server)
{
    std::vector<std::string> all;
    for (const HostPattern* name : server.hosts()) {
        all.push_back(name->text);
    }
    return all;
}

using Strings = std::vector<std::string>;

Chain of(const std::string& name, std::vector<std::string> dns_names = {})
{
    return chain({leaf(Entity(name), pki().intermediate_key, dns_names.empty() ? Strings{name} : std::move(dns_names)),
                  pki().intermediate});
}

PolicyText named(const std::string& name, std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    PolicyText policy = good_policy();
    policy.name = name;
    policy.modes = std::move(modes);
    return policy;
}

struct Gather : testing::Test {
    Gather() { world.policies({good_policy()}); }
    World world;
};

TEST_F(Gather, AServersCertificatesAreItsChains)
{
    world.server(5, {"default.test"}, {of("default.test")});
    world.pinned(12, {"www.example.com"}, {of("first"), of("second")});
    const Site site = world.gather();
    EXPECT_EQ(leaves(site.servers[1]), (Strings{"first", "second"}));
    EXPECT_TRUE(site.servers[1].tls);
    EXPECT_TRUE(site.servers[1].covered());
}

TEST_F(Gather, AServerWithoutACertificateHasItsDefaultServers)
{
    world.server(5, {"default.test"}, {of("default.test"), of("second")});
    world.pinned(12, {"www.example.com"}, {});
    EXPECT_EQ(leaves(world.gather().servers[1]), (Strings{"default.test", "second"}));
}

TEST_F(Gather, OfAllItsTlsAddresses)
{
    world.server(5, {"a.test"}, {of("a.test")}, 443);
    world.server(6, {"b.test"}, {of("b.test")}, 8443);
    world.plain(7, {"c.test"}, 80).certificates = {of("c.test")};
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {});
    world.listen(block, 8443, true);
    world.listen(block, 80, false);
    EXPECT_EQ(leaves(world.gather().servers[3]), (Strings{"a.test", "b.test"}));
}

TEST_F(Gather, ADefaultServerOfTwoAddressesIsCountedOnce)
{
    ServerBlock& first = world.server(5, {"a.test"}, {of("a.test")}, 443);
    world.listen(first, 8443, true);
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {});
    world.listen(block, 8443, true);
    EXPECT_EQ(leaves(world.gather().servers[1]), Strings{"a.test"});
}

TEST_F(Gather, AnUnfitDefaultChainIsFound)
{
    world.server(5, {"default.test"}, {pki().other_chain});
    world.pinned(12, {"www.example.com"}, {});
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::no_pin_in_chain)), std::vector<unsigned>{12});
}

TEST_F(Gather, AServerThatRejectsHandshakesHasNoChain)
{
    world.pinned(12, {"www.example.com"}, {pki().www_chain}).reject_handshake = true;
    world.pinned(30, {"shop.example.com"}, {pki().www_chain}, "www", 8443);
    const Site site = world.gather();
    EXPECT_FALSE(site.servers[0].tls);
    EXPECT_TRUE(site.servers[0].chains.empty());
    EXPECT_FALSE(site.servers[0].covered());
}

TEST_F(Gather, APlainServersContextIsNoChain)
{
    ServerBlock& block = world.plain(12, {"www.example.com"});
    block.certificates = {pki().www_chain};
    block.policies = {world.ref("www")};
    const Site site = world.gather();
    EXPECT_FALSE(site.servers[0].tls);
    EXPECT_TRUE(site.servers[0].chains.empty());
    EXPECT_TRUE(site.uses.empty());
    EXPECT_TRUE(site.pairs.empty());
}

TEST_F(Gather, CertificatesByVariableAreNotTheDefaultServers)
{
    world.server(5, {"default.test"}, {of("default.test")});
    world.pinned(12, {"www.example.com"}, {}).variable_certificates = true;
    EXPECT_TRUE(world.gather().servers[1].chains.empty());
}

TEST_F(Gather, ServedChainReplacesTheCertificates)
{
    const std::string first = world.dir.write("first.pem", pem(of("first").sent));
    const std::string second = world.dir.write("second.pem", pem(of("second").sent));
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {of("own")});
    block.served_chains = {first, second};
    const Site site = world.gather();
    EXPECT_EQ(leaves(site.servers[0]), (Strings{"first", "second"}));
    EXPECT_EQ(site.servers[0].chains[0]->file, first);
    EXPECT_FALSE(site.servers[0].chain_unreadable);
}

TEST_F(Gather, ServedChainCoversAServerWithoutTls)
{
    ServerBlock& block = world.plain(12, {"www.example.com"});
    block.served_chains = {world.dir.write("www.pem", pem(pki().www_chain.sent))};
    block.policies = {world.ref("www", false)};
    const Site site = world.gather();
    EXPECT_TRUE(site.servers[0].covered());
    EXPECT_FALSE(site.servers[0].tls);
    ASSERT_EQ(site.pairs.size(), 1U);
    EXPECT_EQ(site.servers[0].policies.size(), 1U);
}

TEST_F(Gather, AnUnreadableServedChainIsOneErrorWithItsServers)
{
    const std::string missing = world.dir / "missing.pem";
    world.pinned(12, {"www.example.com"}, {}).served_chains = {missing};
    world.pinned(30, {"example.com"}, {}).served_chains = {missing};
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "served-chain-unreadable");
    const Finding& finding = only(findings, FindingId::served_chain_unreadable);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(lines_of(finding), (std::vector<unsigned>{12, 30}));
    ASSERT_TRUE(finding.place.has_value());
    EXPECT_EQ(finding.place->file, missing);
    EXPECT_TRUE(world.gather().servers[0].chain_unreadable);
}

TEST_F(Gather, AServedChainWithoutACertificateIsUnreadable)
{
    world.pinned(12, {"www.example.com"}, {}).served_chains = {
        world.dir.write("key.pem", private_key(pki().backup_3), 0600)};
    EXPECT_TRUE(has(world.findings(), FindingId::served_chain_unreadable));
}

TEST_F(Gather, AnInheritedPolicyOnAPlainServerIsIgnored)
{
    world.plain(12, {"www.example.com"}).policies = {world.ref("www", false), world.ref("nonsense", false)};
    Findings findings;
    const Site site = world.gather(findings);
    EXPECT_EQ(ids(findings), "");
    EXPECT_TRUE(site.servers[0].policies.empty());
}

TEST_F(Gather, AnUnknownNameListsThoseThereAre)
{
    world.policies({named("www"), named("shop")});
    world.pinned(12, {"www.example.com"}, {pki().www_chain}, "wwww");
    world.pinned(30, {"example.com"}, {pki().www_chain}, "wwww");
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "unknown-policy");
    const Finding& finding = only(findings, FindingId::unknown_policy);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(lines_of(finding), (std::vector<unsigned>{12, 30}));
    const std::string text = text_of(finding);
    EXPECT_NE(text.find("\"wwww\""), std::string::npos) << text;
    EXPECT_NE(text.find("\"www\""), std::string::npos) << text;
    EXPECT_NE(text.find("\"shop\""), std::string::npos) << text;
    EXPECT_NE(text.find("pins.yaml:3:3"), std::string::npos) << text;
}

TEST_F(Gather, TwoUnknownNamesAreTwoFindings)
{
    world.pinned(12, {"www.example.com"}, {pki().www_chain}, "one");
    world.pinned(30, {"example.com"}, {pki().www_chain}, "two");
    EXPECT_EQ(ids(world.findings()), "unknown-policy unknown-policy");
}

TEST_F(Gather, TheNameMayBeLeftOutWhereThereIsOnePolicy)
{
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {pki().www_chain});
    block.policies.front().name.reset();
    EXPECT_EQ(ids(world.findings()), "");
    ASSERT_EQ(world.gather().servers[0].policies.size(), 1U);

    world.policies({named("www"), named("shop")});
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "unknown-policy");
    EXPECT_NE(text_of(only(findings, FindingId::unknown_policy)).find("\"shop\""), std::string::npos);
}

TEST_F(Gather, APolicyThatCannotBeReadIsThereAllTheSame)
{
    world.policy_text("version: 1\npolicies:\n  www: [a]\n");
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "bad-value");
    block.policies.front().name.reset();
    EXPECT_EQ(ids(world.findings()), "bad-value") << "there is one";

    world.policy_text(policy_file({named("shop")}) + "  www:\n");
    EXPECT_EQ(ids(world.findings()), "bad-value unknown-policy") << "there are two, and none is named";
    EXPECT_NE(text_of(only(world.findings(), FindingId::unknown_policy)).find("names: \"shop\", \"www\""),
              std::string::npos);
}

TEST_F(Gather, NoPolicyCanBeMissedInAFileThatCannotBeRead)
{
    world.policy_text("version: 1\npolicies: [\n");
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "policy-syntax");
    std::string missing = world.dir / "missing.yaml";
    World other;
    other.server(12, {"www.example.com"}, {pki().www_chain}).policies = {{missing, "www", true}};
    EXPECT_EQ(ids(other.findings()), "policy-unreadable");
}

TEST_F(Gather, APolicyFileIsReadOnce)
{
    world.policies({named("www"), named("shop", {"max-age: 1d"})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {pki().www_chain});
    Findings findings;
    const Site site = world.gather(findings);
    EXPECT_EQ(site.files.size(), 1U);
    EXPECT_EQ(ids(findings), "no-mode unknown-key");
}

TEST_F(Gather, EachHeaderMayComeFromOnePolicyOnly)
{
    const std::string report = "report-only: {report-uri: \"https://reports.test/\"}";
    const std::vector<std::tuple<Strings, Strings, std::string>> cases = {
        {{"enforce: {max-age: 1d}"}, {"enforce: {max-age: 1d}"}, "bad-value"},
        {{report}, {report}, "bad-value"},
        {{"enforce: {max-age: 1d}", report}, {"enforce: {max-age: 1d}", report}, "bad-value bad-value"},
        {{"enforce: {max-age: 1d}"}, {report}, ""},
        {{"enforce: {max-age: 1d}"}, {"guard: {}"}, ""},
        {{"guard: {}"}, {"guard: {}"}, ""},
        {{"enforce: {max-age: 1d}", report}, {"guard: {}"}, ""},
    };
    for (const auto& [first, second, expected] : cases) {
        World two;
        two.policies({named("www", first), named("app", second)});
        two.pinned(12, {"www.example.com"}, {pki().www_chain}).policies.push_back(two.ref("app"));
        const auto findings = two.findings();
        EXPECT_EQ(ids(findings), expected) << first.front() << " beside " << second.front();
        EXPECT_EQ(notes(findings), "private-pki");
        for (const Finding& finding : findings) {
            EXPECT_TRUE(finding.severity == Severity::error || finding.id == FindingId::private_pki);
            EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
        }
    }
}

TEST_F(Gather, EveryPolicyOfAServerHasToMatch)
{
    PolicyText app = named("app", {"guard: {}"});
    app.pins = {written(pki().backup_1.pin()), written(pki().backup_2.pin()), written(pki().backup_3.pin())};
    world.policies({named("www"), app});
    world.pinned(12, {"www.example.com"}, {pki().www_chain}).policies.push_back(world.ref("app"));
    EXPECT_EQ(ids(world.findings()), "no-pin-in-chain");
}

TEST_F(Gather, WithoutAPolicyNothingIsLookedAt)
{
    World bare;
    bare.server(12, {"www.example.com"}, {pki().www_chain}).served_chains = {"/nonexistent/chain.pem"};
    bare.server(30, {"localhost"}, {}).variable_certificates = true;
    Findings findings;
    const Site site = bare.gather(findings);
    EXPECT_TRUE(findings.empty());
    EXPECT_TRUE(site.chains.empty());
    EXPECT_EQ(site.servers.size(), 2U);
}

TEST_F(Gather, AChainIsLookedAtOnceForAllItsServers)
{
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {chain(pki().www_chain.sent)});
    world.pinned(44, {"www.example.com"}, {pki().www_chain_with_root}, "www", 8443);
    const Site site = world.gather();
    EXPECT_EQ(site.chains.size(), 2U);
    EXPECT_EQ(site.pairs.size(), 2U);
    ASSERT_EQ(site.uses.size(), 1U);
    EXPECT_EQ(site.uses.front().servers.size(), 3U);
    EXPECT_EQ(site.pairs.front().servers.size(), 2U);
}

TEST_F(Gather, ADefaultServerHasTheNamesOfItsCertificatesBesides)
{
    world.pinned(12, {"www.example.com"},
                 {of("first", {"www.example.com", "a.test", "*.b.test"}), of("second", {"c.test", "A.TEST"})});
    world.pinned(30, {"shop.example.com"}, {of("third", {"shop.example.com", "d.test"})});
    const Site site = world.gather();
    EXPECT_EQ(names(site.servers[0]), (Strings{"www.example.com", "a.test", "*.b.test", "c.test"}));
    EXPECT_EQ(names(site.servers[1]), Strings{"shop.example.com"}) << "no default server";
}

TEST_F(Gather, NamesThatAnotherServerAnswersToAreNotTheDefaultServers)
{
    world.pinned(12, {"www.example.com"}, {of("first", {"www.example.com", "a.test", "x.b.test", "c.test", "d.test"})});
    world.pinned(30, {"a.test", "*.b.test", "c.*"}, {of("second")});
    EXPECT_EQ(names(world.gather().servers[0]), (Strings{"www.example.com", "d.test"}));
}

TEST_F(Gather, ANameOfAnotherAddressDoesNotHideIt)
{
    world.pinned(12, {"www.example.com"}, {of("first", {"www.example.com", "a.test"})});
    world.pinned(30, {"a.test"}, {of("second", {"a.test"})}, "www", 8443);
    EXPECT_EQ(names(world.gather().servers[0]), (Strings{"www.example.com", "a.test"}));
}

TEST_F(Gather, ADefaultServerWithoutTlsHasNoNamesOfCertificates)
{
    ServerBlock& block = world.plain(12, {"www.example.com"});
    block.certificates = {of("first", {"a.test"})};
    world.pinned(30, {"shop.example.com"}, {of("second", {"shop.example.com"})});
    EXPECT_EQ(names(world.gather().servers[0]), Strings{"www.example.com"});
}

TEST_F(Gather, ADefaultServerThatRejectsHandshakesHasNone)
{
    world.pinned(12, {"www.example.com"}, {of("first", {"a.test"})}).reject_handshake = true;
    world.pinned(30, {"shop.example.com"}, {of("second", {"shop.example.com"})}, "www", 8443);
    EXPECT_EQ(names(world.gather().servers[0]), Strings{"www.example.com"});
}

TEST_F(Gather, AGuardNamedTwiceIsOneUse)
{
    world.policies({named("www", {"guard: {}"})});
    world.pinned(12, {"www.example.com"}, {pki().other_chain}).policies.push_back(world.ref("www"));
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::no_pin_in_chain)), std::vector<unsigned>{12});
}

}  // namespace
