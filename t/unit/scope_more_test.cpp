// The names of default servers in scope, policy-flapping, report-uri-self.
#include "test_scope.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

PolicyText named(const std::string& name, std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    PolicyText policy = good_policy();
    policy.name = name;
    policy.modes = std::move(modes);
    return policy;
}

TEST(ScopeOfDefaultServers, ACertificatesNameIsAName)
{
    // A client that comes to port 8443 with www.example.com gets the default server and its certificate.
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"_"}, {stranger_for({"www.example.com"})}, 8443);
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::scope_conflict)), std::vector<unsigned>{30});
}

TEST(ScopeOfDefaultServers, ACertificatesWildcardCoversOneLabel)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"_"}, {stranger_for({"*.example.com"})}, 8443);
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::scope_conflict)), std::vector<unsigned>{30});

    World deeper;
    deeper.policies({good_policy()});
    deeper.server(5, {"default.test"}, {stranger_for({"default.test"})});
    deeper.pinned(12, {"a.b.example.com"}, {pinned_for({"a.b.example.com"})});
    deeper.server(30, {"_"}, {stranger_for({"*.example.com"})}, 8443);
    EXPECT_EQ(ids(deeper.findings()), "");
}

TEST(ScopeOfDefaultServers, AnotherServersNameIsNotTheDefaultServers)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com", "example.com"}, {pki().www_chain});
    world.server(30, {"_"}, {stranger_for({"www.example.com"})}, 8443);
    world.server(44, {"www.example.com"}, {pki().www_chain}, 8443);
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(ScopeOfDefaultServers, ACertificatesWildcardLeavesOtherServersTheirNames)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com", "example.com"}, {pki().www_chain});
    world.server(30, {"_"}, {stranger_for({"*.example.com"})}, 8443);
    world.server(44, {"www.example.com"}, {pki().www_chain}, 8443);
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(ScopeOfDefaultServers, OnlyTheDefaultServerHasThem)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"default.test"}, {stranger_for({"default.test"})}, 8443);
    world.server(44, {"shop.example.com"}, {stranger_for({"www.example.com", "shop.example.com"})}, 8443);
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(ScopeOfDefaultServers, APolicyThereHoldsForThoseNames)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"_"}, {pinned_for({"www.example.com"})});
    world.server(30, {"www.example.com"}, {stranger_for({"www.example.com"})}, 8443);
    world.server(44, {"shop.example.com"}, {stranger_for({"shop.example.com"})}, 8443);
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::scope_conflict)), std::vector<unsigned>{30});
}

TEST(ScopeOfDefaultServers, APolicyThereHoldsForOneLabelOfAWildcard)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"_"}, {pinned_for({"*.example.com"})});
    world.server(30, {"www.example.com"}, {stranger_for({"www.example.com"})}, 8443);
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::scope_conflict)), std::vector<unsigned>{30});

    World deeper;
    deeper.policies({good_policy()});
    deeper.pinned(12, {"_"}, {pinned_for({"*.example.com"})});
    deeper.server(30, {"a.b.example.com"}, {stranger_for({"a.b.example.com"})}, 8443);
    EXPECT_EQ(ids(deeper.findings()), "") << "no client gets that name's policy: the certificate does not cover it";
}

TEST(ScopeOfDefaultServers, ANameAtAnAddressWithoutTlsIsNone)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.plain(30, {"_"}).certificates = {stranger_for({"www.example.com"})};
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(PolicyFlapping, TwoEnforcedPoliciesOfOneHost)
{
    World world;
    world.policies({named("www"), named("second")});
    world.pinned(12, {"www.example.com"}, {pinned_for({"www.example.com"})}, "www");
    world.pinned(30, {"www.example.com"}, {pinned_for({"www.example.com"})}, "second", 8443);
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "policy-flapping");
    const Finding& finding = only(findings, FindingId::policy_flapping);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), (std::vector<unsigned>{12, 30}));
    EXPECT_NE(finding.what.find("\"www\""), std::string::npos) << finding.what;
    EXPECT_NE(finding.what.find("\"second\""), std::string::npos) << finding.what;
    EXPECT_NE(finding.what.find("www.example.com"), std::string::npos) << finding.what;
}

/// Whether two policies flap for names at two addresses.
bool flap(const std::vector<std::string>& first, const std::vector<std::string>& second, const std::string& first_name,
          const std::string& second_name, std::size_t second_address = 8443)
{
    const Chain all = pinned_for({"example.com", "*.example.com"});
    World world;
    world.policies({named("www", first), named("second", second)});
    world.server(5, {"default.test"}, {stranger_for({"default.test"})});
    world.server(6, {"default.test"}, {stranger_for({"default.test"})}, 8443);
    world.pinned(12, {first_name}, {all}, "www");
    world.pinned(30, {second_name}, {all}, "second", second_address);
    return has(world.findings(), FindingId::policy_flapping);
}

TEST(PolicyFlapping, NeedsTheSameHost)
{
    const std::vector<std::string> enforce = {"enforce: {max-age: 1d, includeSubDomains: true}"};
    EXPECT_TRUE(flap(enforce, enforce, "www.example.com", "www.example.com"));
    EXPECT_FALSE(flap(enforce, enforce, "www.example.com", "shop.example.com"));
    EXPECT_FALSE(flap(enforce, enforce, "example.com", "www.example.com")) << "a host of its own";
    EXPECT_FALSE(flap(enforce, enforce, "www.example.com", "example.com"));
    EXPECT_TRUE(flap(enforce, enforce, "*.example.com", "www.example.com"));
    EXPECT_TRUE(flap(enforce, enforce, "www.example.com", "*.example.com"));
    EXPECT_FALSE(flap(enforce, enforce, "*.example.com", "www.example.com", 443)) << "nginx tells them apart";
}

TEST(PolicyFlapping, MoreThanTwoAreCounted)
{
    World world;
    world.policies({named("a"), named("b"), named("c")});
    world.pinned(12, {"www.example.com"}, {pinned_for({"www.example.com"})}, "a");
    world.pinned(30, {"www.example.com"}, {pinned_for({"www.example.com"})}, "b", 8443);
    EXPECT_EQ(
        only(world.findings(), FindingId::policy_flapping).what,
        "policies \"a\" and \"b\" are enforced for one host, www.example.com: a client keeps the one it saw last");
    world.pinned(44, {"www.example.com"}, {pinned_for({"www.example.com"})}, "c", 9443);
    EXPECT_EQ(
        only(world.findings(), FindingId::policy_flapping).what,
        "policies \"a\" and \"b\" and 1 more are enforced for one host, www.example.com: a client keeps the one it "
        "saw last");
}

TEST(PolicyFlapping, OfSeveralHostsIsOneFinding)
{
    World world;
    world.policies({named("www"), named("second")});
    world.pinned(12, {"www.example.com", "example.com"}, {pki().www_chain}, "www");
    world.pinned(30, {"www.example.com", "example.com"}, {pki().www_chain}, "second", 8443);
    const auto findings = world.findings();
    const Finding& finding = only(findings, FindingId::policy_flapping);
    EXPECT_EQ(finding.what, "policies \"www\" and \"second\" are enforced for one host, example.com (and 1 more): a "
                            "client keeps the one it saw last");
    EXPECT_EQ(lines_of(finding), (std::vector<unsigned>{12, 30})) << "each once";
}

TEST(PolicyFlapping, NeedsTwoEnforcedPolicies)
{
    const std::vector<std::string> enforce = {"enforce: {max-age: 1d}"};
    const std::vector<std::string> unpin = {"enforce: {max-age: 0}"};
    const std::vector<std::string> guard = {"guard: {}"};
    const std::vector<std::string> report = {"report-only: {report-uri: \"https://reports.test/\"}"};
    EXPECT_FALSE(flap(enforce, guard, "www.example.com", "www.example.com"));
    EXPECT_FALSE(flap(guard, enforce, "www.example.com", "www.example.com"));
    EXPECT_FALSE(flap(guard, guard, "www.example.com", "www.example.com"));
    EXPECT_FALSE(flap(enforce, report, "www.example.com", "www.example.com"));
    EXPECT_TRUE(flap(enforce, unpin, "www.example.com", "www.example.com"));
    EXPECT_TRUE(flap(unpin, enforce, "www.example.com", "www.example.com"));
}

TEST(PolicyFlapping, AnUnpinningPolicyOfAWildcardMeetsTheName)
{
    EXPECT_TRUE(flap({"enforce: {max-age: 1d}"}, {"enforce: {max-age: 0}"}, "www.example.com", "*.example.com"));

    // The same by the certificate of a default server.
    World world;
    world.policies({named("www"), named("second", {"enforce: {max-age: 0}"})});
    world.pinned(12, {"www.example.com"}, {pinned_for({"www.example.com"})}, "www");
    world.pinned(30, {"_"}, {pinned_for({"*.example.com"})}, "second", 8443);
    EXPECT_EQ(ids(world.findings()), "policy-flapping");
}

/// Two servers of one policy, and at a third address another policy's for a name that cannot be told.
World& with_a_tail(World& world)
{
    world.policies({named("www"), named("second")});
    world.pinned(12, {"www.example.com"}, {pki().www_chain}, "www");
    world.pinned(20, {"www.example.com"}, {pki().www_chain}, "www", 8443);
    world.server(25, {"default.test"}, {stranger_for({"default.test"})}, 9443);
    return world;
}

TEST(PolicyFlapping, EachServerOfThePolicyIsNamed)
{
    World world;
    with_a_tail(world).pinned(30, {"www.example.*"}, {pki().www_chain}, "second", 9443);
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::policy_flapping)), (std::vector<unsigned>{12, 20, 30}));
}

TEST(PolicyFlapping, WhereTheChainIsNotKnown)
{
    World world;
    with_a_tail(world).pinned(30, {"www.example.*"}, {}, "second", 9443).variable_certificates = true;
    const auto findings = world.findings();
    EXPECT_EQ(lines_of(only(findings, FindingId::policy_flapping)), (std::vector<unsigned>{12, 20, 30}));
    EXPECT_TRUE(has(findings, FindingId::chain_unknown));
}

TEST(PolicyFlapping, WhoRejectsHandshakesSendsNothing)
{
    World world;
    with_a_tail(world).pinned(30, {"www.example.*"}, {pki().www_chain}, "second", 9443).reject_handshake = true;
    EXPECT_FALSE(has(world.findings(), FindingId::policy_flapping));
}

TEST(PolicyFlapping, OnePolicyAtTwoAddressesIsFine)
{
    World world;
    world.policies({named("www")});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"www.example.com"}, {pki().www_chain}, "www", 8443);
    EXPECT_EQ(ids(world.findings()), "");
}

/// The findings where reports go to this URI.
Findings reporting(const std::string& uri, const std::string& server_name = "www.example.com",
                   const std::string& enforce = "max-age: 1d", const std::string& rest = "")
{
    PolicyText policy = named("www", {"enforce: {" + enforce + ", report-uri: \"" + uri + "\"}"});
    if (!rest.empty()) {
        policy.modes.push_back(rest);
    }
    World world;
    world.policies({policy});
    world.server(5, {"default.test"}, {stranger_for({"default.test"})});
    world.pinned(12, {server_name}, {pinned_for({"example.com", "*.example.com"})});
    return world.findings();
}

TEST(ReportUriSelf, TheHostThatThePolicyPins)
{
    const auto findings = reporting("https://www.example.com/pkp");
    EXPECT_EQ(ids(findings), "report-uri-self");
    const Finding& finding = only(findings, FindingId::report_uri_self);
    EXPECT_EQ(finding.severity, Severity::error);
    ASSERT_TRUE(finding.place.has_value());
    EXPECT_EQ(finding.place->line, 8U);
    EXPECT_EQ(finding.place->column, 40U);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_NE(finding.what.find("www.example.com"), std::string::npos) << finding.what;
}

TEST(ReportUriSelf, PortAndCasePlayNoPart)
{
    EXPECT_EQ(ids(reporting("https://WWW.example.com:8443/pkp")), "report-uri-self");
}

TEST(ReportUriSelf, AnotherHostIsFine)
{
    EXPECT_EQ(ids(reporting("https://reports.example.net/pkp")), "");
    EXPECT_EQ(ids(reporting("https://reports.www.example.com/pkp")), "");
    EXPECT_EQ(ids(reporting("https://example.com/pkp")), "");
}

TEST(ReportUriSelf, PlainHttpIsNotPinned)
{
    EXPECT_EQ(ids(reporting("http://www.example.com/pkp")), "");
}

TEST(ReportUriSelf, ASubdomainUnderIncludeSubDomains)
{
    EXPECT_EQ(ids(reporting("https://r.example.com/", "example.com", "max-age: 1d, includeSubDomains: true")),
              "report-uri-self");
    EXPECT_EQ(ids(reporting("https://r.example.com/", "example.com")), "");
    EXPECT_EQ(ids(reporting("https://example.com/", "www.example.com", "max-age: 1d, includeSubDomains: true")), "");
}

TEST(ReportUriSelf, AHostOfAWildcard)
{
    EXPECT_EQ(ids(reporting("https://r.example.com/", "*.example.com")), "report-uri-self");
    EXPECT_EQ(ids(reporting("https://a.r.example.com/", "*.example.com")), "report-uri-self") << "nginx's covers both";
    EXPECT_EQ(ids(reporting("https://example.com/", "*.example.com")), "");
    EXPECT_EQ(ids(reporting("https://example.com/", ".example.com")), "report-uri-self");
    const std::string subdomains = "max-age: 1d, includeSubDomains: true";
    EXPECT_EQ(ids(reporting("https://reports.example.net/", "*.example.com", subdomains)), "");
    EXPECT_FALSE(has(reporting("https://a.r.www.example/", "www.example.*", subdomains), FindingId::report_uri_self))
        << "a tail is no domain";
}

TEST(ReportUriSelf, AHostThatAnotherServerAnswersToIsNotPinned)
{
    const std::string reports = "enforce: {max-age: 1d, report-uri: \"https://reports.example.com/\"}";
    World wildcard;
    wildcard.policies({named("www", {reports})});
    wildcard.pinned(12, {"*.example.com"}, {pinned_for({"*.example.com"})});
    wildcard.server(30, {"reports.example.com"}, {stranger_for({"reports.example.com"})});
    EXPECT_EQ(ids(wildcard.findings()), "");

    World by_certificate;
    by_certificate.policies({named("www", {reports})});
    by_certificate.pinned(12, {"example.com"}, {pinned_for({"example.com", "*.example.com"})});
    EXPECT_EQ(ids(by_certificate.findings()), "report-uri-self");
    by_certificate.server(30, {"reports.example.com"}, {stranger_for({"reports.example.com"})});
    EXPECT_EQ(ids(by_certificate.findings()), "");
}

TEST(ReportUriSelf, ACertificatesWildcardCoversOneLabel)
{
    World world;
    world.policies({named("www", {"enforce: {max-age: 1d, report-uri: \"https://deep.reports.example.com/\"}"})});
    world.pinned(12, {"example.com"}, {pinned_for({"example.com", "*.example.com"})});
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(ReportUriSelf, WhatIsBelowAWildcardsHostsUnderIncludeSubDomains)
{
    // Another server answers to the host itself, but clients of b.example.com pin it, too.
    const auto reporting_to = [](const std::string& host, const std::string& enforce) {
        World world;
        world.policies({named("www", {"enforce: {" + enforce + ", report-uri: \"https://" + host + "/\"}"})});
        world.pinned(12, {"*.example.com"}, {pinned_for({"*.example.com"})});
        world.server(30, {"r.example.com", "r.b.example.com"}, {pinned_for({"*.example.com", "*.b.example.com"})});
        return has(world.findings(), FindingId::report_uri_self);
    };
    EXPECT_TRUE(reporting_to("r.b.example.com", "max-age: 1d, includeSubDomains: true"));
    EXPECT_FALSE(reporting_to("r.b.example.com", "max-age: 1d"));
    EXPECT_FALSE(reporting_to("r.example.com", "max-age: 1d, includeSubDomains: true")) << "nobody pins example.com";
}

TEST(ReportUriSelf, TheHostOfOneOfItsServers)
{
    World world;
    world.policies({named("www", {"enforce: {max-age: 1d, report-uri: \"https://www.example.com/\"}"})});
    world.pinned(12, {"example.com"}, {pki().www_chain});
    world.pinned(30, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::report_uri_self)), (std::vector<unsigned>{12, 30}));
}

TEST(ReportUriSelf, ATrailingDotIsTheSameHost)
{
    EXPECT_EQ(ids(reporting("https://www.example.com./pkp")), "report-uri-self");
}

TEST(ReportUriSelf, AnUnpinningPolicyPinsNothing)
{
    EXPECT_EQ(ids(reporting("https://www.example.com/", "www.example.com", "max-age: 0")), "");
    EXPECT_EQ(ids(reporting("https://www.example.com/", "www.example.com", "max-age: 1")), "report-uri-self");
}

TEST(ReportUriSelf, ReportOnlyAlonePinsNothing)
{
    PolicyText policy = named("www", {"report-only: {report-uri: \"https://www.example.com/\"}"});
    EXPECT_EQ(ids(judge_one(policy, pki().www_chain)), "");
}

TEST(ReportUriSelf, ReportsOfReportOnlyBesideAnEnforcedPolicyFailToo)
{
    PolicyText policy =
        named("www", {"enforce: {max-age: 1d}", "report-only: {report-uri: \"https://www.example.com/\"}"});
    EXPECT_EQ(only(judge_one(policy, pki().www_chain), FindingId::report_uri_self).place->line, 9U);
}

TEST(ReportUriSelf, AHostUnderAnotherPolicyIsFine)
{
    PolicyText reports = named("reports");
    World world;
    world.policies({named("www", {"enforce: {max-age: 1d, report-uri: \"https://r.example.com/\"}"}), reports});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"r.example.com"}, {pinned_for({"r.example.com"})}, "reports");
    EXPECT_EQ(ids(world.findings()), "");
}

}  // namespace
