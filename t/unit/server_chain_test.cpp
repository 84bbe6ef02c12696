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

}  // namespace
