#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

const std::string kReportOnly = "report-only: {report-uri: \"https://reports.example.net/pkp\"}";
const std::string kAllowMismatch =
    "report-only: {report-uri: \"https://reports.example.net/pkp\", allow-mismatch: true}";

PolicyText policy_of(std::vector<Pin> pins, std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    PolicyText policy;
    for (const Pin& pin : pins) {
        policy.pins.push_back(written(pin));
    }
    policy.modes = std::move(modes);
    return policy;
}

/// Pins of keys that nobody serves.
std::vector<Pin> strangers()
{
    return {pki().backup_1.pin(), pki().backup_2.pin(), pki().backup_3.pin()};
}

/// The intermediate cross-signed: one path to root A, one to root B.
Chain cross_signed()
{
    return chain({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key), pki().root,
                  pki().other_root});
}

TEST(ChainMatch, PinnedLeafIsFine)
{
    EXPECT_EQ(ids(judge_one(good_policy(), pki().www_chain)), "");
}

TEST(ChainMatch, PinnedIntermediateIsFine)
{
    EXPECT_EQ(ids(judge_one(policy_of({pki().intermediate_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()}),
                            pki().www_chain)),
              "");
}

TEST(ChainMatch, RootCountsWhereItIsSent)
{
    const auto policy = policy_of({pki().root_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()});
    EXPECT_FALSE(has(judge_one(policy, pki().www_chain_with_root), FindingId::no_pin_in_chain));
    EXPECT_TRUE(has(judge_one(policy, pki().www_chain), FindingId::no_pin_in_chain));
}

TEST(ChainMatch, NoPinInChainIsAnErrorWithItsPlaces)
{
    const auto findings = judge_one(policy_of(strangers()), pki().www_chain);
    EXPECT_EQ(ids(findings), "no-pin-in-chain");
    const Finding& finding = only(findings, FindingId::no_pin_in_chain);
    EXPECT_EQ(finding.severity, Severity::error);
    ASSERT_TRUE(finding.place.has_value());
    EXPECT_EQ(finding.place->line, 3U);
    EXPECT_EQ(finding.place->column, 3U);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_NE(finding.what.find("\"www\""), std::string::npos);
    EXPECT_NE(finding.what.find("www.example.com"), std::string::npos);
    EXPECT_FALSE(finding.remedy.empty());
}

TEST(ChainMatch, NoPinInChainShowsThePinsThatWouldDo)
{
    const auto findings = judge_one(policy_of(strangers()), pki().www_chain);
    const std::string text = text_of(only(findings, FindingId::no_pin_in_chain));
    EXPECT_NE(text.find("pin-sha256=\"" + pki().www_key.pin().base64() + "\""), std::string::npos) << text;
    EXPECT_NE(text.find("pin-sha256=\"" + pki().intermediate_key.pin().base64() + "\""), std::string::npos) << text;
}

TEST(ChainMatch, ARetiredPinMatches)
{
    auto policy = policy_of(strangers());
    policy.pins.push_back(retired(pki().www_key.pin()));
    EXPECT_EQ(ids(judge_one(policy, pki().www_chain)), "");
}

TEST(ChainMatch, APinThatMatchesOnlyASuperfluousCertificateDoesNotCount)
{
    auto pins = strangers();
    pins.push_back(pki().other_intermediate_key.pin());
    const auto findings = judge_one(policy_of(pins), chain({pki().www, pki().intermediate, pki().other_intermediate}));
    EXPECT_TRUE(has(findings, FindingId::no_pin_in_chain));
    EXPECT_TRUE(has(findings, FindingId::off_path_pin));
}

TEST(ChainMatch, APathWithoutPinIsAnError)
{
    const auto findings =
        judge_one(policy_of({pki().root_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()}), cross_signed());
    EXPECT_FALSE(has(findings, FindingId::no_pin_in_chain));
    const Finding& finding = only(findings, FindingId::path_without_pin);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_NE(finding.what.find("1 of the 2"), std::string::npos) << finding.what;
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
}

TEST(ChainMatch, TheSecondPathWithoutPinIsAnErrorToo)
{
    EXPECT_EQ(only(judge_one(policy_of({pki().other_root_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()}),
                             cross_signed()),
                   FindingId::path_without_pin)
                  .severity,
              Severity::error);
}

TEST(ChainMatch, APinOnEveryPathIsFine)
{
    const auto both_roots =
        policy_of({pki().root_key.pin(), pki().other_root_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()});
    const auto shared = policy_of({pki().intermediate_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()});
    EXPECT_FALSE(has(judge_one(both_roots, cross_signed()), FindingId::path_without_pin));
    EXPECT_EQ(ids(judge_one(shared, cross_signed())), "");
}

TEST(ChainMatch, NoPathMatchesIsNoPinInChainAlone)
{
    const auto findings = judge_one(policy_of(strangers()), cross_signed());
    EXPECT_EQ(ids(findings), "no-pin-in-chain");
}

TEST(ChainMatch, ReportOnlyIsCheckedLikeEnforce)
{
    const auto findings = judge_one(policy_of(strangers(), {kReportOnly}), pki().www_chain);
    const Finding& finding = only(findings, FindingId::no_pin_in_chain);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_NE(finding.remedy.find("let clients see that policy for a max-age"), std::string::npos) << finding.remedy;
}

TEST(ChainMatch, AGuardIsChecked)
{
    const auto findings = judge_one(policy_of(strangers(), {"guard: {}"}), pki().www_chain);
    const Finding& finding = only(findings, FindingId::no_pin_in_chain);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_NE(finding.remedy.find("a key that they get by an update"), std::string::npos) << finding.remedy;
}

TEST(ChainMatch, AnUnpinningPolicyIsChecked)
{
    const auto findings = judge_one(policy_of(strangers(), {"enforce: {max-age: 0}"}), pki().www_chain);
    EXPECT_EQ(only(findings, FindingId::no_pin_in_chain).severity, Severity::error);
}

TEST(ChainMatch, AllowMismatchMakesWarnings)
{
    const auto findings = judge_one(policy_of(strangers(), {kAllowMismatch}), pki().www_chain);
    EXPECT_EQ(only(findings, FindingId::no_pin_in_chain).severity, Severity::warning);
    EXPECT_EQ(
        only(judge_one(policy_of({pki().root_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()}, {kAllowMismatch}),
                       cross_signed()),
             FindingId::path_without_pin)
            .severity,
        Severity::warning);
}

TEST(ChainMatch, AllowMismatchDoesNotReachEnforcedPins)
{
    const auto findings =
        judge_one(policy_of(strangers(), {"enforce: {max-age: 1d}", kAllowMismatch}), pki().www_chain);
    EXPECT_EQ(only(findings, FindingId::no_pin_in_chain).severity, Severity::error);
}

TEST(ChainMatch, AllowMismatchDoesNotReachGuardedPins)
{
    const auto findings = judge_one(policy_of(strangers(), {"guard: {}", kAllowMismatch}), pki().www_chain);
    EXPECT_EQ(only(findings, FindingId::no_pin_in_chain).severity, Severity::error);
}

TEST(ChainMatch, ReportOnlyPinsOfTheirOwnAreJudgedAlone)
{
    PolicyText policy = good_policy();
    policy.modes.push_back("report-only: {report-uri: \"https://reports.example.net/\", allow-mismatch: true, pins: ["
                           + written(pki().backup_1.pin()) + ", " + written(pki().backup_2.pin()) + "]}");
    const auto findings = judge_one(policy, pki().www_chain);
    const Finding& finding = only(findings, FindingId::no_pin_in_chain);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_NE(finding.what.find("report-only"), std::string::npos) << finding.what;
}

TEST(ChainMatch, ReportOnlyPinsOfTheirOwnAreAnErrorWithoutAllowMismatch)
{
    PolicyText policy = good_policy();
    policy.modes.push_back("report-only: {report-uri: \"https://reports.example.net/\", pins: ["
                           + written(pki().backup_1.pin()) + ", " + written(pki().backup_2.pin()) + "]}");
    EXPECT_EQ(only(judge_one(policy, pki().www_chain), FindingId::no_pin_in_chain).severity, Severity::error);
}

TEST(ChainMatch, ClientsOfSentLookAtTheCertificatesSent)
{
    auto pins = strangers();
    const auto none = judge_one(policy_of(pins, {"enforce: {max-age: 1d}", "clients: [sent]"}), pki().www_chain);
    const Finding& finding = only(none, FindingId::sent_without_pin);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_FALSE(finding.details.empty());
    EXPECT_FALSE(has(none, FindingId::no_pin_in_chain)) << "chain is not among the clients";

    pins.push_back(pki().other_intermediate_key.pin());
    const auto off_path = judge_one(policy_of(pins, {"enforce: {max-age: 1d}", "clients: [sent]"}),
                                    chain({pki().www, pki().intermediate, pki().other_intermediate}));
    EXPECT_FALSE(has(off_path, FindingId::sent_without_pin)) << "they take a superfluous certificate";
    EXPECT_FALSE(has(off_path, FindingId::no_pin_in_chain));
}

TEST(ChainMatch, ClientsOfLeafLookAtTheLeafAlone)
{
    const std::vector<std::string> modes = {"enforce: {max-age: 1d}", "clients: [leaf]"};
    const auto by_issuer = judge_one(
        policy_of({pki().intermediate_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()}, modes), pki().www_chain);
    EXPECT_EQ(only(by_issuer, FindingId::leaf_without_pin).severity, Severity::error);
    EXPECT_EQ(ids(by_issuer), "leaf-without-pin");
    EXPECT_EQ(ids(judge_one(policy_of({pki().www_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()}, modes),
                            pki().www_chain)),
              "");
}

TEST(ChainMatch, EveryKindOfClientsIsAskedFor)
{
    const auto findings =
        judge_one(policy_of(strangers(), {"enforce: {max-age: 1d}", "clients: [chain, sent, leaf]"}), pki().www_chain);
    EXPECT_EQ(ids(findings), "leaf-without-pin no-pin-in-chain sent-without-pin");
}

TEST(ChainMatch, ClientsNotNamedAreNotAskedFor)
{
    const auto findings = judge_one(
        policy_of({pki().intermediate_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()}), pki().www_chain);
    EXPECT_EQ(ids(findings), "");
    EXPECT_EQ(ids(judge_one(policy_of(strangers()), pki().www_chain)), "no-pin-in-chain");
}

TEST(ChainMatch, ChainIsNotAskedForWherePathsDiffer)
{
    const auto findings = judge_one(policy_of({pki().root_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()},
                                              {"enforce: {max-age: 1d}", "clients: [sent]"}),
                                    cross_signed());
    EXPECT_FALSE(has(findings, FindingId::path_without_pin));
}

TEST(ChainMatch, AllowMismatchReachesEveryKindOfClients)
{
    const auto findings = judge_one(policy_of(strangers(), {kAllowMismatch, "clients: [sent, leaf]"}), pki().www_chain);
    EXPECT_EQ(only(findings, FindingId::sent_without_pin).severity, Severity::warning);
    EXPECT_EQ(only(findings, FindingId::leaf_without_pin).severity, Severity::warning);
}

TEST(ChainMatch, EachCertificateOfAServerIsAChain)
{
    const Entity second_key("www.example.com");
    const Chain second =
        chain({leaf(second_key, pki().intermediate_key, {"www.example.com", "example.com"}), pki().intermediate});
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain, second});
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "no-pin-in-chain");
    EXPECT_NE(text_of(only(findings, FindingId::no_pin_in_chain)).find(second_key.pin().base64()), std::string::npos);
}

TEST(ChainMatch, OneFindingForAllServersOfAChain)
{
    World world;
    world.policies({policy_of(strangers())});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {pki().www_chain});
    world.pinned(44, {"www.example.com"}, {pki().www_chain}, "www", 8443);
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::no_pin_in_chain)), (std::vector<unsigned>{12, 30, 44}));
}

TEST(ChainMatch, TwoChainsAreTwoFindings)
{
    World world;
    world.policies({policy_of(strangers())});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {pki().other_chain});
    EXPECT_EQ(count_of(world.findings(), FindingId::no_pin_in_chain), 2U);
}

TEST(ChainMatch, APolicyOfNoServerIsNotHeldAgainstAChain)
{
    PolicyText spare = policy_of(strangers());
    spare.name = "spare";
    World world;
    world.policies({good_policy(), spare});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "");
}

}  // namespace
