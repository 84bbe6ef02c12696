// The ledger under clocks that are wrong.
#include "test_ledger.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using namespace hpkp;
using namespace hpkp::test;

const HostPattern kWww = host("www.example.com");

struct LedgerClock : LedgerLoads {};

TEST_F(LedgerClock, TimesAreTheLaterOfTheClockAndTheLedger)
{
    file.take({sending(kWww, enforced(60))}, 1000);
    file.take({sending(kWww, enforced(61))}, 900);
    EXPECT_EQ(file.entries(), "www.example.com www 1000-, www.example.com www 1000-1000");
    EXPECT_EQ(newest(), 1000);
    file.with([](Ledger& ledger) { ledger.close_all(load_at(950)); });
    EXPECT_EQ(file.entries(), "www.example.com www 1000-1000, www.example.com www 1000-1000");
}

TEST_F(LedgerClock, ByAClockThatIsBehindNothingEnds)
{
    file.take({sending(kWww, enforced(60))}, 1000);
    file.take({sending(kWww, enforced(61))}, 699);
    file.with([](Ledger& ledger) { ledger.close_all(load_at(699)); });
    EXPECT_EQ(file.entries(), "www.example.com www 1000-, www.example.com www 1000-");
    file.take({sending(kWww, enforced(61))}, 2000);
    EXPECT_EQ(file.entries(), "www.example.com www 1000-, www.example.com www 1000-2000") << "it is right again";
}

TEST_F(LedgerClock, WhatIsJudgedByWhenTheClockIsBehind)
{
    const auto judged_at = [&](std::int64_t clock) {
        return file.with([&](Ledger& ledger) { return ledger.judged_at(clock, false); });
    };
    EXPECT_EQ(judged_at(5), 5);
    file.take({sending(kWww, enforced(60))}, 1000);
    file.take({}, 2000);
    EXPECT_EQ(judged_at(3000), 3000);
    EXPECT_EQ(judged_at(1500), 1500) << "a load may have come by a clock that was ahead";
    EXPECT_EQ(judged_at(1000), 1000) << "in the second of the first load, too";
    EXPECT_EQ(judged_at(999), 2000) << "a clock that is not set yet";
}

// Workers step a ramp by their clock; the next load tells how far that has been.
TEST_F(LedgerClock, WhatAWorkerSentByAClockThatWasAheadCounts)
{
    const SentPolicy ramp = ramped({{1000, 60}, {2000, 3600}, {0, 86400}});
    const auto tell = [&](std::int64_t reached, const std::string& instance = "/nginx.conf") {
        LedgerLoad load = load_at(200, instance);
        load.reached = reached;
        file.with([&](Ledger& ledger) { ledger.note_reached(load); });
    };
    file.take({sending(kWww, ramp)}, 100);
    EXPECT_EQ(file.only_entry().held_until(200), 200 + 300 + 60);
    tell(0);
    tell(99999, "/other.conf");
    EXPECT_EQ(file.only_entry().held_until(200), 200 + 300 + 60) << "another nginx";
    tell(1100);
    EXPECT_EQ(file.only_entry().held_until(200), 200 + 300 + 3600);
    tell(1099);
    EXPECT_EQ(file.only_entry().held_until(200), 200 + 300 + 3600) << "it has been further";
    file.take({sending(kWww, ramp)}, 250);
    EXPECT_EQ(file.only_entry().held_until(300), 300 + 300 + 3600) << "through a load";

    Ledger other(dir.path() + "/other", Database::Access::create);
    other.begin(true);
    for (const std::string& line : file.exported()) {
        EXPECT_TRUE(other.import_line(line, true, 400, "here")) << line;
    }
    other.for_each([](const Entry& entry) { EXPECT_EQ(entry.held_until(300), 300 + 300 + 3600) << "imported"; });

    file.take({}, 300);
    EXPECT_EQ(file.only_entry().held_until(0), 300 + 300 + 3600) << "and when it has ended";
    tell(99999);
    EXPECT_EQ(file.only_entry().held_until(0), 300 + 300 + 3600) << "what has ended is sent by no worker";
    file.with([&](Ledger& ledger) { EXPECT_EQ(ledger.history(kWww).front().last_max_age, 3600); });
}

TEST_F(LedgerClock, HowFarWorkersWereIsOfTheirNginx)
{
    const SentPolicy ramp = ramped({{1000, 60}, {0, 86400}});
    file.take({sending(kWww, ramp)}, 100);
    file.take({sending(host("other.example.com"), ramp)}, 100, "/other.conf");
    LedgerLoad load = load_at(200);
    load.reached = 5000;
    file.with([&](Ledger& ledger) {
        ledger.note_reached(load);
        ledger.for_each([](const Entry& entry) {
            EXPECT_EQ(entry.reached, entry.host.text == "www.example.com" ? 5000 : 100) << entry.host.text;
        });
    });
}

TEST_F(LedgerClock, WhatIsKnownOfAMomentIsHowFarWorkersWereBeforeIt)
{
    const SentPolicy ramp = ramped({{1000, 60}, {0, 86400}});
    file.take({sending(kWww, ramp)}, 100);
    file.with([&](Ledger& ledger) {
        const auto reached = [&] {
            return ledger.around(kWww, 200).front()->reached;
        };
        EXPECT_EQ(reached(), 100);
        LedgerLoad load = load_at(200);
        load.reached = 3000;
        ledger.note_reached(load);
        EXPECT_EQ(reached(), 3000);
        load.now = 5000;
        ledger.record({sending(kWww, ramp)}, {}, load);
        EXPECT_EQ(reached(), 3000) << "nginx has not taken it yet";
        ledger.settle(load);
        EXPECT_EQ(reached(), 5000);
    });
}

// What README says to do then: export, import --own --clamp.
TEST_F(LedgerClock, TheMendOfALedgerKnowsWhatARampSentByTheClockThatWasAhead)
{
    const SentPolicy ramp = ramped({{kDay, 300}, {0, 30 * kDay}});
    for (const bool ends : {false, true}) {
        LedgerFile wrong(dir / (ends ? "ends" : "opens")), mended(dir / (ends ? "mended ends" : "mended opens"));
        wrong.take({sending(kWww, ramp)}, kNow);
        wrong.take(ends ? std::vector<Sending>() : std::vector{sending(kWww, ramp)}, kNow + 10 * kDay);
        for (const std::string& line : wrong.exported()) {
            mended.with([&](Ledger& ledger) { EXPECT_TRUE(ledger.import_line(line, true, kNow + 3600, "here")); });
        }
        mended.with([&](Ledger& ledger) { ledger.close_all(load_at(kNow + 7200)); });
        EXPECT_GE(mended.only_entry().held_until(kNow + 7200), kNow + 3600 + 30 * kDay) << ends;
    }
}

TEST_F(LedgerClock, CloseSaysWhereTheClockIsBehind)
{
    file.take({sending(kWww, enforced(60))}, 1000);
    EXPECT_FALSE(file.with([](Ledger& ledger) { return ledger.close_all(load_at(699)); }));
    EXPECT_TRUE(file.with([](Ledger& ledger) { return ledger.close_all(load_at(1000)); }));
}

TEST_F(LedgerClock, WhatStoppedByAClockThatIsBehindEndsOnceItIsRight)
{
    const auto end_stopped = [&](std::int64_t now, const std::string& instance = "/nginx.conf", bool may_close = true) {
        LedgerLoad load = load_at(now, instance);
        load.may_close = may_close;
        return file.with([&](Ledger& ledger) { return ledger.end_stopped(load); });
    };
    const auto covered = [&] {
        return file.with(
            [&](Ledger& ledger) { return ledger.covers(sending(kWww, enforced(60)), "/nginx.conf", 1000); });
    };
    const auto stop = [&](LedgerLoad load) {
        load.now = 699;
        file.with([&](Ledger& ledger) { ledger.close(load); });
    };
    file.take({sending(host("other.test"), enforced(60))}, 1000, "/other.conf");
    stop(file.take({sending(kWww, enforced(60))}, 1000));
    EXPECT_EQ(file.entries(), "other.test www 1000-, www.example.com www 1000-") << "nobody knows when that was";
    EXPECT_FALSE(covered()) << "who sends it again has to say so";
    EXPECT_FALSE(end_stopped(699));
    EXPECT_FALSE(end_stopped(2000, "/other.conf")) << "which cannot know whether it runs again";
    EXPECT_FALSE(end_stopped(2000, "/nginx.conf", false)) << "an older master may";

    const LedgerLoad again = file.take({sending(kWww, enforced(60))}, 699);
    EXPECT_TRUE(covered());
    EXPECT_FALSE(end_stopped(2000)) << "it is sent again";
    EXPECT_EQ(file.entries(), "other.test www 1000-, www.example.com www 1000-") << "by the same entry";

    stop(again);
    EXPECT_TRUE(end_stopped(700)) << "five minutes are none";
    EXPECT_EQ(file.entries(), "other.test www 1000-, www.example.com www 1000-1000");
    EXPECT_FALSE(end_stopped(3000)) << "once";

    stop(file.take({sending(kWww, enforced(60))}, 3000));
    file.take({}, 2000);
    EXPECT_TRUE(end_stopped(5000));
    EXPECT_EQ(file.entries(), "other.test www 1000-, www.example.com www 1000-1000, www.example.com www 3000-5000");
}

TEST_F(LedgerClock, WhatStoppedAndCannotBeReadIsLeftToWhoMeetsIt)
{
    LedgerLoad load = file.take({sending(kWww, enforced(60)), sending(host("b.test"), enforced(70))}, 1000);
    load.now = 100;
    file.with([&](Ledger& ledger) { ledger.close(load); });
    file.execute("UPDATE policies SET content = '{}' WHERE content LIKE '%\"value\":60}%'");
    EXPECT_TRUE(file.with([&](Ledger& ledger) { return ledger.end_stopped(load_at(2000)); }));
    EXPECT_TRUE(file.with([&](Ledger& ledger) { return ledger.around(host("b.test"), 5000).empty(); }));
    EXPECT_THROW(around(kWww, 5000), LedgerError);
}

TEST_F(LedgerClock, AClosingNginxTellsHowFarItsWorkersWere)
{
    LedgerLoad load = file.take({sending(kWww, ramped({{1000, 60}, {0, 86400}}))}, 100);
    load.now = 200;
    load.reached = 5000;
    file.with([&](Ledger& ledger) { ledger.close(load); });
    EXPECT_EQ(file.only_entry().held_until(0), 200 + 300 + 86400);
}

TEST_F(LedgerClock, ALoadByAClockThatIsAheadSendsWhatIsInForceThen)
{
    const SentPolicy ramp = ramped({{1000, 60}, {0, 86400}});
    file.take({sending(kWww, ramp)}, 100);
    file.take({sending(kWww, ramp)}, 5000);
    EXPECT_EQ(file.only_entry().held_until(200), 200 + 300 + 86400) << "the clock is back";
}

TEST_F(LedgerClock, ALoadThatFailsByAClockThatIsAheadRaisesNoRamp)
{
    const SentPolicy ramp = ramped({{1000, 60}, {0, 86400}});
    file.take({sending(kWww, ramp)}, 100);
    const LedgerLoad fails = load_at(5000);
    record({sending(kWww, ramp)}, fails);
    withdraw(fails);
    EXPECT_EQ(file.only_entry().held_until(200), 200 + 300 + 60);
    settle(fails);
    EXPECT_EQ(file.only_entry().held_until(200), 200 + 300 + 60) << "a load that the ledger does not know";
}

TEST_F(LedgerClock, WhatALoadRaisesAreTheRampsOfItsNginx)
{
    const SentPolicy ramp = ramped({{1000, 60}, {0, 86400}});
    const HostPattern second = host("second.example.com"), plain = host("plain.example.com");
    file.take({sending(host("other.example.com"), ramp)}, 100, "/other.conf");
    file.take({sending(host("past.example.com"), ramp)}, 50);
    file.take({sending(kWww, ramp), sending(plain, enforced(60)), sending(host("ends.example.com"), ramp)}, 100);
    const LedgerLoad ahead = load_at(5000);
    record({sending(kWww, ramp), sending(second, ramp), sending(plain, enforced(60))}, ahead);
    record({sending(kWww, ramp), sending(second, ramp), sending(plain, enforced(60))}, load_at(5001));
    settle(ahead);  // another load is on its way, which is to end what this one would have ended
    std::string reached;
    file.with([&](Ledger& ledger) {
        ledger.for_each([&](const Entry& entry) {
            reached += entry.host.text + " " + std::to_string(entry.reached) + (entry.open ? " " : "- ");
        });
    });
    EXPECT_EQ(reached, "ends.example.com 5000 other.example.com 100 past.example.com 100- plain.example.com 0 "
                       "second.example.com 5000 www.example.com 5000 ");
}

// As README has a ledger mended that was written by such a clock.
TEST_F(LedgerClock, WhatALoadOpensOrEndsByAClockThatIsAheadIsKnownAfterTheMend)
{
    const SentPolicy ramp = ramped({{1000, 60}, {0, 86400}});
    file.take({sending(kWww, ramp)}, 100);
    file.take({}, 5000);
    file.take({sending(kWww, ramp)}, 5100);
    LedgerFile mended(dir / "mended");
    for (const std::string& line : file.exported()) {
        mended.with([&](Ledger& ledger) { EXPECT_TRUE(ledger.import_line(line, true, 200, "here")) << line; });
    }
    int entries = 0;
    mended.with([&](Ledger& ledger) {
        ledger.for_each([&](const Entry& entry) {
            entries++;
            EXPECT_EQ(entry.held_until(200), 200 + 300 + 86400) << entry.open;
        });
    });
    EXPECT_EQ(entries, 2);
}

TEST_F(LedgerClock, AClockThatJumpsAheadOnceRemovesNothing)
{
    file.take({sending(kWww, enforced(30 * kDay))}, 100);
    file.take({}, 200);
    file.take({sending(host("new.example.com"), enforced(60))}, 200 + 5000 * kDay);
    EXPECT_NE(file.entries().find("www.example.com www 100-200"), std::string::npos) << file.entries();
}

TEST_F(LedgerClock, AClockFarAheadForOneLoadRemovesNothingThatIsHeld)
{
    // The second load comes by the right clock again: neither of the two times alone tells which one was wrong.
    file.take({sending(kWww, enforced(400 * kDay))}, 100);
    file.take({}, 200);
    file.take({sending(host("new.example.com"), enforced(60))}, 200 + 1000 * kDay);
    file.take({sending(host("new.example.com"), enforced(61))}, 300);
    EXPECT_NE(file.entries().find("www.example.com www 100-200"), std::string::npos) << file.entries();
    file.take({sending(host("new.example.com"), enforced(62))}, 200 + 30 * kDay);
    EXPECT_NE(file.entries().find("www.example.com www 100-200"), std::string::npos) << file.entries();
}

TEST_F(LedgerClock, AClockFarAheadForTwoLoadsRemovesNothingThatIsHeld)
{
    file.take({sending(kWww, enforced(400 * kDay))}, 100);
    file.take({}, 200);
    file.take({sending(host("new.example.com"), enforced(60))}, 200 + 1000 * kDay);
    file.take({sending(host("new.example.com"), enforced(61))}, 300 + 1000 * kDay);
    EXPECT_NE(file.entries().find("www.example.com www 100-200"), std::string::npos) << file.entries();
}

TEST_F(LedgerClock, WhatIsSentWhileTheClockIsBehindTheLedgerIsHeldFromWhenItEnded)
{
    // Sent from day 0 to day 20. Then a reboot, and the clock is not set yet when the load ends the entry.
    const std::int64_t day_0 = 1000 * kDay;
    file.take({sending(kWww, enforced(30 * kDay))}, day_0);
    file.take({sending(kWww, enforced(31 * kDay))}, 3600);
    file.take({sending(kWww, enforced(31 * kDay))}, day_0 + 20 * kDay);
    // A client that came on day 19 holds it until day 49.
    bool held = false;
    for (const Entry& entry : around(kWww, day_0 + 40 * kDay)) {
        held = held || entry.policy->max_age.highest() == 30 * kDay;
    }
    EXPECT_TRUE(held) << file.entries();
}

TEST_F(LedgerClock, AVouchIsNotOfTheTimeOfAClockThatWasAhead)
{
    file.take({sending(kWww, enforced(30 * kDay))}, 100 * kDay);
    file.take({sending(kWww, enforced(30 * kDay)), sending(host("b.example.com"), enforced(60))}, 500 * kDay);
    const std::string id = id_of("www.example.com");
    file.with([&](Ledger& ledger) { ledger.forget(id, "root", "x", 101 * kDay); });
    EXPECT_EQ(around(kWww, 101 * kDay).size(), 0U);
    EXPECT_EQ(around(kWww, 120 * kDay).size(), 1U) << "it was sent for 19 days more: he vouched for an hour";
}

TEST_F(LedgerClock, AVouchFromTheFutureLiftsNothingThatIsSentUntilThen)
{
    file.take({sending(kWww, enforced(30 * kDay))}, 100 * kDay);
    const std::string id = file.only_entry().id;
    file.with([&](Ledger& ledger) {
        ledger.import_line("{\"version\":1,\"type\":\"forgotten\",\"entry\":\"" + id
                               + "\",\"at\":400000000,\"who\":\"x\",\"reason\":\"y\"}",
                           false, std::numeric_limits<std::int64_t>::max(), "here");
    });
    EXPECT_EQ(around(kWww, 120 * kDay).size(), 1U);
}

TEST_F(LedgerClock, AMachinesFirstTimeIn1970DoesNotKeepItDownAtBoot)
{
    // The first boot had no time yet. Years later a boot has none again, as a certificate shows that is not valid then.
    const std::int64_t day = 20000 * kDay;
    file.take({sending(kWww, enforced(kDay))}, 60);
    file.take({sending(kWww, enforced(2 * kDay))}, day);
    file.take({}, day + 20 * kDay);
    file.take({sending(kWww, enforced(60))}, day + 100 * kDay);
    const std::int64_t at = file.with([&](Ledger& ledger) { return ledger.judged_at(120, true); });
    EXPECT_EQ(at, day + 100 * kDay);
    EXPECT_EQ(around(kWww, at).size(), 1U) << "what is open, and nothing that all have forgotten";
    EXPECT_GE(file.with([&](Ledger& ledger) { return ledger.judged_at(120, false); }), day)
        << "what the ledger has known for a month is believed";
}

TEST_F(LedgerClock, ARampThatBeginsWithNothingIsHeldWhereTheClockIsBehind)
{
    file.take({sending(kWww, ramped({{3600, 0}, {0, 30 * kDay}}))}, 1000 * kDay);
    const std::int64_t at = file.with([](Ledger& ledger) { return ledger.judged_at(60, true); });
    ASSERT_EQ(around(kWww, at).size(), 1U);
    EXPECT_GT(around(kWww, at).front().held_until(at), at) << "it may have climbed since";
}

}  // namespace
