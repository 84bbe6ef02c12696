#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

Findings judge_max_age(const std::string& max_age)
{
    PolicyText policy = good_policy();
    policy.modes = {"enforce: {max-age: " + max_age + "}"};
    return judge_one(policy, pki().www_chain);
}

TEST(MaxAge, SixtyDaysAreNotLong)
{
    EXPECT_EQ(ids(judge_max_age("60d")), "");
    EXPECT_EQ(ids(judge_max_age("5184000")), "");
}

TEST(MaxAge, OneSecondMoreIs)
{
    const auto findings = judge_max_age("5184001");
    EXPECT_EQ(ids(findings), "max-age-long");
    const Finding& finding = only(findings, FindingId::max_age_long);
    EXPECT_EQ(finding.severity, Severity::warning);
    ASSERT_TRUE(finding.place.has_value());
    EXPECT_EQ(finding.place->line, 8U);
    EXPECT_EQ(finding.place->column, 24U);
    EXPECT_NE(finding.what.find("\"www\""), std::string::npos);
}

TEST(MaxAge, ShortAndZeroAreNotLong)
{
    EXPECT_EQ(ids(judge_max_age("0")), "");
    EXPECT_EQ(ids(judge_max_age("1")), "");
}

TEST(MaxAge, EveryPolicyOfTheFileIsLookedAt)
{
    PolicyText long_one = good_policy();
    long_one.name = "unused";
    long_one.modes = {"enforce: {max-age: 90d}"};
    World world;
    world.policies({good_policy(), long_one});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_NE(only(world.findings(), FindingId::max_age_long).what.find("unused"), std::string::npos);
}

TEST(MaxAge, WithoutEnforceThereIsNone)
{
    PolicyText policy = good_policy();
    policy.modes = {"guard: {}", "report-only: {report-uri: \"https://reports.example.net/\"}"};
    EXPECT_EQ(ids(judge_one(policy, pki().www_chain)), "");
}

}  // namespace
