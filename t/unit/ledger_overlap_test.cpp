// Loads of one nginx, or of two, that overlap.
#include "test_ledger.hpp"

#include <gtest/gtest.h>

namespace {

using namespace hpkp;
using namespace hpkp::test;

const HostPattern kWww = host("www.example.com");

struct LedgerOverlap : LedgerLoads {};

TEST_F(LedgerOverlap, AnNginxThatStillDrainsClosesNothingOfTheNext)
{
    const LedgerLoad first = load_at(100), second = load_at(200);
    record({sending(kWww, enforced(60))}, first);
    settle(first);
    record({sending(kWww, enforced(60))}, second);
    settle(second);
    file.with([&](Ledger& ledger) { ledger.close(first); });
    EXPECT_EQ(file.entries(), "www.example.com www 100-");
    LedgerLoad stops = second;
    stops.now = 300;
    file.with([&](Ledger& ledger) { ledger.close(stops); });
    EXPECT_EQ(file.entries(), "www.example.com www 100-300");
}

TEST_F(LedgerOverlap, AfterALoadThatFailedTheOneBeforeItIsTheLast)
{
    LedgerLoad first = load_at(100);
    const LedgerLoad fails = load_at(200);
    record({sending(kWww, enforced(60))}, first);
    settle(first);
    record({sending(kWww, enforced(60))}, fails);
    withdraw(fails);
    first.now = 300;
    file.with([&](Ledger& ledger) { ledger.close(first); });
    EXPECT_EQ(file.entries(), "www.example.com www 100-300");
}

TEST_F(LedgerOverlap, ALoadThatFailsTakesNothingFromAnotherNginx)
{
    const SentPolicy ramp = ramped({{3600, 60}, {0, 86400}});
    const std::vector<Showing> shown = {{kWww, {pki().www_key.pin()}}};
    const LedgerLoad fails = load_at(1000, "/a.conf");
    record({sending(kWww, ramp)}, fails, shown);
    file.take({sending(kWww, ramp)}, 1001, "/b.conf", shown);
    withdraw(fails);
    ASSERT_EQ(history().size(), 1U) << "b has enforced it: its ramp would begin anew with every load";
    EXPECT_LE(history().front().first_sent, 1001);
    file.take({sending(kWww, ramp)}, 2000, "/b.conf", {{kWww, {pki().backup_1.pin()}}});
    EXPECT_EQ(history().size(), 1U);
    EXPECT_TRUE(file.with([](Ledger& ledger) { return ledger.key_changed(kWww); })) << "b has shown both keys";
}

TEST_F(LedgerOverlap, ALoadThatFailsTakesNothingFromTheNextLoadOfTheSameNginx)
{
    // "nginx" by mistake while it runs: it tries its ports for seconds, and fails. Meanwhile a reload of the same file.
    const LedgerLoad fails = load_at(1000);
    record({sending(kWww, enforced(kDay))}, fails);
    file.take({sending(kWww, enforced(kDay))}, 1001);
    withdraw(fails);
    EXPECT_EQ(around(kWww, 2000).size(), 1U) << "the reload sends it";
    EXPECT_EQ(history().size(), 1U);
}

TEST_F(LedgerOverlap, NorDoesItEndWhatTheNextLoadSendsAgain)
{
    file.take({sending(kWww, enforced(kDay))}, 500);
    const LedgerLoad other = load_at(1000);
    record({}, other);
    file.take({sending(kWww, enforced(kDay))}, 1001);
    settle(other);
    EXPECT_EQ(around(kWww, 1000 + 40 * kDay).size(), 1U);
}

TEST_F(LedgerOverlap, WhatFailedAndWasOvertakenIsHeldByNobody)
{
    const LedgerLoad fails = load_at(1000);
    record({sending(kWww, enforced(kDay))}, fails);
    file.take({sending(host("b.example.com"), enforced(kDay))}, 1001);
    withdraw(fails);
    EXPECT_EQ(around(kWww, 2000).size(), 0U) << "nothing of it was ever sent";
}

}  // namespace
