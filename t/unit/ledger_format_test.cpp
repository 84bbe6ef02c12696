// ledger/database.hpp: ledgers of an earlier format, as the module finds them after it has been upgraded.
#include "test_fleet.hpp"
#include "test_ledger.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

constexpr const char* kToFormat2 = "ALTER TABLE entries DROP COLUMN reached; PRAGMA user_version=2";
constexpr const char* kToFormat1 =
    "ALTER TABLE entries DROP COLUMN reached; ALTER TABLE ledger DROP COLUMN mark; "
    "ALTER TABLE ledger DROP COLUMN last_mark; ALTER TABLE instances DROP COLUMN load; "
    "ALTER TABLE instances DROP COLUMN previous; DROP INDEX entries_opened; DROP INDEX entries_closing; "
    "PRAGMA user_version=1";

struct LedgerFormat : testing::Test {
    /// Its result, if it is a number.
    int format() { return file.execute("PRAGMA user_version"); }
    std::string bytes()
    {
        std::ifstream in(file.path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// A load of www.example.com, pinned, that nginx takes if it is accepted.
    LoadResult load(const Chain& chain, bool full = false, const std::string& mode = "enforce: {max-age: 1d}")
    {
        World world;
        PolicyText policy = good_policy();
        policy.modes = {mode};
        world.policies({policy});
        world.pinned(12, {"www.example.com"}, {chain}, policy.name);
        const LoadOptions options = load_options(file.path, kNow);
        LoadResult result;
        {
            FullDisk disk(full);
            result = world.judge(options);
        }
        if (result.recorded) {
            file.with([&](Ledger& ledger) { ledger.settle(options.load); });
        }
        return result;
    }

    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
};

TEST_F(LedgerFormat, AnEarlierOneIsReadAsItIsAndBroughtUpToDateByWhoWrites)
{
    file.take({sending(host("www.example.com"), enforced(60))}, 100);
    file.execute(kToFormat1);
    const std::string before = bytes();
    {
        Ledger read(file.path, Database::Access::read);
        EXPECT_EQ(read.judged_at(200, false), 200);
        EXPECT_TRUE(read.any_held(100));
    }
    EXPECT_TRUE(bytes() == before) << "nothing is written by who reads";
    file.take({sending(host("www.example.com"), enforced(61))}, 300);
    EXPECT_EQ(format(), 3);
    EXPECT_EQ(file.entries(), "www.example.com www 100-300, www.example.com www 300-");
}

TEST_F(LedgerFormat, ARefusedLoadLeavesAnEarlierOneAsItIs)
{
    ASSERT_FALSE(load(pki().www_chain).refused);
    file.execute(kToFormat2);
    const std::string before = bytes();
    ASSERT_TRUE(load(pki().other_chain).refused);
    EXPECT_TRUE(bytes() == before) << "the nginx that runs on has the earlier module, which could not read it any more";
    ASSERT_FALSE(load(pki().www_chain).refused);
    EXPECT_EQ(format(), 3);
}

// After an upgrade of the module a machine with a full disk must come up again.
TEST_F(LedgerFormat, OnAFullDiskAnEarlierOneIsObeyedAllTheSame)
{
    ASSERT_FALSE(load(pki().www_chain).refused);
    for (const char* earlier : {kToFormat2, kToFormat1}) {
        file.execute(earlier);
        const std::string before = bytes();
        const LoadResult same = load(pki().www_chain, true);
        EXPECT_FALSE(same.refused) << ids(same.findings) << ": what is sent is open in the ledger already";
        EXPECT_NE(ids(same.findings).find("ledger-unwritable"), std::string::npos) << ids(same.findings);
        EXPECT_TRUE(load(pki().other_chain, true).refused) << "clients would be locked out";
        EXPECT_TRUE(load(pki().www_chain, true, "enforce: {max-age: 2d}").refused) << "that is nowhere recorded";
        EXPECT_TRUE(bytes() == before);
        ASSERT_FALSE(load(pki().www_chain).refused);
        EXPECT_EQ(format(), 3);
    }
}

// nginx -t, or hpkp ledger show, by a user who may only read it.
TEST_F(LedgerFormat, AnEarlierOneThatMayOnlyBeRead)
{
    file.take({sending(host("www.example.com"), enforced(60))}, kNow);
    file.execute(kToFormat2);
    ::chmod(dir.path().c_str(), 0755);
    ::chmod(file.path.c_str(), 0444);
    EXPECT_TRUE(ends_within(30, [&] {
        if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
            throw std::runtime_error("setuid");
        }
        {
            Ledger ledger(file.path, Database::Access::read);
            ledger.begin(false);
            if (!ledger.any_held(kNow)) {
                throw std::runtime_error("nothing held");
            }
        }
        Ledger ledger(file.path, Database::Access::write);
        try {
            ledger.begin(true);
        }
        catch (const LedgerError& error) {
            if (error.id == FindingId::ledger_unwritable) {
                return;
            }
        }
        throw std::runtime_error("an earlier format was taken for the present one");
    }));
}

TEST_F(LedgerFormat, AnEarlierOneOfOtherPagesIsReadToo)
{
    file.take({sending(host("www.example.com"), enforced(60))}, kNow);
    for (const char* size : {"PRAGMA page_size=1024; VACUUM", "PRAGMA page_size=65536; VACUUM"}) {
        file.execute(size);
        file.execute(kToFormat2);
        file.with([](Ledger& ledger) { EXPECT_TRUE(ledger.any_held(kNow)); }, Database::Access::read);
        file.with([](Ledger&) {});
        EXPECT_EQ(format(), 3);
    }
}

TEST_F(LedgerFormat, AnEarlierOneIsReadWholeWhileAnotherWrites)
{
    constexpr int kEntries = 2000;
    std::vector<Sending> sent;
    for (int i = 0; i < kEntries; i++) {
        sent.push_back(sending(host("www" + std::to_string(i) + ".example.com"), enforced(kDay)));
    }
    file.take(sent, 100);
    file.execute(kToFormat2);
    const pid_t child = ::fork();
    if (child == 0) {
        sqlite3* database = nullptr;
        sqlite3_open(file.path.c_str(), &database);
        sqlite3_busy_timeout(database, 5000);
        for (int i = 1000;; i++) {
            const std::string time = std::to_string(i);
            const std::string sql = "BEGIN IMMEDIATE; UPDATE ledger SET newest = " + time
                                    + "; UPDATE entries SET last_sent = " + time + "; COMMIT";
            sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
        }
    }
    for (int i = 0; i < 12; i++) {
        try {
            Ledger ledger(file.path, Database::Access::read);
            ledger.begin(false);
            const std::int64_t newest = ledger.newest();
            int same = 0;
            ledger.for_each([&](const Entry& entry) { same += entry.last_sent == newest ? 1 : 0; });
            EXPECT_TRUE(same == kEntries || newest == 100) << same << " of " << kEntries << " at " << newest;
        }
        catch (const LedgerError& error) {
            EXPECT_TRUE(error.busy) << error.what();
        }
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

}  // namespace
