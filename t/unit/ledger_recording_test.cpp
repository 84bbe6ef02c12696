// ledger/recording.cpp where several loads are under way at once: each writes, ends and withdraws its own and no more.
#include "test_ledger.hpp"

#include <gtest/gtest.h>

#include <tuple>

using namespace hpkp;
using namespace hpkp::test;

namespace {

const HostPattern kWww = host("www.example.com");
const HostPattern kOther = host("other.example.com");

struct LedgerRecording : LedgerLoads {
    std::vector<History> history_of(const HostPattern& host)
    {
        return file.with([&](Ledger& ledger) { return ledger.history(host); });
    }
    int policies() { return file.execute("SELECT count(*) FROM policies"); }
    std::size_t keys_of(const HostPattern& host)
    {
        return file.with([&](Ledger& ledger) { return ledger.keys(host).size(); });
    }
};

TEST_F(LedgerRecording, ALoadThatFailsTakesBackItsOwnAlone)
{
    file.take({sending(kWww, enforced(60))}, 100, "/a.conf");
    file.take({sending(kOther, enforced(60))}, 100, "/b.conf");
    const LedgerLoad a = load_at(500, "/a.conf");
    const LedgerLoad b = load_at(500, "/b.conf");
    record({}, a);
    record({}, b);
    withdraw(a);
    settle(a);
    EXPECT_EQ(file.entries(), "other.example.com www 100-, www.example.com www 100-");
    settle(b);
    EXPECT_EQ(file.entries(), "other.example.com www 100-500, www.example.com www 100-");
}

TEST_F(LedgerRecording, TheLastLoadOfEachNginxIsItsOwn)
{
    const LedgerLoad b = file.take({sending(kOther, enforced(60))}, 100, "/b.conf");
    const LedgerLoad a = file.take({sending(kWww, enforced(60))}, 200, "/a.conf");
    const LedgerLoad failed = load_at(300, "/a.conf");
    record({sending(kWww, enforced(61))}, failed);
    withdraw(failed);
    file.with([&](Ledger& ledger) {
        LedgerLoad end = b;
        end.now = 400;
        ledger.close(end);
    });
    EXPECT_EQ(file.entries(), "other.example.com www 100-400, www.example.com www 200-");
    EXPECT_EQ(newest(), 400);
    file.with([&](Ledger& ledger) {
        LedgerLoad end = a;
        end.now = 500;
        ledger.close(end);
    });
    EXPECT_EQ(file.entries(), "other.example.com www 100-400, www.example.com www 200-500");
}

TEST_F(LedgerRecording, WhatALaterLoadSendsTooStays)
{
    const LedgerLoad first = load_at(100);
    record({sending(kWww, enforced(60)), sending(kOther, enforced(60))}, first);
    SentPolicy renamed = enforced(60);
    renamed.name = "renamed";
    const LedgerLoad second = load_at(200);
    record({sending(kWww, enforced(60)), sending(kWww, renamed)}, second);
    record({sending(kWww, enforced(60))}, load_at(300));
    withdraw(first);
    EXPECT_EQ(file.entries(), "www.example.com renamed 200-, www.example.com www 100-");
    EXPECT_TRUE(history_of(kOther).empty());
    withdraw(second);
    EXPECT_EQ(file.entries(), "www.example.com www 100-");
    ASSERT_EQ(history().size(), 1U);
    EXPECT_EQ(history().front().name, "www");
}

TEST_F(LedgerRecording, WhatALaterLoadSendsAgainDoesNotEnd)
{
    file.take({sending(kWww, enforced(60))}, 100);
    file.take({sending(kWww, enforced(60))}, 150);
    const LedgerLoad without = load_at(200);
    record({}, without);
    EXPECT_EQ(newest(), 200);
    record({sending(kWww, enforced(60))}, load_at(300));
    settle(without);
    EXPECT_EQ(file.entries(), "www.example.com www 100-");
}

TEST_F(LedgerRecording, WhatHasEndedBeginsAnew)
{
    file.take({sending(kWww, enforced(60))}, 100);
    file.take({}, 200);
    file.take({sending(kWww, enforced(60))}, 300);
    EXPECT_EQ(file.entries(), "www.example.com www 100-200, www.example.com www 300-");
}

TEST_F(LedgerRecording, OtherExceptionsAreAnotherEntry)
{
    const HostPattern wildcard = host("*.example.com");
    file.take({sending(wildcard, enforced(60), {"a.example.com"})}, 100);
    file.take({sending(wildcard, enforced(60))}, 200);
    EXPECT_EQ(file.entries(), "*.example.com www 100-200, *.example.com www 200-");
}

TEST_F(LedgerRecording, AWordForOneEntryIsNoneForAnother)
{
    file.take({sending(kWww, enforced(60)), sending(kOther, enforced(60))}, 100);
    const std::string id = id_of("other.example.com");
    file.with([&](Ledger& ledger) { ledger.forget(id, "root", "x", 150); });
    file.take({sending(kWww, enforced(60)), sending(kOther, enforced(60))}, 200);
    EXPECT_EQ(file.entries(), "other.example.com www 100-200, other.example.com www 200-, www.example.com www 100-");
}

TEST_F(LedgerRecording, HistoryHasWhatWasTakenLast)
{
    file.take({sending(kWww, enforced(60))}, 100);
    record({sending(kWww, enforced(7))}, load_at(200));
    file.take({sending(kOther, enforced(60))}, 300, "/b.conf");
    EXPECT_EQ(history().front().last_max_age, 60) << "nginx has not taken the other one";
    file.take({sending(kWww, enforced(3600))}, 400);
    EXPECT_EQ(history().front().last_max_age, 3600);
    EXPECT_EQ(history().front().last_sent, 400);
}

TEST_F(LedgerRecording, ALoadThatIsTakenLateTellsNothingNewer)
{
    file.take({sending(kWww, enforced(60))}, 100, "/b.conf");
    const LedgerLoad late = load_at(200, "/a.conf");
    record({sending(kWww, enforced(3600))}, late);
    file.take({}, 300, "/b.conf");
    settle(late);
    EXPECT_EQ(history().front().last_sent, 300);
    EXPECT_EQ(history().front().last_max_age, 60);
}

TEST_F(LedgerRecording, ARampThatEndsBeforeItCountsIsHeldByNobody)
{
    file.take({sending(kWww, ramped({{kDay, 0}, {0, 60}}))}, 100);
    EXPECT_EQ(around(kWww, 150).size(), 1U);
    file.take({}, 200);
    EXPECT_EQ(around(kWww, 200).size(), 0U);
}

TEST_F(LedgerRecording, AnEarlierBeginIsOfItsHostAlone)
{
    const SentPolicy ramp = ramped({{3600, 60}, {0, 86400}});
    file.take({sending(kOther, ramp), sending(kWww, ramp)}, 1000);
    file.execute("UPDATE history SET first_sent = 500 WHERE host = 'com.example.other.'");
    file.take({sending(kOther, ramp), sending(kWww, ramp)}, 2000);
    EXPECT_EQ(around(kOther, 2000).front().anchor, 500);
    EXPECT_EQ(around(kWww, 2000).front().anchor, 1000);
}

TEST_F(LedgerRecording, ABeginIsNeverLaterThanItWas)
{
    const SentPolicy ramp = ramped({{3600, 60}, {0, 86400}});
    file.take({sending(kWww, ramp)}, 1000);
    file.execute("DELETE FROM history");
    file.take({sending(kWww, ramp)}, 2000);
    EXPECT_EQ(around(kWww, 2000).front().anchor, 1000);
}

TEST_F(LedgerRecording, EndedByHandIsWhatThatMachineHadOpen)
{
    const std::string web = "web/01234567: /nginx.conf", mail = "mail/89abcdef: /nginx.conf";
    file.take({sending(kWww, enforced(60))}, 100, web);
    file.take({sending(kOther, enforced(60))}, 200, web);
    file.take({sending(kWww, enforced(60))}, 200, mail);
    file.with([&](Ledger& ledger) { EXPECT_TRUE(ledger.close_all(load_at(300, web))); });
    std::vector<std::string> by_hand;
    for (const std::string& line : file.exported()) {
        if (line.find("\"by-hand\":true") != std::string::npos) {
            by_hand.push_back(line);
        }
    }
    ASSERT_EQ(by_hand.size(), 1U);
    EXPECT_NE(by_hand.front().find("other.example.com"), std::string::npos) << by_hand.front();
}

TEST_F(LedgerRecording, AKeyIsKnownForItsHost)
{
    const Pin key = pki().www_key.pin();
    file.take({sending(kWww, enforced(60))}, 100, "/nginx.conf", {{kWww, {key}}});
    file.take({sending(kWww, enforced(60))}, 200, "/nginx.conf", {{kWww, {key}}, {kOther, {key}}});
    EXPECT_EQ(keys_of(kWww), 1U);
    EXPECT_EQ(keys_of(kOther), 1U);
    EXPECT_EQ(newest(), 200) << "a new key is news";
    file.take({sending(kWww, enforced(60))}, 300, "/nginx.conf", {{kWww, {key}}});
    EXPECT_EQ(newest(), 200);
    file.take({sending(kWww, enforced(61))}, 400, "/nginx.conf", {{kWww, {key}}});
    EXPECT_EQ(newest(), 400);
}

TEST_F(LedgerRecording, AnNginxThatSendsNoMoreHasNothingToWrite)
{
    file.take({sending(kWww, enforced(60))}, 100);
    file.take({}, 200);
    EXPECT_FALSE(file.with([](Ledger& ledger) { return ledger.record({}, {}, load_at(300)); }));
}

TEST_F(LedgerRecording, WhatHasEndedIsNoNews)
{
    file.take({sending(kWww, enforced(60)), sending(kOther, enforced(60))}, 100);
    file.take({sending(kOther, enforced(60))}, 200);
    file.take({sending(kOther, enforced(60))}, 300);
    EXPECT_EQ(newest(), 200);
}

TEST_F(LedgerRecording, ANewEntryIsNewsWhoeverHasShownItsKey)
{
    const Pin key = pki().www_key.pin();
    record({sending(kOther, enforced(60))}, load_at(100, "/a.conf"), {{kOther, {key}}});
    file.take({sending(kOther, enforced(60))}, 200, "/b.conf", {{kOther, {key}}});
    EXPECT_EQ(newest(), 200);
}

TEST_F(LedgerRecording, APolicyGoesWithItsLastEntry)
{
    file.take({sending(kWww, enforced(60))}, 100);
    file.take({sending(kWww, enforced(61))}, 200);
    file.take({}, 300);
    EXPECT_EQ(policies(), 2);
    const std::int64_t over = 300 + 61 + 300 + 365 * kDay;
    for (const int month : {0, 1, 2}) {
        file.take({sending(kOther, enforced(3600 + month))}, over + 30 * month * kDay);
    }
    EXPECT_EQ(policies(), 3) << "what the other host was sent";
}

TEST_F(LedgerRecording, AnEntryIsRemovedAYearAfterItsLastClientToTheSecond)
{
    // What counts is the mark before the last one, and marks are thirty days apart.
    const std::int64_t over = 200 + 60 + 300 + 365 * kDay;
    for (const auto& [mark, step, removed] :
         {std::tuple(over, 30 * kDay, true), {over - 1, 30 * kDay, false}, {over, 30 * kDay - 1, false}}) {
        file.path = dir / (std::to_string(mark) + " " + std::to_string(step));
        file.take({sending(kWww, enforced(60))}, 100);
        file.take({}, 200);
        for (const int load : {0, 1, 2}) {
            EXPECT_NE(file.entries().find("www.example.com www 100-200"), std::string::npos) << load;
            file.take({sending(kOther, enforced(3600 + load))}, mark + step * load);
        }
        EXPECT_EQ(file.entries().find("www.example.com www 100-200") == std::string::npos, removed) << file.path;
    }
}

TEST_F(LedgerRecording, BeforeNginxTakesALoadItsRampIsAtItsBegin)
{
    record({sending(kWww, ramped({{3600, 60}, {0, 86400}}))}, load_at(10000));
    ASSERT_EQ(history().size(), 1U);
    EXPECT_EQ(history().front().last_max_age, 60);
}

TEST_F(LedgerRecording, ALoadThatIsTakenLateTellsNothingOfWhatHasEnded)
{
    const LedgerLoad late = load_at(200);
    record({sending(kWww, enforced(60))}, late);
    file.take({sending(kWww, enforced(3600))}, 200);
    EXPECT_EQ(file.entries(), "www.example.com www 200-, www.example.com www 200-200");
    settle(late);
    EXPECT_EQ(history().front().last_max_age, 3600) << "which is what is sent";
}

}  // namespace
