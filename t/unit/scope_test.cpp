// scope-conflict: other servers that clients of a policy come to. The other checks of scope.cpp: scope_more_test.cpp.
#include "test_scope.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// A server under the policy with one name, another without a policy with another name at some address; the same
/// address has a default server with neither name.
Findings meeting(const std::vector<std::string>& modes, const std::string& policy_name, const std::string& other_name,
                 std::size_t other_address = 443, const Chain& other_chain = stranger_for({"none.test"}))
{
    World world;
    world.policies({policy_of(modes)});
    world.server(5, {"default.test"}, {stranger_for({"default.test"})});
    world.server(6, {"default.test"}, {stranger_for({"default.test"})}, 8443);
    world.pinned(12, {policy_name}, {pinned_for({"example.com", "*.example.com", "*.b.example.com"})});
    world.server(30, {other_name}, {other_chain}, other_address);
    return world.findings();
}

bool conflict(const std::vector<std::string>& modes, const std::string& policy_name, const std::string& other_name,
              std::size_t other_address = 443)
{
    return has(meeting(modes, policy_name, other_name, other_address), FindingId::scope_conflict);
}

const std::vector<std::string> kEnforce = {"enforce: {max-age: 1d}"};
const std::vector<std::string> kSubdomains = {"enforce: {max-age: 1d, includeSubDomains: true}"};

TEST(Scope, TheSameNameOnAnotherPortIsTheSameHost)
{
    const auto findings = meeting(kEnforce, "www.example.com", "www.example.com", 8443);
    EXPECT_EQ(ids(findings), "scope-conflict");
    const Finding& finding = only(findings, FindingId::scope_conflict);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(finding.place->line, 3U);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{30}) << "the server that does not match";
    EXPECT_NE(finding.what.find("www.example.com"), std::string::npos) << finding.what;
    EXPECT_NE(text_of(finding).find(pki().other_key.pin().base64()), std::string::npos);
}

TEST(Scope, AMatchingChainThereIsFine)
{
    EXPECT_EQ(ids(meeting(kEnforce, "www.example.com", "www.example.com", 8443, pinned_for({"www.example.com"}))), "");
}

TEST(Scope, AnotherNameIsAnotherHost)
{
    EXPECT_FALSE(conflict(kEnforce, "www.example.com", "shop.example.com"));
    EXPECT_FALSE(conflict(kEnforce, "www.example.com", "shop.example.com", 8443));
    EXPECT_FALSE(conflict(kEnforce, "www.example.com", "a.www.example.com", 8443));
    EXPECT_FALSE(conflict(kEnforce, "www.example.com", "example.com", 8443));
}

TEST(Scope, TheSameNameAtTheSameAddressIsIgnoredByNginx)
{
    EXPECT_FALSE(conflict(kEnforce, "www.example.com", "www.example.com", 443));
}

TEST(Scope, IncludeSubDomainsReachesEveryServerBelow)
{
    EXPECT_TRUE(conflict(kSubdomains, "example.com", "www.example.com"));
    EXPECT_TRUE(conflict(kSubdomains, "example.com", "a.b.c.example.com"));
    EXPECT_TRUE(conflict(kSubdomains, "example.com", "www.example.com", 8443));
    EXPECT_TRUE(conflict(kSubdomains, "example.com", "*.example.com"));
    EXPECT_TRUE(conflict(kSubdomains, "example.com", ".shop.example.com"));
}

TEST(Scope, IncludeSubDomainsReachesNobodyElse)
{
    EXPECT_FALSE(conflict(kSubdomains, "www.example.com", "example.com"));
    EXPECT_FALSE(conflict(kSubdomains, "www.example.com", "shop.example.com"));
    EXPECT_FALSE(conflict(kSubdomains, "example.com", "notexample.com"));
    EXPECT_FALSE(conflict(kSubdomains, "example.com", "example.com.test"));
}

TEST(Scope, WithoutIncludeSubDomainsNobodyBelowIsReached)
{
    EXPECT_FALSE(conflict(kEnforce, "example.com", "www.example.com"));
    EXPECT_FALSE(conflict(kEnforce, "example.com", "*.example.com"));
}

TEST(Scope, NamesAreComparedWithoutCase)
{
    EXPECT_TRUE(conflict(kEnforce, "WWW.example.com", "www.EXAMPLE.com", 8443));
}

TEST(Scope, AnUnpinningPolicyBindsNobody)
{
    EXPECT_FALSE(conflict({"enforce: {max-age: 0}"}, "www.example.com", "www.example.com", 8443));
    EXPECT_FALSE(conflict({"enforce: {max-age: 0, includeSubDomains: true}"}, "example.com", "www.example.com"));
    EXPECT_TRUE(conflict({"enforce: {max-age: 1}"}, "www.example.com", "www.example.com", 8443));
}

TEST(Scope, AReportOnlyPolicyBindsNobody)
{
    EXPECT_FALSE(conflict({"report-only: {report-uri: \"https://reports.test/\", includeSubDomains: true}"},
                          "example.com", "www.example.com"));
}

TEST(Scope, AGuardBinds)
{
    EXPECT_TRUE(conflict({"guard: {}"}, "www.example.com", "www.example.com", 8443));
    EXPECT_FALSE(conflict({"guard: {}"}, "example.com", "www.example.com"));
    EXPECT_TRUE(conflict({"guard: {includeSubDomains: true}"}, "example.com", "www.example.com"));
}

TEST(Scope, AGuardsConflictIsAnErrorToo)
{
    EXPECT_EQ(
        only(meeting({"guard: {}"}, "www.example.com", "www.example.com", 8443), FindingId::scope_conflict).severity,
        Severity::error);
}

TEST(Scope, EachModeHasItsOwnIncludeSubDomains)
{
    EXPECT_TRUE(
        conflict({"enforce: {max-age: 1d}", "guard: {includeSubDomains: true}"}, "example.com", "www.example.com"));
    EXPECT_FALSE(
        conflict({"enforce: {max-age: 0, includeSubDomains: true}", "guard: {}"}, "example.com", "www.example.com"));
    EXPECT_FALSE(conflict(
        {"enforce: {max-age: 1d}", "report-only: {report-uri: \"https://reports.test/\", includeSubDomains: true}"},
        "example.com", "www.example.com"));
}

TEST(Scope, ReportOnlyPinsOfTheirOwnBindNobody)
{
    // The stranger matches the enforced pins and not those reported.
    PolicyText policy;
    policy.pins = {written(pki().www_key.pin()), written(pki().other_key.pin()), written(pki().backup_1.pin())};
    policy.modes.push_back("report-only: {report-uri: \"https://reports.test/\", pins: [" + written(pki().www_key.pin())
                           + ", " + written(pki().backup_1.pin()) + ", " + written(pki().backup_2.pin()) + "]}");
    World world;
    world.policies({policy});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"www.example.com"}, {pki().other_chain}, 8443);
    EXPECT_FALSE(has(world.findings(), FindingId::scope_conflict));
}

TEST(Scope, AnExactNameBeatsAWildcardAtTheSameAddress)
{
    EXPECT_FALSE(conflict(kEnforce, "*.example.com", "www.example.com"));
    EXPECT_FALSE(conflict(kEnforce, "www.example.com", "*.example.com"));
}

TEST(Scope, AWildcardAndAnExactNameMeetAtAnotherAddress)
{
    EXPECT_TRUE(conflict(kEnforce, "*.example.com", "www.example.com", 8443));
    EXPECT_TRUE(conflict(kEnforce, "www.example.com", "*.example.com", 8443));
}

TEST(Scope, AWildcardMeetsAWildcardAtAnotherAddress)
{
    EXPECT_TRUE(conflict(kEnforce, "*.example.com", "*.example.com", 8443));
    EXPECT_TRUE(conflict(kEnforce, "*.b.example.com", "*.example.com", 8443));
    EXPECT_TRUE(conflict(kEnforce, "*.example.com", "*.b.example.com", 8443));
    EXPECT_FALSE(conflict(kEnforce, "*.b.example.com", "*.c.example.com", 8443));
}

TEST(Scope, ANarrowerWildcardAtTheSameAddressIsAnotherHost)
{
    EXPECT_FALSE(conflict(kEnforce, "*.example.com", "*.b.example.com"));
    EXPECT_FALSE(conflict(kEnforce, "*.b.example.com", "*.example.com"));
    EXPECT_TRUE(conflict(kSubdomains, "*.example.com", "*.b.example.com")) << "below b.example.com, which is pinned";
}

TEST(Scope, AWildcardWithIncludeSubDomainsReachesBelowItsHosts)
{
    EXPECT_FALSE(conflict(kSubdomains, "*.example.com", "www.example.com")) << "a sibling of the hosts pinned";
    EXPECT_TRUE(conflict(kSubdomains, "*.example.com", "a.www.example.com"));
    EXPECT_FALSE(conflict(kEnforce, "*.example.com", "a.www.example.com"));
}

TEST(Scope, AWildcardDoesNotStandForItsDomain)
{
    EXPECT_FALSE(conflict(kEnforce, "*.example.com", "example.com", 8443));
    EXPECT_FALSE(conflict(kEnforce, "example.com", "*.example.com", 8443));
}

TEST(Scope, AWildcardOfADefaultServerDoesNotStandForItsDomainEither)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"*.example.com"}, {pinned_for({"*.example.com"})});
    world.server(30, {"example.com"}, {stranger_for({"example.com"})}, 8443);
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(Scope, ADotStandsForTheDomainAndWhatIsBelow)
{
    EXPECT_TRUE(conflict(kEnforce, ".example.com", "example.com", 8443));
    EXPECT_TRUE(conflict(kEnforce, ".example.com", "www.example.com", 8443));
    EXPECT_TRUE(conflict(kEnforce, "example.com", ".example.com", 8443));
    EXPECT_TRUE(conflict(kEnforce, "www.example.com", ".example.com", 8443));
    EXPECT_FALSE(conflict(kEnforce, ".example.com", "www.example.com", 443));
}

TEST(Scope, ATailAnswersToTheNameAtAnotherAddress)
{
    EXPECT_TRUE(conflict(kEnforce, "www.example.com", "www.example.*", 8443));
    EXPECT_TRUE(conflict(kEnforce, "www.example.com", "www.*", 8443));
    EXPECT_FALSE(conflict(kEnforce, "www.example.com", "shop.example.*", 8443));
    EXPECT_FALSE(conflict(kEnforce, "www.example.com", "www.example.*", 443));
}

TEST(Scope, AnExactNameAtTheOtherAddressHidesItsWildcard)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"*.example.com"}, {stranger_for({"*.example.com"})}, 8443);
    world.server(44, {"www.example.com"}, {pki().www_chain}, 8443);
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(Scope, AServerThatSharesThePolicyIsCheckedAsItsOwn)
{
    World world;
    world.policies({policy_of(kSubdomains)});
    world.pinned(12, {"example.com"}, {pki().www_chain});
    world.pinned(30, {"www.example.com"}, {stranger_for({"www.example.com"})});
    EXPECT_EQ(ids(world.findings()), "no-pin-in-chain");

    // By a wildcard, and by the certificate of a default server.
    for (const char* name : {"*.example.com", "_"}) {
        World patterns;
        patterns.policies({policy_of(kEnforce)});
        patterns.pinned(12, {"www.example.com"}, {pki().www_chain});
        patterns.pinned(30, {name}, {stranger_for({"*.example.com"})}, "www", 8443);
        EXPECT_FALSE(has(patterns.findings(), FindingId::scope_conflict)) << name;
    }
}

TEST(Scope, AServerUnderAnotherPolicyHasToMatchThisOneToo)
{
    PolicyText other = good_policy();
    other.name = "other";
    other.pins = {written(pki().other_key.pin()), written(pki().backup_1.pin()), written(pki().backup_2.pin())};
    World world;
    world.policies({policy_of(kSubdomains), other});
    world.pinned(12, {"example.com"}, {pki().www_chain});
    world.pinned(30, {"www.example.com"}, {stranger_for({"www.example.com"})}, "other");
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "scope-conflict");
    EXPECT_NE(only(findings, FindingId::scope_conflict).what.find("\"www\""), std::string::npos);
}

TEST(Scope, APlainServerOfTheSameNameIsNoTlsServer)
{
    World world;
    world.policies({policy_of(kSubdomains)});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.plain(30, {"www.example.com"}).certificates = {pki().other_chain};
    world.server(44, {"www.example.com"}, {pki().other_chain}, 8443).reject_handshake = true;
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(Scope, OneChainOfTwoThatDoesNotMatchIsEnough)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"www.example.com"}, {pki().www_chain, pki().other_chain}, 8443);
    EXPECT_EQ(count_of(world.findings(), FindingId::scope_conflict), 1U);
}

TEST(Scope, ThePolicysClientsSayWhatMatches)
{
    // The other server's leaf has another key, its issuer is pinned.
    PolicyText policy;
    policy.pins = {written(pki().www_key.pin()), written(pki().intermediate_key.pin()), written(pki().backup_1.pin()),
                   written(pki().backup_2.pin())};
    for (const auto& [clients, conflicts] : {std::pair{"clients: [chain]", false},
                                             {"clients: [sent]", false},
                                             {"clients: [leaf]", true},
                                             {"clients: [chain, leaf]", true}}) {
        policy.modes = {"enforce: {max-age: 1d}", clients};
        World world;
        world.policies({policy});
        world.pinned(12, {"www.example.com"}, {pki().www_chain});
        world.server(30, {"www.example.com"},
                     {chain({leaf(pki().backup_3, pki().intermediate_key), pki().intermediate})}, 8443);
        EXPECT_EQ(has(world.findings(), FindingId::scope_conflict), conflicts) << clients;
    }
}

TEST(Scope, AServerIsNamedOnceHoweverManyOfItsNamesAreReached)
{
    World world;
    world.policies({policy_of(kSubdomains)});
    world.pinned(12, {"example.com"}, {pki().www_chain});
    world.server(30, {"a.example.com", "b.example.com", "*.c.example.com"}, {stranger_for({"a.example.com"})});
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::scope_conflict)), std::vector<unsigned>{30});
}

TEST(Scope, ServersOfOneChainAreOneFinding)
{
    const Chain strange = stranger_for({"*.example.com"});
    World world;
    world.policies({policy_of(kSubdomains)});
    world.pinned(12, {"example.com"}, {pki().www_chain});
    world.server(30, {"a.example.com"}, {strange});
    world.server(44, {"b.example.com"}, {strange});
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::scope_conflict)), (std::vector<unsigned>{30, 44}));
}

TEST(Scope, AServerBehindServedChainIsInScope)
{
    World world;
    world.policies({policy_of(kSubdomains)});
    world.pinned(12, {"example.com"}, {pki().www_chain});
    world.plain(30, {"www.example.com"}).served_chains = {world.dir.write("other.pem", pem(pki().other_chain.sent))};
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::scope_conflict)), std::vector<unsigned>{30});
}

TEST(Scope, APolicyBehindServedChainReachesOthers)
{
    World world;
    world.policies({good_policy()});
    ServerBlock& block = world.plain(12, {"www.example.com"});
    block.served_chains = {world.dir.write("www.pem", pem(pki().www_chain.sent))};
    block.policies = {world.ref("www")};
    world.server(30, {"www.example.com"}, {pki().other_chain}, 8443);
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::scope_conflict)), std::vector<unsigned>{30});
}

TEST(Scope, NoClientPinsAnAddress)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"192.0.2.1"}, {pki().www_chain});
    world.server(30, {"192.0.2.1"}, {stranger_for({"x.test"})}, 8443);
    EXPECT_EQ(ids(world.findings()), "ip-host");
}

TEST(Scope, APolicyOfAServerWithoutNamesReachesNobody)
{
    World world;
    world.policies({policy_of(kSubdomains)});
    world.server(5, {"default.test"}, {stranger_for({"default.test"})});
    world.pinned(12, {"_"}, {pki().www_chain});
    world.server(30, {"_"}, {stranger_for({"x.test"})}, 8443);
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(Scope, WhereCertificatesComeByVariableNothingIsKnown)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"www.example.com"}, {}, 8443).variable_certificates = true;
    const Findings findings = world.findings();
    EXPECT_EQ(ids(findings), "chain-unknown");
    const Finding& finding = only(findings, FindingId::chain_unknown);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{30});
    EXPECT_NE(finding.what.find("policy \"www\" reaches www.example.com"), std::string::npos) << finding.what;
}

}  // namespace
