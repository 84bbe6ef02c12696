#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

TEST(PinSet, LiveCountsPinsThatAreNotRetired)
{
    PinSet set = pin_set({pki().www_key.pin(), pki().backup_1.pin()});
    EXPECT_EQ(set.live(), 2U);
    set.pins[0].retired = true;
    EXPECT_EQ(set.live(), 1U);
    set.unreadable = 2;
    EXPECT_EQ(set.live(), 3U) << "those that could not be read have the benefit of the doubt";
}

TEST(PinSet, FindsAPin)
{
    const PinSet set = pin_set({pki().www_key.pin(), pki().backup_1.pin()});
    EXPECT_EQ(set.find(pki().backup_1.pin()), &set.pins[1]);
    EXPECT_EQ(set.find(pki().backup_2.pin()), nullptr);
}

TEST(PinSet, OnlyGuardedAndLenient)
{
    for (int flags = 0; flags < 16; flags++) {
        PinSet set;
        set.enforced = (flags & 1) != 0;
        set.reported = (flags & 2) != 0;
        set.guarded = (flags & 4) != 0;
        set.allow_mismatch = (flags & 8) != 0;
        EXPECT_EQ(set.only_guarded(), set.guarded && !set.enforced && !set.reported) << flags;
        EXPECT_EQ(set.lenient(), set.allow_mismatch && !set.enforced && !set.guarded) << flags;
    }
}

TEST(PolicyValue, Binds)
{
    Policy policy;
    EXPECT_FALSE(policy.binds());
    policy.report_only = ReportOnly{};
    EXPECT_FALSE(policy.binds());
    policy.enforce = Enforce{};
    EXPECT_FALSE(policy.binds()) << "max-age 0";
    policy.enforce->max_age = MaxAge(1);
    EXPECT_TRUE(policy.binds());
    policy.enforce.reset();
    policy.guard = Guard{};
    EXPECT_TRUE(policy.binds());
}

TEST(PolicyValue, BindsSubdomains)
{
    Policy policy;
    policy.enforce = Enforce{};
    policy.enforce->include_subdomains = true;
    EXPECT_FALSE(policy.binds_subdomains()) << "max-age 0";
    policy.enforce->max_age = MaxAge(1);
    EXPECT_TRUE(policy.binds_subdomains());
    policy.enforce->include_subdomains = false;
    EXPECT_FALSE(policy.binds_subdomains());
    policy.guard = Guard{};
    EXPECT_FALSE(policy.binds_subdomains());
    policy.guard->include_subdomains = true;
    EXPECT_TRUE(policy.binds_subdomains());
}

TEST(PolicyFileValue, NamesOfManyAreCutShort)
{
    PolicyFile file;
    for (int i = 0; i < 1000; i++) {
        file.names.push_back("policy-" + std::to_string(i));
    }
    const std::string names = names_of(file);
    EXPECT_NE(names.find("\"policy-0\", \"policy-1\""), std::string::npos);
    EXPECT_NE(names.find("980 more"), std::string::npos) << names;
    file.names.resize(20);
    EXPECT_EQ(names_of(file).find("more"), std::string::npos);
}

}  // namespace
