#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// A chain whose leaf has www.example.com's key and these names.
Chain chain_for(std::vector<std::string> names)
{
    return chain({leaf(pki().www_key, pki().intermediate_key, std::move(names)), pki().intermediate});
}

/// The findings of a server with these names beside a default server, whose certificate names are its own affair.
Findings with_names(std::vector<std::string> names, const Chain& served)
{
    World world;
    world.policies({good_policy()});
    world.server(5, {"default.test"}, {chain({leaf(pki().backup_3, pki().intermediate_key, {"default.test"})})});
    world.pinned(12, std::move(names), {served});
    return world.findings();
}

TEST(NameCovered, ANameOfTheCertificateIsFine)
{
    EXPECT_EQ(ids(with_names({"www.example.com"}, chain_for({"www.example.com"}))), "");
    EXPECT_EQ(ids(with_names({"www.example.com"}, chain_for({"*.example.com"}))), "");
    EXPECT_EQ(ids(with_names({"WWW.Example.COM"}, chain_for({"www.example.com"}))), "");
}

TEST(NameCovered, AnotherNameIsAWarning)
{
    const auto findings = with_names({"shop.example.com"}, chain_for({"www.example.com"}));
    EXPECT_EQ(ids(findings), "name-not-covered");
    const Finding& finding = only(findings, FindingId::name_not_covered);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_NE(finding.what.find("shop.example.com: no client of that name"), std::string::npos) << finding.what;
}

TEST(NameCovered, ClientsComeByTheALabel)
{
    const auto remedy = [](const std::string& name) {
        return only(with_names({name}, chain_for({"*.example.com"})), FindingId::name_not_covered).remedy;
    };
    EXPECT_NE(remedy("b\xc3\xbc"
                     "cher.example.com")
                  .find("A-label: xn--"),
              std::string::npos);
    EXPECT_EQ(remedy("a.b.example.com").find("A-label"), std::string::npos);
}

TEST(NameCovered, EachNameIsLookedAt)
{
    EXPECT_EQ(
        ids(with_names({"www.example.com", "shop.example.com", "mail.example.com"}, chain_for({"www.example.com"}))),
        "name-not-covered name-not-covered");
}

TEST(NameCovered, AWildcardNeedsAWildcard)
{
    EXPECT_EQ(ids(with_names({"*.example.com"}, chain_for({"*.example.com"}))), "");
    const auto findings = with_names({"*.example.com"}, chain_for({"example.com", "www.example.com"}));
    EXPECT_EQ(ids(findings), "name-not-covered");
    EXPECT_NE(
        only(findings, FindingId::name_not_covered).what.find("*.example.com: clients of the names it leaves out"),
        std::string::npos);
}

TEST(NameCovered, ADotStandsForTwoNames)
{
    EXPECT_EQ(ids(with_names({".example.com"}, chain_for({"example.com", "*.example.com"}))), "");
    EXPECT_EQ(ids(with_names({".example.com"}, chain_for({"*.example.com"}))), "name-not-covered");
    EXPECT_EQ(ids(with_names({".example.com"}, chain_for({"example.com"}))), "name-not-covered");
}

TEST(NameCovered, NoNamesRaiseNothing)
{
    EXPECT_EQ(ids(with_names({"_"}, chain_for({"www.example.com"}))), "");
    EXPECT_EQ(ids(with_names({""}, chain_for({"www.example.com"}))), "");
    EXPECT_EQ(ids(with_names({}, chain_for({"www.example.com"}))), "");
}

TEST(NameCovered, TheNamesOfAServerWithoutAPolicyAreItsOwnAffair)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"elsewhere.test"}, {pki().other_chain});
    EXPECT_FALSE(has(world.findings(), FindingId::name_not_covered));
}

TEST(NameCovered, ServersOfOneChainAndNameAreOneFinding)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"shop.example.com"}, {pki().www_chain});
    world.pinned(30, {"shop.example.com"}, {pki().www_chain}, "www", 8443);
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::name_not_covered)), (std::vector<unsigned>{12, 30}));
}

TEST(NameCovered, IsSaidOnceForAServerUnderTwoPolicies)
{
    PolicyText app = good_policy();
    app.name = "app";
    app.modes = {"guard: {}"};
    World world;
    world.policies({good_policy(), app});
    world.pinned(12, {"shop.example.com"}, {pki().www_chain}).policies.push_back(world.ref("app"));
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::name_not_covered)), std::vector<unsigned>{12});
}

TEST(NameCovered, ANameOfOneCertificateOfADefaultServerIsNoServerName)
{
    // Both certificates cover the server_name; only the first one has example.com besides.
    const Entity second("www.example.com");
    PolicyText policy = good_policy();
    policy.pins.push_back(written(second.pin()));
    World world;
    world.policies({policy});
    world.pinned(12, {"www.example.com"},
                 {chain_for({"www.example.com", "example.com"}),
                  chain({leaf(second, pki().intermediate_key), pki().intermediate})});
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(HostCanBePinned, AnAddressIsAWarning)
{
    for (const char* address : {"192.0.2.1", "2001:db8::1", "[2001:db8::1]"}) {
        const auto findings = with_names({address}, chain_for({"www.example.com"}));
        EXPECT_EQ(ids(findings), "ip-host") << address;
        const Finding& finding = only(findings, FindingId::ip_host);
        EXPECT_EQ(finding.severity, Severity::warning);
        EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    }
}

TEST(HostCanBePinned, ANameWithoutADomainIsAWarning)
{
    const auto findings = with_names({"localhost"}, chain_for({"localhost"}));
    EXPECT_EQ(ids(findings), "unqualified-host");
    EXPECT_EQ(only(findings, FindingId::unqualified_host).severity, Severity::warning);
    EXPECT_EQ(lines_of(only(findings, FindingId::unqualified_host)), std::vector<unsigned>{12});
}

TEST(HostCanBePinned, ARegularExpressionIsAWarning)
{
    const auto findings = with_names({"~^www\\d+\\.example\\.com$"}, chain_for({"www.example.com"}));
    EXPECT_EQ(ids(findings), "regex-host");
    EXPECT_EQ(only(findings, FindingId::regex_host).severity, Severity::warning);
    EXPECT_EQ(lines_of(only(findings, FindingId::regex_host)), std::vector<unsigned>{12});
}

TEST(HostCanBePinned, ATailCannotBeCheckedEither)
{
    EXPECT_EQ(ids(with_names({"www.example.*"}, chain_for({"www.example.com"}))), "regex-host");
}

TEST(HostCanBePinned, NamesAndWildcardsOfADomainAreFine)
{
    EXPECT_EQ(ids(with_names({"www.example.com", "*.example.com", ".example.com"},
                             chain_for({"example.com", "*.example.com"}))),
              "");
}

TEST(HostCanBePinned, AWildcardRightBelowTheTopIsADomains)
{
    EXPECT_FALSE(has(with_names({"*.intranet"}, chain_for({"*.intranet"})), FindingId::unqualified_host));
}

TEST(HostCanBePinned, OnlyServersWithAPolicyAreAsked)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"localhost", "192.0.2.1", "~x"}, {chain_for({"elsewhere.test"})});
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(HostCanBePinned, AnInheritedPolicyOnAPlainServerAsksNothing)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.plain(30, {"localhost"}).policies.push_back(world.ref("www", false));
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(HostCanBePinned, AnOwnPolicyOnAPlainServerIsOneFinding)
{
    World world;
    world.policies({good_policy()});
    world.plain(30, {"localhost"}).policies.push_back(world.ref("www"));
    EXPECT_EQ(ids(world.findings()), "server-not-tls");
}

TEST(HostCanBePinned, IsSaidOnceAServer)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"localhost", "localhost"}, {chain_for({"localhost"})});
    world.pinned(30, {"localhost"}, {chain_for({"localhost"})}, "www", 8443);
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::unqualified_host)), (std::vector<unsigned>{12, 30}));
}

}  // namespace
