// ledger/book.hpp: a ledger that cannot be used as it should. What else it does in a load: ledger_session_test.cpp.
#include "test_ledger.hpp"

#include "ledger/book.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <sqlite3.h>
#include <sys/stat.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct LedgerBook : testing::Test {
    LedgerBook()
    {
        world.policies({good_policy()});
        world.pinned(12, {"www.example.com"}, {pki().www_chain});
        without_policy.server(12, {"www.example.com"}, {pki().www_chain});
    }
    LoadOptions options(std::int64_t now = kNow, bool writes = true)
    {
        LoadOptions options = load_options(file.path, now);
        options.writes = writes;
        return options;
    }
    LoadResult load(const World& world, std::int64_t now = kNow, bool writes = true, bool asks_only = false)
    {
        LoadOptions with = options(now, writes);
        with.asks_only = asks_only;
        return world.judge(with);
    }
    /// Whether another process could write it now.
    bool free_to_write()
    {
        sqlite3* database = nullptr;
        EXPECT_EQ(sqlite3_open(file.path.c_str(), &database), SQLITE_OK);
        const int code = sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
        sqlite3_close(database);
        EXPECT_TRUE(code == SQLITE_OK || code == SQLITE_BUSY) << code;
        return code == SQLITE_OK;
    }
    /// A writer was killed amid its transaction, and then the file system became read-only.
    void crash()
    {
        file.kill_a_writer();
        make_readable({file.path + "-journal"});
        read_only();
    }
    /// For nobody, at least.
    void read_only() { make_readable({world.dir.path(), without_policy.dir.path(), dir.path(), file.path}); }

    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
    World world, without_policy;
};

TEST_F(LedgerBook, AnEntryThatCannotBeReadIsNotPassedOver)
{
    load(world);
    file.execute("UPDATE policies SET content = '{}'");
    const LoadResult result = load(world, kNow + 10);
    EXPECT_TRUE(result.refused);
    EXPECT_FALSE(result.recorded);
    const Finding& finding = only(result.findings, FindingId::ledger_corrupt);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_NE(finding.what.find("whose policy cannot be read"), std::string::npos) << finding.what;
    EXPECT_TRUE(load(without_policy, kNow + 20).refused) << "clients may hold it where nothing is sent";
}

TEST_F(LedgerBook, WhereItCannotBeReachedItIsNotTakenForNew)
{
    load(world);
    ::chmod(world.dir.path().c_str(), 0755);
    ::chmod(dir.path().c_str(), 0700);
    EXPECT_TRUE(as_nobody([&] {
        const LoadResult result = load(world, kNow + 10);
        EXPECT_TRUE(result.refused);
        EXPECT_EQ(count_of(result.findings, FindingId::never_report_only), 0U) << "who knows what it was sent";
        EXPECT_FALSE(load(without_policy, kNow + 10).refused) << "nor is anything there, for who has no policy";
    }));
}

TEST_F(LedgerBook, UnwritableItIsNoMatterToWhoSendsNothing)
{
    file.take({sending(host("elsewhere.test"), enforced(60))}, kNow, "/other.conf");
    read_only();
    EXPECT_TRUE(as_nobody([&] { EXPECT_EQ(ids(load(without_policy).findings), ""); }));
}

TEST_F(LedgerBook, OneNewHostAmongKnownOnesIsNew)
{
    load(world);
    world.pinned(20, {"new.example.com"}, {pki().www_chain});
    read_only();
    EXPECT_TRUE(as_nobody([&] {
        const LoadResult result = load(world, kNow + 10);
        EXPECT_TRUE(result.refused);
        EXPECT_EQ(only(result.findings, FindingId::ledger_unwritable).severity, Severity::error);
    }));
}

TEST_F(LedgerBook, AfterACrashWhatWouldBeWrittenDecides)
{
    load(world);
    crash();
    EXPECT_TRUE(as_nobody([&] {
        LoadResult result = load(world, kNow + 10);
        EXPECT_FALSE(result.refused) << "nothing new";
        EXPECT_EQ(only(result.findings, FindingId::ledger_unwritable).severity, Severity::warning);
        result = load(without_policy, kNow + 10);
        EXPECT_FALSE(result.refused);
        EXPECT_EQ(only(result.findings, FindingId::ledger_unwritable).severity, Severity::warning) << "an end";
        world.pinned(20, {"new.example.com"}, {pki().www_chain});
        result = load(world, kNow + 10);
        EXPECT_TRUE(result.refused);
        EXPECT_EQ(only(result.findings, FindingId::ledger_unwritable).severity, Severity::error);
    }));
}

TEST_F(LedgerBook, AfterACrashAnotherNginxHasNothingToSay)
{
    file.take({sending(host("elsewhere.test"), enforced(60))}, kNow, "/other.conf");
    crash();
    EXPECT_TRUE(as_nobody([&] {
        EXPECT_EQ(ids(load(without_policy, kNow + 10).findings), "");
        const LoadResult result = load(world, kNow + 10);
        EXPECT_TRUE(result.refused) << "it would begin to send";
        EXPECT_EQ(only(result.findings, FindingId::ledger_unwritable).severity, Severity::error);
    }));
}

TEST_F(LedgerBook, ATestSaysWhetherALoadCouldWrite)
{
    EXPECT_EQ(ids(load(world, kNow, false).findings), "never-report-only") << "a file that is not there can be made";
    file.take({sending(host("elsewhere.test"), enforced(60))}, kNow, "/other.conf");
    read_only();
    ::chmod(dir.path().c_str(), 01777);
    World other;
    other.policies({good_policy()});
    other.pinned(12, {"www.example.com"}, {pki().other_chain});
    ::chmod(other.dir.path().c_str(), 0755);
    EXPECT_TRUE(as_nobody([&] {
        EXPECT_TRUE(has(load(world, kNow, false).findings, FindingId::ledger_unwritable)) << "the file cannot";
        EXPECT_FALSE(has(load(world, kNow, false, true).findings, FindingId::ledger_unwritable))
            << "the tool only asks";
        EXPECT_FALSE(has(load(without_policy, kNow, false).findings, FindingId::ledger_unwritable));
        EXPECT_FALSE(has(load(other, kNow, false).findings, FindingId::ledger_unwritable)) << "it is refused anyway";
    }));
}

TEST_F(LedgerBook, WhatCannotBeReadOfOneHostIsNotPassedOverForAnother)
{
    file.take({sending(host("b.example.com"), enforced(60))}, kNow - 10, "/other.conf");
    world.server(30, {"b.example.com"}, {pki().www_chain});
    EXPECT_FALSE(load(world).refused);
    file.execute("UPDATE policies SET content = '{}' WHERE content LIKE '%\"value\":60}%'");
    const LoadResult result = load(world, kNow + 10);
    EXPECT_TRUE(result.refused) << "what is sent is known, and whom it locks out is not";
    EXPECT_EQ(only(result.findings, FindingId::ledger_corrupt).severity, Severity::error);
}

TEST_F(LedgerBook, WhoMayWriteKeepsOthersFromWriting)
{
    load(world);
    const LoadOptions writes = options(), reads = options(kNow, false);
    {
        const Book book(writes);
        EXPECT_FALSE(free_to_write()) << "what this load is judged by must not change until it is recorded";
    }
    const Book book(reads);
    EXPECT_TRUE(free_to_write()) << "nginx -t keeps nobody waiting";
}

TEST_F(LedgerBook, AFileThatIsThereIsSeenWhateverFailedBefore)
{
    load(world);
    const LoadOptions reads = options(kNow, false);
    errno = ENOENT;
    Book book(reads);
    EXPECT_TRUE(book.any_held());
}

TEST_F(LedgerBook, WhatWouldHaveToBeWrittenToBeReadCannotBeRead)
{
    load(world);
    file.kill_a_writer();
    const std::string journal = file.path + "-journal", aside = dir / "aside";
    ASSERT_EQ(::rename(journal.c_str(), aside.c_str()), 0);
    read_only();
    ::chmod(aside.c_str(), 0644);
    ::chmod(dir.path().c_str(), 01777);
    const LoadOptions reads = options(kNow + 10, false);
    EXPECT_TRUE(as_nobody([&] {
        Book book(reads);
        // A writer is killed now.
        std::ofstream(journal, std::ios::binary) << std::ifstream(aside, std::ios::binary).rdbuf();
        Site site = without_policy.gather();
        book.recall_into(site);
        EXPECT_FALSE(site.memory.known);
        Findings findings;
        book.record(site, true, findings);
        EXPECT_EQ(only(findings, FindingId::ledger_unreadable).severity, Severity::error);
    }));
}

TEST_F(LedgerBook, WithoutALedgerNothingIsHeld)
{
    LoadOptions off = options();
    off.ledger.clear();
    EXPECT_FALSE(Book(off).any_held());
    const LoadOptions none = options();
    EXPECT_FALSE(Book(none).any_held());
    dir.write("hpkp.ledger", "this is no ledger, but a text of more than sixteen bytes", 0600);
    EXPECT_FALSE(Book(none).any_held());
}

TEST_F(LedgerBook, WhatAnotherNginxMadeMeanwhileIsNotPassedOver)
{
    const LoadOptions with = options();
    Book book(with);
    file.take({sending(host("elsewhere.test"), enforced(60))}, kNow, "/other.conf");
    Findings findings;
    EXPECT_FALSE(book.record(world.gather(), true, findings));
    const Finding& finding = only(findings, FindingId::ledger_unwritable);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_NE(finding.what.find("was made by another nginx at this moment"), std::string::npos) << finding.what;
    EXPECT_EQ(file.entries(), "elsewhere.test www 1795000000-");
}

TEST_F(LedgerBook, WhatFailsToBeWrittenIsUnwritableAndLeftToOthers)
{
    load(world);
    world.pinned(20, {"new.example.com"}, {pki().www_chain});
    file.execute("CREATE TRIGGER no BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'it fails'); END");
    const LoadOptions with = options(kNow + 10);
    Book book(with);
    Findings findings;
    EXPECT_FALSE(book.record(world.gather(), true, findings));
    const Finding& finding = only(findings, FindingId::ledger_unwritable);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_NE(finding.what.find("it fails"), std::string::npos) << finding.what;
    EXPECT_TRUE(free_to_write());
}

TEST_F(LedgerBook, WhereHowFarWorkersWereCannotBeWrittenItIsUnwritable)
{
    load(world);
    file.execute("CREATE TRIGGER no BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'it fails'); END");
    LoadOptions with = options(kNow + 10);
    with.load.reached = kNow + 5;
    const LoadResult result = world.judge(with);
    EXPECT_FALSE(result.refused) << "it can be read, and nothing new would be sent";
    EXPECT_EQ(only(result.findings, FindingId::ledger_unwritable).severity, Severity::warning);
}

TEST_F(LedgerBook, DamageThatOnlyAWriterMeetsIsDamage)
{
    load(world);
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file.path.c_str(), &database), SQLITE_OK);
    long page = 0;
    const auto first = [](void* into, int, char** values, char**) {
        *static_cast<long*>(into) = std::atol(values[0]);
        return 0;
    };
    sqlite3_exec(database, "SELECT rootpage FROM sqlite_master WHERE name = 'entries_opened'", first, &page, nullptr);
    sqlite3_close(database);
    ASSERT_GT(page, 1);
    std::fstream(file.path, std::ios::in | std::ios::out | std::ios::binary).seekp((page - 1) * 4096)
        << std::string(4096, 'x');
    world.pinned(20, {"new.example.com"}, {pki().www_chain});
    const LoadResult result = load(world, kNow + 10);
    EXPECT_TRUE(result.refused);
    EXPECT_EQ(only(result.findings, FindingId::ledger_corrupt).severity, Severity::error);
}

TEST_F(LedgerBook, ARefusedLoadEndsWhatStoppedLongAgo)
{
    const LoadOptions first = options();
    ASSERT_FALSE(world.judge(first).refused);
    file.with([&](Ledger& ledger) { ledger.settle(first.load); });
    file.with([&](Ledger& ledger) { ledger.close({first.load.id, "", kNow - 3600, true}); });
    const std::string open = file.entries();

    World other;
    other.server(12, {"www.example.com"}, {pki().other_chain});
    EXPECT_TRUE(load(other, kNow + 10 * kDay, false).refused);
    EXPECT_EQ(file.entries(), open) << "nginx -t writes nothing";
    {
        const LoadOptions later = options(kNow + 10 * kDay);
        const Book book(later);
        EXPECT_FALSE(free_to_write()) << "what this load is judged by must not change";
    }
    EXPECT_TRUE(load(other, kNow + 10 * kDay).refused) << "nobody knows when it stopped";
    EXPECT_NE(file.entries().find(std::to_string(kNow) + "-" + std::to_string(kNow + 10 * kDay)), std::string::npos);
    EXPECT_TRUE(load(other, kNow + 11 * kDay).refused);
    EXPECT_FALSE(load(other, kNow + 11 * kDay + 300).refused) << "it does not count anew";
}

TEST_F(LedgerBook, OfATestTheGraverTroubleIsSaid)
{
    dir.write("hpkp.ledger", "this is no ledger, but a text of more than sixteen bytes", 0644);
    read_only();
    EXPECT_TRUE(as_nobody([&] {
        const Findings findings = load(world, kNow, false).findings;
        EXPECT_TRUE(has(findings, FindingId::ledger_corrupt));
        EXPECT_FALSE(has(findings, FindingId::ledger_unwritable));
    }));
}

TEST_F(LedgerBook, OffItIsMissedForASecondToo)
{
    PolicyText policy = good_policy();
    policy.modes = {"enforce: {max-age: 1}"};
    world.policies({policy});
    LoadOptions off = options();
    off.ledger.clear();
    EXPECT_TRUE(has(world.judge(off).findings, FindingId::ledger_off));
}

TEST_F(LedgerBook, ALoadTellsHowFarWorkersWere)
{
    PolicyText policy = good_policy();
    policy.modes = {"enforce: {max-age: {ramp: [{for: 1d, value: 5m}, {value: 30d}]}}"};
    world.policies({policy});
    load(world);
    LoadOptions with = options(kNow + 60);
    with.load.reached = kNow + 10 * kDay;
    EXPECT_FALSE(world.judge(with).refused);
    int entries = 0;
    file.with([&](Ledger& ledger) {
        ledger.for_each([&](const Entry& entry) {
            entries++;
            EXPECT_EQ(entry.reached, kNow + 10 * kDay) << entry.host.text;
        });
    });
    EXPECT_EQ(entries, 2);
}

}  // namespace
