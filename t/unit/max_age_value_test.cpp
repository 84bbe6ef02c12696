// max_age.hpp: what clients are told at a time. What is advised of it: max_age_test.cpp.
#include "max_age.hpp"

#include <gtest/gtest.h>

using namespace hpkp;

namespace {

TEST(MaxAgeValue, OneValueForEver)
{
    const MaxAge day(86400);
    EXPECT_FALSE(day.is_ramp());
    EXPECT_EQ(day.highest(), 86400);
    for (const std::int64_t seconds : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, INT64_MAX}) {
        EXPECT_EQ(day.at(seconds), 86400);
    }
}

TEST(MaxAgeValue, ARampClimbsAtTheSecond)
{
    MaxAge ramp;
    ramp.steps = {{100, 5}, {200, 60}, {0, 3600}};
    EXPECT_TRUE(ramp.is_ramp());
    EXPECT_EQ(ramp.highest(), 3600);
    EXPECT_EQ(ramp.at(-1000), 5) << "before it begins";
    EXPECT_EQ(ramp.at(0), 5);
    EXPECT_EQ(ramp.at(99), 5);
    EXPECT_EQ(ramp.at(100), 60);
    EXPECT_EQ(ramp.at(299), 60);
    EXPECT_EQ(ramp.at(300), 3600);
    EXPECT_EQ(ramp.at(INT64_MAX), 3600);
}

TEST(MaxAgeValue, StepsOfNoTimeAreSkipped)
{
    MaxAge ramp;
    ramp.steps = {{0, 5}, {0, 60}, {10, 70}, {0, 3600}};
    EXPECT_EQ(ramp.at(0), 70);
    EXPECT_EQ(ramp.at(10), 3600);
}

TEST(MaxAgeValue, NoStepIsZero)
{
    EXPECT_EQ(MaxAge().at(0), 0);
    EXPECT_EQ(MaxAge().highest(), 0);
    EXPECT_FALSE(MaxAge().is_ramp());
}

TEST(MaxAgeValue, Equality)
{
    MaxAge ramp;
    ramp.steps = {{100, 5}, {0, 60}};
    EXPECT_EQ(MaxAge(60), MaxAge(60));
    EXPECT_FALSE(MaxAge(60) == MaxAge(61));
    EXPECT_FALSE(MaxAge(60) == ramp);
}

}  // namespace
