#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// The leaf's pin and `n` - 1 others.
PolicyText with_pins(std::size_t n, std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    PolicyText policy;
    policy.modes = std::move(modes);
    for (std::size_t i = 0; i < n; i++) {
        policy.pins.push_back(written(i == 0 ? pki().www_key.pin() : Entity("spare").pin()));
    }
    return policy;
}

Finding too_few(const PolicyText& policy)
{
    return only(judge_one(policy, pki().www_chain), FindingId::too_few_pins);
}

TEST(PinCount, TwoPinsAreEnough)
{
    EXPECT_FALSE(has(judge_one(with_pins(2), pki().www_chain), FindingId::too_few_pins));
}

TEST(PinCount, OnePinIsTooFew)
{
    const Finding finding = too_few(with_pins(1));
    EXPECT_EQ(finding.severity, Severity::error);
    ASSERT_TRUE(finding.place.has_value());
    EXPECT_EQ(finding.place->line, 3U);
    EXPECT_NE(finding.what.find("one pin"), std::string::npos) << finding.what;
}

TEST(PinCount, NoPinIsTooFew)
{
    PolicyText policy;
    policy.modes = {"pins: []", "enforce: {max-age: 1d}"};
    EXPECT_NE(too_few(policy).what.find("no pin"), std::string::npos);
}

TEST(PinCount, RetiredPinsDoNotCount)
{
    PolicyText policy = with_pins(1);
    policy.pins.push_back(retired(pki().backup_1.pin()));
    policy.pins.push_back(retired(pki().backup_2.pin()));
    EXPECT_EQ(too_few(policy).severity, Severity::error);
    policy.pins.push_back(written(pki().backup_3.pin()));
    EXPECT_FALSE(has(judge_one(policy, pki().www_chain), FindingId::too_few_pins));
}

TEST(PinCount, OnlyRetiredPinsAreNone)
{
    PolicyText policy;
    policy.pins = {retired(pki().www_key.pin()), retired(pki().backup_1.pin())};
    EXPECT_NE(too_few(policy).what.find("no pin"), std::string::npos);
}

TEST(PinCount, AnUnreadablePinIsCountedSinceItIsAFindingAlready)
{
    PolicyText policy = with_pins(1);
    policy.pins.push_back("{csr: missing.csr}");
    const auto findings = judge_one(policy, pki().www_chain);
    EXPECT_TRUE(has(findings, FindingId::pin_source));
    EXPECT_FALSE(has(findings, FindingId::too_few_pins));
}

TEST(PinCount, ADuplicateIsCountedOnce)
{
    PolicyText policy = with_pins(1);
    policy.pins.push_back(written(pki().www_key.pin()));
    EXPECT_EQ(too_few(policy).severity, Severity::error);
}

TEST(PinCount, TooFewForAGuardIsAWarning)
{
    EXPECT_EQ(too_few(with_pins(1, {"guard: {}"})).severity, Severity::warning);
}

TEST(PinCount, TooFewForAGuardWithAHeaderIsAnError)
{
    EXPECT_EQ(too_few(with_pins(1, {"guard: {}", "enforce: {max-age: 1d}"})).severity, Severity::error);
    EXPECT_EQ(
        too_few(with_pins(1, {"guard: {}", "report-only: {report-uri: \"https://reports.example.net/\"}"})).severity,
        Severity::error);
}

TEST(PinCount, TooFewIsNoChainErrorSoAllowMismatchDoesNotReachIt)
{
    EXPECT_EQ(
        too_few(with_pins(1, {"report-only: {report-uri: \"https://reports.example.net/\", allow-mismatch: true}"}))
            .severity,
        Severity::error);
}

TEST(PinCount, ReportOnlyPinsOfTheirOwnAreCounted)
{
    PolicyText policy = good_policy();
    policy.modes.push_back("report-only: {report-uri: \"https://reports.example.net/\", pins: ["
                           + written(pki().www_key.pin()) + "]}");
    EXPECT_NE(too_few(policy).what.find("report-only"), std::string::npos);
}

TEST(PinCount, TwentyPinsAreNotTooMany)
{
    EXPECT_EQ(ids(judge_one(with_pins(20), pki().www_chain)), "");
}

TEST(PinCount, TwentyOneAre)
{
    const auto findings = judge_one(with_pins(21), pki().www_chain);
    EXPECT_EQ(ids(findings), "too-many-pins");
    const Finding& finding = only(findings, FindingId::too_many_pins);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_NE(finding.what.find("21"), std::string::npos);
    EXPECT_EQ(finding.place->line, 3U);
}

TEST(PinCount, RetiredAndUnreadablePinsMakeItTooMany)
{
    PolicyText sent = with_pins(20);
    sent.pins.push_back(retired(Entity("old").pin()));
    EXPECT_TRUE(has(judge_one(sent, pki().www_chain), FindingId::too_many_pins)) << "retired pins are sent";
    PolicyText unreadable = with_pins(20);
    unreadable.pins.push_back("{csr: missing.csr}");
    EXPECT_TRUE(has(judge_one(unreadable, pki().www_chain), FindingId::too_many_pins));
}

TEST(PinCount, PoliciesOfNoServerAreCountedToo)
{
    PolicyText spare = with_pins(1);
    spare.name = "spare";
    World world;
    world.policies({good_policy(), spare});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_NE(only(world.findings(), FindingId::too_few_pins).what.find("\"spare\""), std::string::npos);
}

}  // namespace
