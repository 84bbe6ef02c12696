// ledger/book.hpp: a ledger that cannot be used as it should. What else it does in a load: ledger_session_test.cpp.
#include "test_ledger.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <sqlite3.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
    LoadResult load(const World& world, std::int64_t now = kNow, bool writes = true, bool asks_only = false)
    {
        LoadOptions options;
        options.now = now;
        options.system_bundle = unrelated_bundle();
        options.ledger = file.path;
        options.writes = writes;
        options.asks_only = asks_only;
        options.load = load_at(now);
        return world.judge(options);
    }
    void execute(const char* sql, bool dies = false)
    {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open(file.path.c_str(), &database), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
        if (dies) {
            ::raise(SIGKILL);
        }
        sqlite3_close(database);
    }
    /// A writer was killed amid its transaction, and then the file system became read-only.
    void crash()
    {
        const pid_t child = ::fork();
        if (child == 0) {
            execute("PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN; UPDATE ledger SET newest = 1;"
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000) "
                    "INSERT INTO instances(name) SELECT 'spilt ' || i FROM n",
                    true);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_EQ(::chmod((file.path + "-journal").c_str(), 0644), 0);
        read_only();
    }
    /// For nobody, at least.
    void read_only()
    {
        ::chmod(world.dir.path().c_str(), 0755);
        ::chmod(without_policy.dir.path().c_str(), 0755);
        ::chmod(dir.path().c_str(), 0755);
        ::chmod(file.path.c_str(), 0644);
    }
    /// Does it as nobody, whom a file's mode concerns.
    static bool as_nobody(const std::function<void()>& work)
    {
        return ends_within(30, [&] {
            if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
                throw std::runtime_error("setuid");
            }
            work();
            if (HasFailure()) {
                throw std::runtime_error("failed");
            }
        });
    }

    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
    World world, without_policy;
};

TEST_F(LedgerBook, AnEntryThatCannotBeReadIsNotPassedOver)
{
    load(world);
    execute("UPDATE policies SET content = '{}'");
    const LoadResult result = load(world, kNow + 10);
    EXPECT_TRUE(result.refused);
    EXPECT_FALSE(result.recorded);
    const Finding& finding = only(result.findings, FindingId::ledger_corrupt);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_NE(finding.what.find("whose policy cannot be read"), std::string::npos) << finding.what;
    EXPECT_FALSE(load(without_policy, kNow + 20).refused) << "a warning where nothing is sent";
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
        EXPECT_FALSE(load(without_policy, kNow + 10).refused);
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

}  // namespace
