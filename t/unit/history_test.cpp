// checks/history.cpp: what is advised by who remembers. Each on and off.
#include "test_ledger.hpp"

#include "duration.hpp"

#include <gtest/gtest.h>

#include <fstream>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct HistoryTest : testing::Test {
    /// A load of www.example.com, under this mode, that nginx takes.
    Findings take(const std::string& mode, std::int64_t now, const Chain& chain)
    {
        World world;
        PolicyText policy = good_policy();
        policy.pins.push_back(written(pki().intermediate_key.pin()));
        policy.modes = {mode};
        world.policies({policy});
        world.pinned(12, {"www.example.com"}, {chain});
        LoadResult result = file.load(world, load_options(file.path, now));
        emissions = result.emissions;
        return std::move(result.findings);
    }
    Findings take(const std::string& mode, std::int64_t now) { return take(mode, now, first); }

    const std::string report = "report-only: {report-uri: \"https://reports.test/\"}";
    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
    Chain first = chain({leaf(pki().www_key, pki().intermediate_key, {"www.example.com"}), pki().intermediate});
    Chain second = chain({leaf(pki().backup_1, pki().intermediate_key, {"www.example.com"}), pki().intermediate});
    Emissions emissions;
};

TEST_F(HistoryTest, NeverReportOnly)
{
    const Findings findings = take("enforce: {max-age: 1d}", kNow);
    EXPECT_EQ(ids(findings), "never-report-only");
    const Finding& finding = only(findings, FindingId::never_report_only);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_EQ(finding.place->line, 9U) << "that of max-age";
    EXPECT_EQ(ids(take("enforce: {max-age: 1d}", kNow + 10)), "") << "it is too late for that";
}

TEST_F(HistoryTest, AfterReportOnlyNothingIsSaid)
{
    EXPECT_EQ(ids(take(report, kNow)), "");
    EXPECT_EQ(ids(take("enforce: {max-age: 1d}", kNow + kDay)), "");
}

TEST_F(HistoryTest, MaxAgeZeroIsNothingNew)
{
    EXPECT_EQ(ids(take("enforce: {max-age: 0}", kNow)), "");
}

TEST_F(HistoryTest, NotRehearsed)
{
    take(report, kNow);
    EXPECT_EQ(ids(take("enforce: {max-age: 7d}", kNow + 10)), "") << "seven days are not over seven days";
    const Findings findings = take("enforce: {max-age: 604801}", kNow + 20);
    EXPECT_EQ(ids(findings), "not-rehearsed");
    EXPECT_EQ(only(findings, FindingId::not_rehearsed).severity, Severity::warning);
    EXPECT_EQ(ids(take("enforce: {max-age: 604801}", kNow + 30)), "not-rehearsed") << "until it is";
    take("enforce: {max-age: 7d}", kNow + 40, second);
    EXPECT_EQ(ids(take("enforce: {max-age: 604801}", kNow + 50)), "");
}

TEST_F(HistoryTest, AnRsaAndAnEcdsaKeyAtOnceAreNoChange)
{
    World world;
    world.policies({good_policy()});
    take(report, kNow);
    file.take({}, kNow + 1, "/other.conf", {{host("www.example.com"), {pki().www_key.pin()}}});
    EXPECT_EQ(ids(take("enforce: {max-age: 8d}", kNow + 10)), "not-rehearsed");
}

TEST_F(HistoryTest, MaxAgeJump)
{
    take(report, kNow);
    EXPECT_EQ(ids(take("enforce: {max-age: 1000}", kNow + 10)), "") << "from nothing";
    EXPECT_EQ(ids(take("enforce: {max-age: 10000}", kNow + 20)), "") << "ten times";
    const Findings findings = take("enforce: {max-age: 100001}", kNow + 30);
    EXPECT_EQ(ids(findings), "max-age-jump");
    const Finding& finding = only(findings, FindingId::max_age_jump);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_NE(finding.what.find("10000 seconds"), std::string::npos) << finding.what;
    EXPECT_EQ(ids(take("enforce: {max-age: 100001}", kNow + 40)), "") << "it is there";
    EXPECT_EQ(ids(take("enforce: {max-age: 60}", kNow + 50)), "") << "down";
}

TEST_F(HistoryTest, AJumpFromOneSecond)
{
    take(report, kNow);
    take("enforce: {max-age: 1}", kNow + 10);
    EXPECT_TRUE(has(take("enforce: {max-age: 11}", kNow + 20), FindingId::max_age_jump));
}

TEST_F(HistoryTest, ARampIsNoJump)
{
    take(report, kNow);
    take("enforce: {max-age: 60}", kNow + 10);
    EXPECT_EQ(ids(take("enforce: {max-age: {ramp: [{for: 1d, value: 5m}, {value: 7d}]}}", kNow + 20)), "");
}

TEST_F(HistoryTest, AfterARampItsValueOfTheTimeCounts)
{
    take(report, kNow);
    take("enforce: {max-age: {ramp: [{for: 1h, value: 60}, {value: 1d}]}}", kNow + 10);
    EXPECT_EQ(ids(take("enforce: {max-age: 7d}", kNow + 4000)), "") << "from one day";
}

TEST_F(HistoryTest, ClockWentBack)
{
    take("enforce: {max-age: 1d}", kNow);
    EXPECT_EQ(ids(take("enforce: {max-age: 1d}", kNow)), "");
    EXPECT_EQ(ids(take("enforce: {max-age: 1d}", kNow - 300)), "") << "two loads at once, and the like";
    const Findings findings = take("enforce: {max-age: 1d}", kNow - 301);
    EXPECT_EQ(ids(findings), "clock-went-back");
    const Finding& finding = only(findings, FindingId::clock_went_back);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_NE(finding.what.find(time_text(kNow - 301)), std::string::npos) << finding.what;
    EXPECT_NE(finding.what.find(time_text(kNow)), std::string::npos) << finding.what;
    EXPECT_NE(finding.remedy.find("--clamp"), std::string::npos) << finding.remedy;
}

TEST_F(HistoryTest, AClockThatWentBackFreesNobody)
{
    take("enforce: {max-age: 1d}", kNow);
    // It says that the entry is not even sent yet.
    World world;
    world.server(12, {"www.example.com"}, {pki().other_chain});
    const LoadResult result = world.judge(load_options(file.path, kNow - 1000 * kDay));
    EXPECT_TRUE(has(result.findings, FindingId::locks_out_clients));
}

TEST_F(HistoryTest, GuardOver)
{
    const std::string guard = "guard: {until: 2027-06-01}";
    const std::int64_t over = *parse_date("2027-06-02");
    const Chain lasting = chain({leaf_until(pki().www_key, pki().intermediate_key, over + 100 * kDay)});
    EXPECT_EQ(count_of(take(guard, over - 1, lasting), FindingId::guard_over), 0U) << "its last day";
    const Findings findings = take(guard, over, lasting);
    const Finding& finding = only(findings, FindingId::guard_over);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.place->line, 9U);
    EXPECT_FALSE(has(take(guard, over, pki().other_chain), FindingId::no_pin_in_chain)) << "it is ignored";
}

/// "0 60, 3540 86400": from when, after kNow, which max-age.
std::string schedule(const Emissions& emissions, std::size_t server = 0)
{
    std::string text;
    for (const HeaderValue& value : emissions.headers.at(*emissions.servers.at(server).enforce).values) {
        EXPECT_EQ(value.text.substr(0, 8), "max-age=");
        text += (text.empty() ? "" : ", ") + std::to_string(value.from - kNow) + " "
                + value.text.substr(8, value.text.find(';') - 8);
    }
    return text;
}

TEST_F(HistoryTest, AJumpIsFromWhatWasSentLast)
{
    // In the history they stand by name, whenever they were sent.
    const auto sent = [&](const std::string& name, SentPolicy policy, std::int64_t now) {
        policy.name = name;
        file.take({sending(host("www.example.com"), policy)}, now);
    };
    sent("a", enforced(kDay), kNow);
    sent("b", enforced(60), kNow + 10);
    EXPECT_TRUE(has(take("enforce: {max-age: 1d}", kNow + 20), FindingId::max_age_jump));

    file.path = dir / "second.ledger";
    sent("a", enforced(60), kNow);
    sent("b", enforced(kDay), kNow + 10);
    EXPECT_FALSE(has(take("enforce: {max-age: 1d}", kNow + 20), FindingId::max_age_jump));

    file.path = dir / "reverse.ledger";
    sent("b", enforced(60), kNow);
    sent("a", enforced(kDay), kNow + 10);
    EXPECT_FALSE(has(take("enforce: {max-age: 1d}", kNow + 20), FindingId::max_age_jump));

    file.path = dir / "third.ledger";
    sent("a", enforced(kDay), kNow + 10);
    sent("b", enforced(60), kNow);
    sent("c", reported(), kNow + 30);
    file.take({}, kNow + 40);
    EXPECT_TRUE(has(take("enforce: {max-age: 20d}", kNow + 50), FindingId::max_age_jump)) << "report-only sets no time";
}

TEST_F(HistoryTest, OfTwoSentAtOnceTheLongerCounts)
{
    // Two policies of one host, as at two ports: each load sends both, so both were sent last.
    const auto both = [&](std::int64_t first, std::int64_t second) {
        SentPolicy a = enforced(first);
        a.name = "a";
        SentPolicy b = enforced(second);
        b.name = "b";
        file.take({sending(host("www.example.com"), a), sending(host("www.example.com"), b)}, kNow);
        return has(take("enforce: {max-age: 1d}", kNow + 20), FindingId::max_age_jump);
    };
    EXPECT_FALSE(both(60, kDay));
    file.path = dir / "second.ledger";
    EXPECT_FALSE(both(kDay, 60));
    file.path = dir / "third.ledger";
    EXPECT_TRUE(both(60, 60));
}

TEST_F(HistoryTest, OutOfNothingThereIsNoJump)
{
    take("enforce: {max-age: {ramp: [{for: 1h, value: 0}, {value: 1d}]}}", kNow);
    EXPECT_FALSE(has(take("enforce: {max-age: 1d}", kNow + 60), FindingId::max_age_jump));
}

TEST_F(HistoryTest, ARampWithoutALedgerIsAnErrorOfItsServers)
{
    World world;
    PolicyText policy = good_policy();
    policy.modes = {"enforce: {max-age: {ramp: [{for: 1h, value: 60}, {value: 1d}]}}"};
    world.policies({policy});
    world.pinned(12, {"www.example.com"}, {first});
    LoadOptions options = world.options();
    options.ledger.clear();
    const Findings without = world.judge(options).findings;
    EXPECT_EQ(lines_of(only(without, FindingId::bad_value)), std::vector<unsigned>{12});
    EXPECT_NE(only(without, FindingId::bad_value).remedy.find("name a ledger"), std::string::npos);

    const TempDir dir{fast_directory()};
    options.ledger = dir / "hpkp.ledger";
    std::ofstream(options.ledger) << "no ledger";
    const Findings broken = world.judge(options).findings;
    EXPECT_EQ(ids(broken), "bad-value ledger-corrupt");
    EXPECT_NE(only(broken, FindingId::bad_value).remedy.find("mend the ledger first"), std::string::npos);
}

TEST_F(HistoryTest, ARampsScheduleIsCountedFromItsBegin)
{
    const std::string ramp = "enforce: {max-age: {ramp: [{for: 1h, value: 60}, {for: 1h, value: 600}, {value: 1d}]}}";
    take(ramp, kNow);
    EXPECT_EQ(schedule(emissions), "0 60, 3600 600, 7200 86400");
    take(ramp, kNow + 100);
    EXPECT_EQ(schedule(emissions), "100 60, 3600 600, 7200 86400");
    take(ramp, kNow + 3600);
    EXPECT_EQ(schedule(emissions), "3600 600, 7200 86400") << "to the second";
    take(ramp, kNow + 7199);
    EXPECT_EQ(schedule(emissions), "7199 600, 7200 86400");
    take(ramp, kNow + 9000);
    EXPECT_EQ(schedule(emissions), "9000 86400");
    take(report, kNow + 9100);
    take(ramp, kNow + 9200);
    EXPECT_EQ(schedule(emissions), "9200 86400") << "it began long ago, whatever was in between";
}

TEST_F(HistoryTest, ReportOnlyDoesNotBeginARamp)
{
    take(report, kNow);
    take("enforce: {max-age: {ramp: [{for: 1h, value: 60}, {value: 1d}]}}", kNow + 5000);
    EXPECT_EQ(schedule(emissions), "5000 60, 8600 86400");
}

TEST_F(HistoryTest, WithoutARampThereIsOneValue)
{
    take("enforce: {max-age: 1d}", kNow);
    EXPECT_EQ(schedule(emissions), "0 86400");
    take("enforce: {max-age: {ramp: [{value: 2d}]}}", kNow);
    EXPECT_EQ(schedule(emissions), "0 172800");
}

TEST_F(HistoryTest, ServersWhoseRampsBeganAtDifferentTimesSendDifferentHeaders)
{
    const std::string ramp = "enforce: {max-age: {ramp: [{for: 1h, value: 60}, {value: 1d}]}}";
    take(ramp, kNow);
    World world;
    PolicyText policy = good_policy();
    policy.modes = {ramp};
    world.policies({policy});
    world.pinned(12, {"www.example.com"}, {first});
    world.pinned(20, {"new.example.com"}, {first});
    world.pinned(28, {"www.example.com", "newer.example.com"}, {first}, "www", 8443);
    const Emissions all = world.judge(load_options(file.path, kNow + 4000)).emissions;
    ASSERT_EQ(all.servers.size(), 3U);
    EXPECT_EQ(all.headers[*all.servers[0].enforce].values.front().text.substr(0, 14), "max-age=86400;");
    EXPECT_EQ(all.headers[*all.servers[1].enforce].values.front().text.substr(0, 11), "max-age=60;");
    EXPECT_EQ(all.headers[*all.servers[2].enforce].values.front().text.substr(0, 11), "max-age=60;")
        << "the clients of its newest host get the lower value";
    EXPECT_EQ(all.headers.size(), 2U);
}

TEST_F(HistoryTest, ANameThatIsAnotherServersDoesNotBeginARampAnew)
{
    World world;
    PolicyText policy = good_policy();
    policy.modes = {"enforce: {max-age: {ramp: [{for: 1h, value: 60}, {value: 1d}]}}"};
    world.policies({policy});
    world.server(12, {"www.example.com", "*.example.com"}, {first});
    world.pinned(20, {"example.com", "www.example.com", "*.example.com"}, {first});
    for (const std::int64_t after : {0, 4000}) {
        const LoadResult result = file.load(world, load_options(file.path, kNow + after));
        ASSERT_FALSE(result.refused) << ids(result.findings);
        EXPECT_EQ(schedule(result.emissions, 1), after == 0 ? "0 60, 3600 86400" : "4000 86400")
            << "nginx ignores its other names: they have no client there";
    }
}

}  // namespace
