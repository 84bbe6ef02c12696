#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// A world with the usual policy, and the file of www.example.com's chain for hpkp_served_chain.
struct ServerChain : testing::Test {
    ServerChain()
    {
        world.policies({good_policy()});
        chain_file = world.dir.write("served.pem", pem(pki().www_chain.sent));
    }
    World world;
    std::string chain_file;
};

TEST_F(ServerChain, AnOwnPolicyWithoutTlsIsAnError)
{
    world.plain(12, {"www.example.com"}).policies.push_back(world.ref("www"));
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "server-not-tls");
    const Finding& finding = only(findings, FindingId::server_not_tls);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
}

TEST_F(ServerChain, AnInheritedPolicyWithoutTlsIsIgnored)
{
    world.plain(12, {"www.example.com"}).policies.push_back(world.ref("www", false));
    EXPECT_EQ(ids(world.findings()), "");
}

TEST_F(ServerChain, ServedChainStandsForTls)
{
    ServerBlock& block = world.plain(12, {"www.example.com"});
    block.policies.push_back(world.ref("www"));
    block.served_chains = {chain_file};
    EXPECT_EQ(ids(world.findings()), "");
}

TEST_F(ServerChain, AServerThatRejectsEveryHandshakeIsNoTlsServer)
{
    world.pinned(12, {"www.example.com"}, {pki().www_chain}).reject_handshake = true;
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "server-not-tls");
    EXPECT_NE(only(findings, FindingId::server_not_tls).what.find("rejects"), std::string::npos);
}

TEST_F(ServerChain, OneTlsAddressOfTwoIsEnough)
{
    ServerBlock& block = world.plain(12, {"www.example.com"});
    world.listen(block, 443, true);
    block.certificates = {pki().www_chain};
    block.policies.push_back(world.ref("www"));
    EXPECT_EQ(ids(world.findings()), "");
}

TEST_F(ServerChain, TheContextOfAPlainServerIsNoChain)
{
    // ssl_certificate at http level gives a port-80 server a context too.
    ServerBlock& block = world.plain(12, {"www.example.com"});
    block.certificates = {pki().other_chain};
    block.policies.push_back(world.ref("www", false));
    EXPECT_EQ(ids(world.findings()), "");
}

TEST_F(ServerChain, OnePolicyOfItsOwnAmongInheritedOnesIsAnError)
{
    ServerBlock& block = world.plain(12, {"www.example.com"});
    block.policies = {world.ref("www", false), world.ref("www", true)};
    EXPECT_TRUE(has(world.findings(), FindingId::server_not_tls));
}

TEST_F(ServerChain, CertificatesByVariableNeedAServedChain)
{
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {});
    block.variable_certificates = true;
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "chain-unknown");
    const Finding& finding = only(findings, FindingId::chain_unknown);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});

    block.served_chains = {chain_file};
    EXPECT_EQ(ids(world.findings()), "");
}

TEST_F(ServerChain, CertificatesByVariableWithoutAPolicyAreNobodysConcern)
{
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"other.example.com"}, {}).variable_certificates = true;
    EXPECT_EQ(ids(world.findings()), "");
}

TEST_F(ServerChain, AnInheritedPolicyAndCertificatesByVariableNeedAServedChainToo)
{
    ServerBlock& block = world.server(12, {"www.example.com"}, {});
    block.policies = {world.ref("www", false)};
    block.variable_certificates = true;
    EXPECT_EQ(ids(world.findings()), "chain-unknown");
}

TEST_F(ServerChain, SecureNeedsAServedChain)
{
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {pki().www_chain});
    block.secure = true;
    EXPECT_EQ(ids(world.findings()), "chain-unknown");
    block.served_chains = {chain_file};
    EXPECT_EQ(ids(world.findings()), "");
}

TEST_F(ServerChain, SecureInAPlainServerNeedsAServedChainWhereItIsMeant)
{
    ServerBlock& block = world.plain(12, {"www.example.com"});
    block.policies = {world.ref("www", false)};
    block.secure = true;
    EXPECT_EQ(ids(world.findings()), "") << "inherited, as the policy is";
    block.own_secure = true;
    EXPECT_EQ(ids(world.findings()), "chain-unknown");
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::chain_unknown)), std::vector<unsigned>{12});
    block.policies = {world.ref("www", true)};
    EXPECT_EQ(ids(world.findings()), "server-not-tls") << "which says the same";
    block.served_chains = {chain_file};
    EXPECT_EQ(ids(world.findings()), "");
    block.policies.clear();
    block.served_chains.clear();
    EXPECT_EQ(ids(world.findings()), "") << "without a policy it sends nothing";
}

TEST_F(ServerChain, NoCertificateAnywhereIsAnUnknownChain)
{
    world.pinned(12, {"www.example.com"}, {});
    EXPECT_EQ(ids(world.findings()), "chain-unknown");
}

TEST_F(ServerChain, AKnownChainIsFine)
{
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "");
}

TEST_F(ServerChain, ADefaultServersVariableCertificatesAreUnknownToItsGuests)
{
    world.server(5, {"default.test"}, {}).variable_certificates = true;
    world.pinned(12, {"www.example.com"}, {});
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::chain_unknown)), std::vector<unsigned>{12});
}

TEST_F(ServerChain, APlainServerIsNotAskedForItsChain)
{
    ServerBlock& block = world.plain(12, {"www.example.com"});
    block.policies.push_back(world.ref("www"));
    block.variable_certificates = true;
    EXPECT_EQ(ids(world.findings()), "server-not-tls");
}

TEST(ChainIsKnown, NotWhereOneOfTheDefaultServersHasVariables)
{
    World world;
    world.policies({good_policy()});
    world.server(5, {"a.test"}, {pki().www_chain}, 443);
    world.server(6, {"b.test"}, {}, 8443).variable_certificates = true;
    ServerBlock& both = world.pinned(12, {"www.example.com"}, {}, "www", 443);
    world.listen(both, 8443, true);
    EXPECT_EQ(ids(world.findings()), "chain-unknown");
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::chain_unknown)), std::vector<unsigned>{12});
}

TEST(ChainIsKnown, ByTheDefaultServersServedChain)
{
    World world;
    world.policies({good_policy()});
    ServerBlock& by_default = world.server(5, {"a.test"}, {}, 443);
    by_default.variable_certificates = true;
    by_default.served_chains = {world.dir.write("www.pem", pem(pki().www_chain.sent))};
    world.pinned(12, {"www.example.com"}, {}, "www", 443);
    const LoadResult result = world.judge();
    EXPECT_EQ(ids(result.findings), "");
    ASSERT_EQ(result.emissions.servers[1].leaves.size(), 1U);
    EXPECT_EQ(result.emissions.servers[1].leaves[0].x509, nullptr);
    EXPECT_EQ(result.emissions.servers[1].leaves[0].fingerprint, pki().www_chain.leaf().fingerprint());
}

TEST(ChainIsKnown, WhereTheDefaultServersServedChainCannotBeReadThatIsWhatIsSaid)
{
    World world;
    world.policies({good_policy()});
    world.server(5, {"a.test"}, {}, 443).served_chains = {world.dir / "missing.pem"};
    world.pinned(12, {"www.example.com"}, {}, "www", 443);
    EXPECT_EQ(ids(world.findings()), "served-chain-unreadable");
}

TEST(ChainIsKnown, NotWhereAPolicyReachesCertificatesByVariable)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    ServerBlock& other = world.server(30, {"www.example.com"}, {}, 8443);
    other.variable_certificates = true;
    EXPECT_EQ(ids(world.findings()), "chain-unknown");
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::chain_unknown)), std::vector<unsigned>{30});
    other.served_chains = {world.dir.write("www.pem", pem(pki().www_chain.sent))};
    EXPECT_EQ(ids(world.findings()), "");
}

}  // namespace
