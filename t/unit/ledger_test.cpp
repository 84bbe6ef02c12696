// ledger/ledger.hpp: what is recorded of loads, and what ends, is withdrawn, closed, forgotten and removed.
#include "test_ledger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

using namespace hpkp;
using namespace hpkp::test;

namespace {

const HostPattern kWww = host("www.example.com");

struct LedgerTest : testing::Test {
    std::vector<Entry> around(const HostPattern& host, std::int64_t now)
    {
        std::vector<Entry> found;
        file.with([&](Ledger& ledger) {
            for (const auto& entry : ledger.around(host, now)) {
                found.push_back(*entry);
            }
        });
        return found;
    }
    std::int64_t newest()
    {
        return file.with([](Ledger& ledger) { return ledger.newest(); });
    }
    std::vector<History> history(const HostPattern& host = kWww)
    {
        return file.with([&](Ledger& ledger) { return ledger.history(host); });
    }
    bool record(const std::vector<Sending>& sent, const LedgerLoad& load, const std::vector<Showing>& shown = {})
    {
        return file.with([&](Ledger& ledger) { return ledger.record(sent, shown, load); });
    }
    void settle(const LedgerLoad& load)
    {
        file.with([&](Ledger& ledger) { ledger.settle(load); });
    }
    void withdraw(const LedgerLoad& load)
    {
        file.with([&](Ledger& ledger) { ledger.withdraw(load); });
    }
    bool covers(const Sending& sending, const std::string& instance = "/nginx.conf")
    {
        return file.with([&](Ledger& ledger) { return ledger.covers(sending, instance, ledger.newest()); });
    }

    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
};

TEST(LedgerId, EachOfItsPlacesHasEveryDigit)
{
    std::vector<std::set<char>> seen(16);
    for (int i = 0; i < 2000; i++) {
        const std::string id = new_ledger_id();
        ASSERT_EQ(id.size(), seen.size());
        for (std::size_t place = 0; place < id.size(); place++) {
            seen[place].insert(id[place]);
        }
    }
    for (const std::set<char>& digits : seen) {
        EXPECT_EQ(std::string(digits.begin(), digits.end()), "0123456789abcdef");
    }
}

TEST_F(LedgerTest, ALoadOpensWhatItSends)
{
    EXPECT_TRUE(
        record({sending(kWww, enforced(60)), sending(host("*.example.com"), enforced(60, true))}, load_at(100)));
    EXPECT_EQ(file.entries(), "*.example.com www 100-, www.example.com www 100-");
    EXPECT_EQ(newest(), 100);
    const Entry entry = around(kWww, 100).front();
    EXPECT_EQ(entry.id.size(), 16U);
    EXPECT_EQ(entry.instance, "/nginx.conf");
    EXPECT_EQ(entry.policy->to_text(), enforced(60).to_text());
}

TEST_F(LedgerTest, TheSameAgainIsTheSameEntry)
{
    file.take({sending(kWww, enforced(60))}, 100);
    const Entry before = file.only_entry();
    EXPECT_TRUE(record({sending(kWww, enforced(60))}, load_at(500)));
    EXPECT_EQ(file.only_entry().id, before.id);
    EXPECT_EQ(newest(), 100);
    EXPECT_FALSE(record({}, load_at(500, "/other.conf"))) << "it sends nothing, and never did";
    EXPECT_FALSE(file.with([](Ledger& ledger) { return ledger.has_instance("/other.conf"); }));
}

TEST_F(LedgerTest, WhatIsNoLongerSentEndsWhenNginxHasTakenTheLoad)
{
    file.take({sending(kWww, enforced(60))}, 100);
    const LedgerLoad load = load_at(500);
    EXPECT_TRUE(record({}, load));
    EXPECT_EQ(file.entries(), "www.example.com www 100-") << "it is sent until then";
    settle(load);
    EXPECT_EQ(file.entries(), "www.example.com www 100-500");
    EXPECT_EQ(newest(), 500);
}

TEST_F(LedgerTest, ALoadThatFailsLeavesNothing)
{
    file.take({sending(kWww, enforced(60))}, 100, "/nginx.conf", {{kWww, {pki().www_key.pin()}}});
    const std::string entries = file.entries();
    const LedgerLoad load = load_at(500);
    record({sending(host("new.example.com"), enforced(60)), sending(kWww, enforced(7))}, load,
           {{kWww, {pki().backup_1.pin()}}});
    withdraw(load);
    EXPECT_EQ(file.entries(), entries);
    EXPECT_TRUE(history(host("new.example.com")).empty());
    EXPECT_FALSE(file.with([](Ledger& ledger) { return ledger.key_changed(kWww); }));
    settle(load);
    EXPECT_EQ(file.entries(), entries) << "nor does it end anything later";
    const LedgerLoad next = file.take({}, 600);
    EXPECT_EQ(file.entries(), "www.example.com www 100-600");
}

TEST_F(LedgerTest, ALoadThatNobodyHeardOfAgainCountsAsSent)
{
    file.take({sending(kWww, enforced(60))}, 100);
    record({sending(host("new.example.com"), enforced(60))}, load_at(500));
    EXPECT_EQ(file.entries(), "new.example.com www 500-, www.example.com www 100-");
    EXPECT_EQ(around(kWww, 1000000).size(), 1U);
    file.take({}, 9000);
    EXPECT_EQ(file.entries(), "new.example.com www 500-9000, www.example.com www 100-9000");
}

TEST_F(LedgerTest, OnlyItsOwnNginxEndsAnEntry)
{
    file.take({sending(kWww, enforced(60))}, 100, "/a.conf");
    file.take({sending(kWww, enforced(60))}, 200, "/b.conf");
    file.take({}, 300, "/b.conf");
    EXPECT_EQ(file.entries(), "www.example.com www 100-, www.example.com www 200-300");
    file.with([](Ledger& ledger) { ledger.close_all(load_at(400, "/b.conf")); });
    EXPECT_EQ(file.entries(), "www.example.com www 100-, www.example.com www 200-300");
    file.with([](Ledger& ledger) { ledger.close_all(load_at(400, "/a.conf")); });
    EXPECT_EQ(file.entries(), "www.example.com www 100-400, www.example.com www 200-300");
    EXPECT_TRUE(file.with([](Ledger& ledger) { return ledger.has_instance("/a.conf"); }));
    EXPECT_FALSE(file.with([](Ledger& ledger) { return ledger.has_instance("/c.conf"); }));
}

TEST_F(LedgerTest, WhileAnOlderMasterMaySendNothingEnds)
{
    file.take({sending(kWww, enforced(60))}, 100);
    LedgerLoad upgrade = load_at(200);
    upgrade.may_close = false;
    record({sending(kWww, enforced(61))}, upgrade);
    settle(upgrade);
    EXPECT_EQ(file.entries(), "www.example.com www 100-, www.example.com www 200-");
    file.take({sending(kWww, enforced(61))}, 300);
    EXPECT_EQ(file.entries(), "www.example.com www 100-300, www.example.com www 200-");
}

TEST_F(LedgerTest, TheKeysOfAHostInTheOrderOfTheirTime)
{
    std::vector<Pin> pins = {pki().www_key.pin(), pki().backup_1.pin()};
    std::sort(pins.begin(), pins.end(), [](const Pin& a, const Pin& b) { return a.base64() > b.base64(); });
    file.take({}, 100, "/nginx.conf", {{kWww, {pins[0]}}});
    file.take({}, 200, "/nginx.conf", {{kWww, {pins[1]}}});
    const auto keys = file.with([](Ledger& ledger) { return ledger.keys(kWww); });
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_TRUE(keys[0] == std::pair(pins[0], std::int64_t{100})) << "not in that of their text";
    EXPECT_TRUE(keys[1] == std::pair(pins[1], std::int64_t{200}));
    EXPECT_TRUE(file.with([](Ledger& ledger) { return ledger.keys(host("other.example.com")); }).empty());
}

TEST_F(LedgerTest, Covers)
{
    SentPolicy policy = enforced(60, true);
    file.take({sending(kWww, policy), sending(host("*.example.com"), enforced(60), {"a.example.com", "b.example.com"})},
              100);
    EXPECT_TRUE(covers(sending(kWww, policy)));
    EXPECT_FALSE(covers(sending(kWww, policy), "/other.conf")) << "another's ends when that one says so";
    EXPECT_TRUE(covers(sending(kWww, enforced(60)))) << "a narrower scope";
    EXPECT_TRUE(covers(sending(kWww, enforced(59)))) << "a shorter time";
    EXPECT_FALSE(covers(sending(kWww, enforced(61, true))));
    EXPECT_FALSE(covers(sending(host("example.com"), policy)));
    EXPECT_FALSE(covers(sending(kWww, guarded(60))));
    SentPolicy other = policy;
    std::swap(other.pins.pins[0], other.pins.pins[1]);
    other.name = "renamed";
    EXPECT_TRUE(covers(sending(kWww, other))) << "clients see no name, and no order";
    other.pins.pins.push_back({pki().backup_3.pin(), "", false, false, {}});
    EXPECT_FALSE(covers(sending(kWww, other)));
    other = policy;
    other.clients.leaf = true;
    EXPECT_FALSE(covers(sending(kWww, other)));
    other = policy;
    other.stores = {{"a", "/b"}};
    EXPECT_FALSE(covers(sending(kWww, other)));
    const HostPattern wildcard = host("*.example.com");
    EXPECT_TRUE(covers(sending(wildcard, enforced(60), {"a.example.com", "b.example.com", "c.example.com"})));
    EXPECT_FALSE(covers(sending(wildcard, enforced(60), {"a.example.com"}))) << "b.example.com is new";
    file.take({}, 200);
    EXPECT_FALSE(covers(sending(kWww, policy))) << "it has ended";
}

TEST_F(LedgerTest, WhatIsHeldAroundAHost)
{
    for (const char* name : {"com", "example.com", "www.example.com", "*.example.com", "a.www.example.com",
                             "*.www.example.com", "other.example.com", "notexample.com"}) {
        file.take({sending(host(name), enforced(60))}, 100, std::string("/") + name);
    }
    file.take({sending(one_label("*.example.com"), enforced(60))}, 100, "/one");
    EXPECT_EQ(around(kWww, 100).size(), 6U) << "itself, what is above it, and the wildcards of both";
    EXPECT_EQ(around(host("*.www.example.com"), 100).size(), 7U) << "and what is below a wildcard";
    EXPECT_EQ(around(host("elsewhere.org"), 100).size(), 0U);
}

TEST_F(LedgerTest, HeldToTheSecond)
{
    file.take({sending(kWww, enforced(1000))}, 100);
    file.take({}, 200);
    EXPECT_EQ(around(kWww, 1499).size(), 1U);
    EXPECT_EQ(around(kWww, 1500).size(), 0U) << "200 + 1000 + 300";
    EXPECT_TRUE(file.with([](Ledger& ledger) { return ledger.any_held(1499); }));
    EXPECT_FALSE(file.with([](Ledger& ledger) { return ledger.any_held(1500); }));
}

TEST_F(LedgerTest, WhatIsKnownOfOneMomentIsNotThatOfAnother)
{
    file.take({sending(kWww, enforced(1000))}, 100);
    file.take({}, 200);
    file.with([](Ledger& ledger) {
        EXPECT_EQ(ledger.around(kWww, 1499).size(), 1U);
        EXPECT_EQ(ledger.around(kWww, 1500).size(), 0U);
        EXPECT_EQ(ledger.around(kWww, 1499).size(), 1U);
        ledger.record({sending(kWww, enforced(60))}, {}, load_at(1499));
        EXPECT_EQ(ledger.around(kWww, 1499).size(), 2U) << "nor what was before";
        ledger.for_each([&](const Entry& entry) { ledger.forget(entry.id, "root", "x", 1499); });
        EXPECT_EQ(ledger.around(kWww, 1499).size(), 0U);
    });
}

TEST_F(LedgerTest, HistoryOutlivesWhatIsHeld)
{
    file.take({sending(kWww, reported())}, 100);
    file.take({sending(kWww, enforced(60))}, 200);
    file.take({sending(kWww, enforced(3600))}, 300);
    file.take({}, 400);
    for (const std::int64_t month : {0, 1, 2, 3}) {
        file.take({sending(host("new.example.com"), enforced(60 + month))}, (1000 + 30 * month) * kDay);
    }
    EXPECT_EQ(file.entries().find("www.example.com www"), std::string::npos) << file.entries();
    EXPECT_NE(file.entries().find("new.example.com www"), std::string::npos);
    const std::vector<History> known = history();
    ASSERT_EQ(known.size(), 2U);
    EXPECT_FALSE(known[0].enforced);
    EXPECT_EQ(known[0].first_sent, 100);
    EXPECT_EQ(known[0].last_sent, 200);
    EXPECT_TRUE(known[1].enforced);
    EXPECT_EQ(known[1].first_sent, 200);
    EXPECT_EQ(known[1].last_sent, 400);
    EXPECT_EQ(known[1].last_max_age, 3600);
}

TEST_F(LedgerTest, AHeldEntryIsNotRemoved)
{
    file.take({sending(kWww, enforced(2000 * kDay))}, 100);
    file.take({}, 200);
    for (const std::int64_t max_age : {60, 61, 62}) {
        file.take({sending(host("new.example.com"), enforced(max_age))}, 200 + 1999 * kDay + max_age);
        EXPECT_EQ(around(kWww, 200 + 2000 * kDay).size(), 1U);
    }
}

TEST_F(LedgerTest, AnEntryIsKeptForAYearAfterItsLastClient)
{
    file.take({sending(kWww, enforced(60))}, 100);
    file.take({}, 200);
    const std::int64_t over = 200 + 60 + 300 + 365 * kDay;
    file.take({sending(host("new.example.com"), enforced(60))}, over - 1);
    file.take({sending(host("new.example.com"), enforced(61))}, over - 1);
    EXPECT_NE(file.entries().find("www.example.com www 100-200"), std::string::npos) << file.entries();
    for (const std::int64_t month : {1, 2, 3}) {
        file.take({sending(host("new.example.com"), enforced(61 + month))}, over + 30 * month * kDay);
    }
    EXPECT_EQ(file.entries().find("www.example.com www 100-200"), std::string::npos) << file.entries();
}

TEST_F(LedgerTest, ARampBeginsWhenItsNameWasFirstEnforced)
{
    const SentPolicy ramp = ramped({{3600, 60}, {0, 86400}});
    file.take({sending(kWww, reported())}, 100);
    file.take({sending(kWww, ramp)}, 1000);
    EXPECT_EQ(around(kWww, 1000).front().anchor, 1000);
    file.with([](Ledger& ledger) { ledger.close_all(load_at(2000)); });
    SentPolicy other_pins = ramp;
    other_pins.pins = pin_set({pki().www_key.pin(), pki().backup_3.pin()});
    file.take({sending(kWww, other_pins)}, 9000);
    for (const Entry& entry : around(kWww, 9000)) {
        EXPECT_EQ(entry.anchor, 1000) << "whatever its pins";
    }
    SentPolicy other_name = ramp;
    other_name.name = "other";
    file.take({sending(kWww, other_name), sending(host("new.example.com"), ramp)}, 10000);
    EXPECT_EQ(around(host("new.example.com"), 10000).front().anchor, 10000);
    for (const Entry& entry : around(kWww, 10000)) {
        EXPECT_EQ(entry.anchor, entry.policy->name == "other" ? 10000 : 1000);
    }
    EXPECT_EQ(history().back().last_max_age, 86400) << "the value of when it was last sent";
}

TEST_F(LedgerTest, AChangeOfKeyIsTwoKeysAtTwoTimes)
{
    const auto changed = [&] {
        return file.with([](Ledger& ledger) { return ledger.key_changed(kWww); });
    };
    file.take({}, 100, "/nginx.conf", {{kWww, {pki().www_key.pin(), pki().backup_1.pin()}}});
    EXPECT_FALSE(changed()) << "an RSA and an ECDSA certificate";
    file.take({}, 200, "/nginx.conf", {{kWww, {pki().www_key.pin()}}});
    EXPECT_FALSE(changed());
    file.take({}, 300, "/nginx.conf", {{host("other.example.com"), {pki().backup_2.pin()}}});
    EXPECT_FALSE(changed());
    file.take({}, 400, "/nginx.conf", {{kWww, {pki().backup_2.pin()}}});
    EXPECT_TRUE(changed());
}

TEST_F(LedgerTest, SomebodyVouches)
{
    file.take({sending(kWww, enforced(30 * kDay))}, 100);
    file.take({}, 200);
    const std::string id = file.only_entry().id;
    file.with([&](Ledger& ledger) {
        EXPECT_FALSE(ledger.forget("0000000000000000", "root", "no such entry", 300));
        EXPECT_EQ(ledger.vouched_for(id, 300), "");
        EXPECT_TRUE(ledger.forget(id, "root", "no client was there", 300));
        EXPECT_EQ(ledger.vouched_for(id, 300), "root: no client was there");
        EXPECT_TRUE(ledger.forget(id, "other", "again", 400));
        EXPECT_EQ(ledger.vouched_for(id, 400), "other: again");
    });
    EXPECT_EQ(around(kWww, 300).size(), 0U);
    EXPECT_EQ(file.entries(), "www.example.com www 100-200") << "it is still shown";
}

TEST_F(LedgerTest, WhoeverVouchesForAnOpenEntryVouchesForAnHour)
{
    file.take({sending(kWww, enforced(30 * kDay))}, 100);
    const std::string id = file.only_entry().id;
    file.with([&](Ledger& ledger) { ledger.forget(id, "root", "x", 1000); });
    EXPECT_EQ(around(kWww, 1000).size(), 0U);
    EXPECT_EQ(around(kWww, 1000 + 3601).size(), 1U) << "it may have been sent ever since";
    EXPECT_FALSE(covers(sending(kWww, enforced(30 * kDay))));
    file.take({sending(kWww, enforced(30 * kDay))}, 2000);
    EXPECT_EQ(file.entries(), "www.example.com www 100-2000, www.example.com www 2000-") << "a new one, held as any";
    EXPECT_EQ(around(kWww, 2000).size(), 1U);
}

TEST_F(LedgerTest, WhoeverVouchesAgainIsHeard)
{
    // The first word was good for an hour, and no load came. Then the entry is held again, and "forget" is what the
    // finding tells the operator to do.
    file.take({sending(kWww, enforced(30 * kDay))}, 100);
    const std::string id = file.only_entry().id;
    file.with([&](Ledger& ledger) { ledger.forget(id, "root", "x", 1000); });
    file.with([](Ledger& ledger) { ledger.close_all(load_at(9000)); });
    EXPECT_EQ(around(kWww, 9500).size(), 1U);
    EXPECT_TRUE(file.with([&](Ledger& ledger) { return ledger.forget(id, "root", "y", 10000); }));
    EXPECT_EQ(around(kWww, 10000).size(), 0U) << "it said that the entry is forgotten";
}

TEST_F(LedgerTest, ANameWithASpaceIsOneException)
{
    file.take({sending(host("*.example.com"), enforced(kDay), {"a b.example.com"})}, 100);
    const std::vector<Entry> found = around(host("b.example.com"), 100);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(found.front().reaches("b.example.com"));
}

TEST_F(LedgerTest, ARampCoversNoMoreThanItHasReached)
{
    const SentPolicy ramp = ramped({{10 * kDay, 300}, {0, 30 * kDay}});
    file.take({sending(kWww, ramp)}, 1000);
    EXPECT_TRUE(covers(sending(kWww, ramp)));
    EXPECT_TRUE(covers(sending(kWww, enforced(300))));
    EXPECT_FALSE(covers(sending(kWww, enforced(30 * kDay)))) << "that is sent at once, and the ramp is at 5 minutes";
    EXPECT_FALSE(covers(sending(kWww, ramped({{60, 300}, {0, 30 * kDay}})))) << "and that in a minute";
}

TEST_F(LedgerTest, ARampCoversNoneThatBeganEarlier)
{
    SentPolicy ramp = ramped({{10 * kDay, 300}, {0, 30 * kDay}});
    SentPolicy old = ramp;
    old.name = "old";
    file.take({sending(kWww, old)}, 1000);
    file.take({sending(kWww, ramp)}, 20 * kDay);
    EXPECT_FALSE(covers(sending(kWww, old))) << "that one has reached 30 days, this one is at 5 minutes";
}

}  // namespace
