// The scope of names that are patterns: wildcards above a pinned host, tails, regular expressions.
#include "test_scope.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// Servers at one address: a default server, one under this policy at line 12, and one of a stranger's chain at
/// line 30.
struct BelowAndAbove : World {
    BelowAndAbove(const std::vector<std::string>& modes, const std::string& pinned_name, const std::string& other,
                  std::vector<std::string> certificate);
};

BelowAndAbove::BelowAndAbove(const std::vector<std::string>& modes, const std::string& pinned_name,
                             const std::string& other, std::vector<std::string> certificate)
{
    policies({policy_of(modes)});
    server(5, {"default.test"}, {stranger_for({"default.test"})});
    server(6, {"default.test"}, {stranger_for({"default.test"})}, 8443);
    pinned(12, {pinned_name}, {pinned_for({pinned_name})});
    server(30, {other}, {stranger_for(std::move(certificate))});
}

const std::vector<std::string> kSubdomains = {"enforce: {max-age: 1d, includeSubDomains: true}"};

TEST(ScopePatterns, AWildcardAboveAnswersToWhatIsBelowAPinnedHost)
{
    const std::vector<std::string> names = {"*.example.com", "*.deep.example.com"};
    BelowAndAbove world(kSubdomains, "deep.example.com", "*.example.com", names);
    const auto findings = world.findings();
    const Finding& finding = only(findings, FindingId::scope_conflict);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{30});
    EXPECT_NE(finding.what.find(" reaches *.deep.example.com, where "), std::string::npos) << finding.what;

    const auto meets = [](const std::string& mode, std::vector<std::string> certificate) {
        return ids(BelowAndAbove({mode}, "deep.example.com", "*.example.com", std::move(certificate)).findings());
    };
    EXPECT_EQ(meets("guard: {includeSubDomains: true}", names), "scope-conflict");
    EXPECT_EQ(meets("enforce: {max-age: 1d}", names), "") << "without includeSubDomains nothing below is reached";
    EXPECT_EQ(meets("enforce: {max-age: 1d, includeSubDomains: true}", {"*.example.com"}), "scope-conflict")
        << "as the ledger has it";
    world.server(40, {"*.deep.example.com"}, {pinned_for({"*.deep.example.com"})});
    EXPECT_EQ(ids(world.findings()), "") << "another server answers to what is below";
}

TEST(ScopePatterns, APortWithoutTlsIsNoPlaceWhereTheyMeet)
{
    for (const char* other : {"*.example.com", "deep.*"}) {
        World world;
        world.policies({policy_of({"enforce: {max-age: 1d}"})});
        world.server(5, {"default.test"}, {stranger_for({"default.test"})});
        world.pinned(12, {"deep.example.com"}, {pinned_for({"deep.example.com"})});
        ServerBlock& both = world.server(30, {other}, {stranger_for({"*.example.com"})});
        world.listen(both, 80, false);
        EXPECT_EQ(ids(world.findings()), "") << other << " answers to it at port 80";
        world.listen(both, 8443, true);
        EXPECT_EQ(ids(world.findings()), "scope-conflict") << other;
    }
}

TEST(ScopePatterns, ANameThatNginxIgnoresBindsNobody)
{
    World world;
    world.policies({policy_of(kSubdomains)});
    world.server(5, {"www.example.com"}, {stranger_for({"www.example.com"})});
    world.pinned(12, {"shop.test", "www.example.com"}, {pinned_for({"shop.test", "www.example.com"})});
    EXPECT_EQ(ids(world.findings()), "") << "conflicting server name \"www.example.com\", ignored";
    world.listen(world.server(40, {"default.test"}, {stranger_for({"default.test"})}), 8443, true);
    world.pinned(50, {"www.example.com"}, {pinned_for({"www.example.com"})}, "www", 8443);
    EXPECT_EQ(ids(world.findings()), "scope-conflict") << "at another address it is not ignored";
}

TEST(ScopePatterns, AGuardsClientsAskNotWhetherNginxIgnoresTheName)
{
    World world;
    world.policies({policy_of({"guard: {}"})});
    world.server(5, {"api.example.com"}, {stranger_for({"api.example.com"})});
    world.pinned(12, {"api.example.com"}, {pinned_for({"api.example.com"})});
    EXPECT_EQ(ids(world.findings()), "scope-conflict");
}

TEST(ScopePatterns, AnExpressionMayAnswerToAPinnedHostAtAnotherAddress)
{
    World world;
    world.policies({policy_of({"enforce: {max-age: 1d}"})});
    world.server(5, {"default.test"}, {stranger_for({"default.test"})});
    world.server(6, {"default.test"}, {stranger_for({"default.test"})}, 8443);
    world.pinned(12, {"api.example.com"}, {pinned_for({"api.example.com"})});
    world.server(30, {"~^.+[.]example[.]com$"}, {stranger_for({"*.example.com"})}, 8443);
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "regex-host");
    EXPECT_EQ(lines_of(only(findings, FindingId::regex_host)), std::vector<unsigned>{30});

    // Of its addresses one is enough, if it speaks TLS there and no other name answers.
    const auto at = [](std::size_t address, bool tls) {
        World two;
        two.policies({policy_of({"enforce: {max-age: 1d}"})});
        two.server(5, {"default.test"}, {stranger_for({"default.test"})});
        two.server(6, {"default.test"}, {stranger_for({"default.test"})}, 8443);
        two.pinned(12, {"api.example.com"}, {pinned_for({"api.example.com"})});
        two.listen(two.server(30, {"~^.+[.]example[.]com$"}, {stranger_for({"*.example.com"})}), address, tls);
        return ids(two.findings());
    };
    EXPECT_EQ(at(8443, true), "regex-host");
    EXPECT_EQ(at(80, false), "");
}

TEST(ScopePatterns, AnExpressionIsAskedForTheHostsOfItsCertificateAlone)
{
    const auto meets = [](const std::string& pinned_name, std::vector<std::string> certificate) {
        World world;
        world.policies({policy_of({"enforce: {max-age: 1d}"})});
        world.server(5, {"default.test"}, {stranger_for({"default.test"})});
        world.server(6, {"default.test"}, {stranger_for({"default.test"})}, 8443);
        world.pinned(12, {pinned_name}, {pinned_for({pinned_name})});
        world.server(30, {"~^.+$"}, {stranger_for(std::move(certificate))}, 8443);
        return ids(world.findings());
    };
    EXPECT_EQ(meets("www.example.com", {"www.example.com"}), "regex-host");
    EXPECT_EQ(meets("a.www.example.com", {"www.example.com"}), "") << "no wildcard, which would cover it";
    EXPECT_EQ(meets("a.www.example.com", {"*.example.com"}), "");
}

TEST(ScopePatterns, AnExpressionUnderThePolicyItselfIsCheckedAsItsOwn)
{
    World world;
    world.policies({policy_of({"enforce: {max-age: 1d}"})});
    world.server(5, {"default.test"}, {stranger_for({"default.test"})});
    world.server(6, {"default.test"}, {stranger_for({"default.test"})}, 8443);
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"~^.+$"}, {stranger_for({"*.example.com"})}, "www", 8443);
    const auto findings = world.findings();
    EXPECT_TRUE(has(findings, FindingId::no_pin_in_chain));
    for (const Finding& finding : findings) {
        EXPECT_EQ(finding.what.find("if a regular expression of server_name sends them there"), std::string::npos)
            << finding.what;
    }
}

TEST(ScopePatterns, HostsOfATailAreThoseOfItsCertificate)
{
    const auto meets = [](const std::string& tail, std::vector<std::string> certificate) {
        return ids(BelowAndAbove(kSubdomains, "example.com", tail, std::move(certificate)).findings());
    };
    EXPECT_EQ(meets("www.example.*", {"www.example.com"}), "scope-conflict");
    EXPECT_EQ(meets("www.example.*", {"*.example.com"}), "scope-conflict");
    EXPECT_EQ(meets("www.example.*", {"www.example.org"}), "");
    EXPECT_EQ(meets("www.example.*", {"shop.example.com"}), "") << "which it does not answer to";
}

TEST(ScopePatterns, WhetherAnExpressionFitsIsNginxsToSay)
{
    BelowAndAbove world(kSubdomains, "example.com", "~^(?<name>.+)\\.example\\.com$", {"www.example.com"});
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "regex-host");
    const Finding& finding = only(findings, FindingId::regex_host);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{30});
    EXPECT_EQ(finding.what.find("policy \"www\" reaches www.example.com, and it does not match the chain of "), 0U)
        << finding.what;
    EXPECT_EQ(ids(BelowAndAbove(kSubdomains, "example.com", "~^www", {"www.example.org"}).findings()), "");

    World matches;
    matches.policies({policy_of(kSubdomains)});
    matches.pinned(12, {"example.com"}, {pinned_for({"example.com"})});
    matches.server(30, {"~^www"}, {pinned_for({"www.example.com"})});
    EXPECT_EQ(ids(matches.findings()), "");
}

}  // namespace
