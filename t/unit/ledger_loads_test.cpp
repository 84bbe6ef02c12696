// Loads in a row, and what befalls the machine between them.
#include "test_fleet.hpp"
#include "test_ledger.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct LedgerLoadsInARow : SiteLoads {
    LoadResult load(bool full_disk = false)
    {
        const LoadOptions options = load_options(file.path, now);
        LoadResult result;
        {
            FullDisk disk(full_disk);
            result = world->judge(options);
        }
        if (result.recorded) {
            file.with([&](Ledger& ledger) { ledger.settle(options.load); });
        }
        return result;
    }
    static PolicyText with_max_age(const std::string& max_age)
    {
        PolicyText policy = good_policy();
        policy.modes = {"enforce: {max-age: " + max_age + "}"};
        return policy;
    }
};

TEST_F(LedgerLoadsInARow, AnOpenRampCoversNothingElseByAClockThatIsAhead)
{
    const std::string ramp = "{ramp: [{for: 1d, value: 5m}, {value: 30d}]}";
    serve(with_max_age(ramp), pki().www_chain);
    ASSERT_FALSE(load().refused);
    now = kNow + 10 * kDay;  // the clock is wrong
    EXPECT_FALSE(load(true).refused) << "what is sent already";
    serve(with_max_age("30d"), pki().www_chain);
    EXPECT_TRUE(load(true).refused) << "by the right clock the ramp is at 5 minutes, and nothing can be recorded";
    EXPECT_FALSE(load().refused) << "which it can be here";
    now = kNow + 60;
    serve_without_policy(pki().www_chain);
    ASSERT_FALSE(load().refused);
    now = kNow + 3600;
    serve_without_policy(pki().other_chain);
    EXPECT_TRUE(load().refused) << "clients have 30 days";
}

TEST_F(LedgerLoadsInARow, WhoForgetsWhatTheRemedyNamesIsAccepted)
{
    serve(good_policy(), pki().www_chain);  // its certificate has a second name, and the default server answers to it
    ASSERT_FALSE(load().refused);
    serve_without_policy(pki().other_chain);
    now += 60;
    const LoadResult refused = load();
    ASSERT_TRUE(refused.refused);
    const std::string& remedy = only(refused.findings, FindingId::locks_out_clients).remedy;
    file.with([&](Ledger& ledger) {
        std::vector<std::string> ids;
        ledger.for_each([&](const Entry& entry) { ids.push_back(entry.id); });
        EXPECT_EQ(ids.size(), 2U);
        for (const std::string& id : ids) {
            EXPECT_NE(remedy.find(" " + id), std::string::npos) << remedy;
            EXPECT_TRUE(ledger.forget(id, "root", "no client", now));
        }
    });
    EXPECT_FALSE(load().refused);
}

}  // namespace
