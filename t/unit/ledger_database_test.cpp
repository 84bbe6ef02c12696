// ledger/database.hpp: files that are no ledger, are broken, locked, or cannot be written.
#include "test_ledger.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Access = Database::Access;

std::string contents(const std::string& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

/// The error of opening this file, and of reading all that is in it: "" if there is none.
std::string error_of(const std::string& path, Access access)
{
    try {
        Ledger ledger(path, access);
        ledger.begin(access != Access::read);
        ledger.newest();
        ledger.around(host("*.example.com"), kNow);
        ledger.any_held(kNow);
        ledger.history(host("www.example.com"));
        ledger.key_changed(host("www.example.com"));
        ledger.for_each([](const Entry& entry) { entry.held_until(kNow); });
        ledger.export_lines("here", 0, [](const std::string&) {});
        if (access != Access::read) {
            ledger.record({sending(host("new.example.com"), enforced(60))}, {}, load_at(kNow + 1));
            ledger.close_all(load_at(kNow + 2));
        }
        return "";
    }
    catch (const LedgerError& error) {
        EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
        EXPECT_FALSE(error.remedy.empty());
        return std::string(id_text(error.id));
    }
}

struct LedgerDatabase : testing::Test {
    LedgerDatabase()
    {
        file.take(
            {sending(host("www.example.com"), enforced(86400)), sending(host("*.example.com"), enforced(60, true))},
            kNow);
    }
    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
};

TEST_F(LedgerDatabase, IsForItsOwnerAlone)
{
    struct stat status {};
    ASSERT_EQ(::stat(file.path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    EXPECT_NE(::access((file.path + "-journal").c_str(), F_OK), 0);
    const mode_t before = ::umask(0);
    LedgerFile other(dir / "other.ledger");
    other.take({}, kNow);
    ::umask(before);
    ASSERT_EQ(::stat(other.path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(LedgerDatabase, AMissingFileIsAnEmptyLedgerToReaders)
{
    const std::string path = dir / "missing.ledger";
    EXPECT_EQ(error_of(path, Access::read), "");
    EXPECT_NE(::access(path.c_str(), F_OK), 0) << "nothing was made";
    EXPECT_NE(error_of(path, Access::write), "");
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
    EXPECT_EQ(error_of(path, Access::create), "");
    EXPECT_EQ(error_of(dir / "no/such/dir/ledger", Access::read), "");
    EXPECT_EQ(error_of(dir / "no/such/dir/ledger", Access::create), "ledger-unwritable");
}

TEST_F(LedgerDatabase, AnEmptyFileIsAnEmptyLedger)
{
    // A load was killed just after it had made it.
    for (const Access access : {Access::read, Access::write, Access::create}) {
        const std::string path = dir.write("empty.ledger", "", 0600);
        EXPECT_EQ(error_of(path, access), "");
        EXPECT_TRUE(contents(path).empty()) << "nothing was committed";
        if (access != Access::read) {
            LedgerFile file{path};
            file.with([](Ledger&) {}, access);
            EXPECT_FALSE(contents(path).empty());
        }
    }
}

TEST_F(LedgerDatabase, WhatIsNoFileIsRefusedWithoutWaiting)
{
    const std::string fifo = dir / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    for (const std::string& path : {fifo, dir.path()}) {
        EXPECT_TRUE(ends_within(5, [&] {
            if (error_of(path, Access::read) != "ledger-unreadable"
                || error_of(path, Access::write) != "ledger-unreadable") {
                throw std::runtime_error("not refused");
            }
        })) << path;
    }
}

TEST_F(LedgerDatabase, WhatIsNoLedger)
{
    for (const Access access : {Access::read, Access::write, Access::create}) {
        EXPECT_EQ(error_of(dir.write("text", "this is no database\n" + std::string(5000, 'x')), access),
                  "ledger-corrupt");
        EXPECT_EQ(error_of(dir.write("short", "x"), access), "ledger-corrupt");
        EXPECT_TRUE(contents(dir / "short") == "x") << "nobody's file is overwritten";
        EXPECT_NE(error_of(dir.path(), access), "") << "a directory";
    }
}

TEST_F(LedgerDatabase, AnotherProgramsDatabase)
{
    const std::string path = dir / "foreign.db";
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    sqlite3_exec(database, "CREATE TABLE entries(id)", nullptr, nullptr, nullptr);
    sqlite3_close(database);
    const std::string before = contents(path);
    for (const Access access : {Access::read, Access::write, Access::create}) {
        EXPECT_EQ(error_of(path, access), "ledger-corrupt");
    }
    EXPECT_TRUE(contents(path) == before);
}

TEST_F(LedgerDatabase, OfANewerVersion)
{
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file.path.c_str(), &database), SQLITE_OK);
    sqlite3_exec(database, "PRAGMA user_version=1000", nullptr, nullptr, nullptr);
    sqlite3_close(database);
    for (const Access access : {Access::read, Access::write, Access::create}) {
        EXPECT_EQ(error_of(file.path, access), "ledger-unreadable");
    }
    try {
        Ledger(file.path, Access::read);
        ADD_FAILURE();
    }
    catch (const LedgerError& error) {
        EXPECT_NE(std::string(error.what()).find("newer version"), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("1000"), std::string::npos) << error.what();
    }
}

TEST_F(LedgerDatabase, BrokenInAnyPlaceItIsAnErrorOrReadable)
{
    const std::string whole = contents(file.path);
    ASSERT_GT(whole.size(), 10000U);
    std::mt19937 random(7);
    std::map<std::string, int> told;
    EXPECT_TRUE(ends_within(60, [&] {
        for (int i = 0; i < 1500; i++) {
            std::string broken = whole;
            if (i % 10 == 0) {
                broken.resize(random() % whole.size());
            } else {
                // Mostly where something is: the header, and the pages' beginnings and ends.
                for (unsigned n = 1 + random() % 4; n > 0; n--) {
                    const std::size_t page = (random() % (whole.size() / 4096)) * 4096;
                    const std::size_t at = i % 3 == 0   ? page + random() % 4096
                                           : i % 3 == 1 ? page + random() % 40
                                                        : page + 4095 - random() % 400;
                    broken[at] = static_cast<char>(random());
                }
            }
            const std::string path = dir.write("broken.ledger", broken, 0600);
            for (const Access access : {Access::read, Access::write}) {
                told[error_of(path, access)]++;
            }
        }
        // What was told is in this process alone.
        if (told["ledger-corrupt"] < 100 || told.size() > 4) {
            throw std::runtime_error("corruption is told otherwise");
        }
    }));
}

TEST_F(LedgerDatabase, TruncatedItIsNoEmptyLedger)
{
    const std::string whole = contents(file.path);
    for (const std::size_t size : {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{100}, std::size_t{511},
                                   std::size_t{512}, std::size_t{4095}, std::size_t{4096}}) {
        for (const Access access : {Access::read, Access::write, Access::create}) {
            EXPECT_EQ(error_of(dir.write("cut.ledger", whole.substr(0, size), 0600), access), "ledger-corrupt") << size;
        }
    }
}

TEST_F(LedgerDatabase, WithoutPermissionItIsAnError)
{
    ::chmod(dir.path().c_str(), 0755);
    EXPECT_TRUE(as_nobody([&] {
        EXPECT_EQ(error_of(file.path, Access::read), "ledger-unreadable");
        EXPECT_EQ(error_of(file.path, Access::write), "ledger-unreadable");
        EXPECT_EQ(error_of(file.path, Access::create), "ledger-unwritable");
        EXPECT_EQ(error_of(dir / "new.ledger", Access::create), "ledger-unwritable");
    }));
}

TEST_F(LedgerDatabase, ReadOnlyItCanBeRead)
{
    ::chmod(dir.path().c_str(), 0755);
    ::chmod(file.path.c_str(), 0644);
    EXPECT_TRUE(as_nobody([&] {
        EXPECT_EQ(error_of(file.path, Access::read), "");
        EXPECT_EQ(error_of(file.path, Access::write), "ledger-unwritable");
        EXPECT_EQ(error_of(file.path, Access::create), "ledger-unwritable");
    }));
    ::chmod(file.path.c_str(), 0666);
    EXPECT_TRUE(as_nobody([&] {
        EXPECT_EQ(error_of(file.path, Access::read), "");
        EXPECT_NE(error_of(file.path, Access::write), "") << "the journal stands in its directory";
    }));
}

TEST_F(LedgerDatabase, LockedByAnother)
{
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file.path.c_str(), &database), SQLITE_OK);
    sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
    EXPECT_EQ(error_of(file.path, Access::read), "") << "who only reads does not wait for who may write";
    const auto begin = std::time(nullptr);
    try {
        Ledger(file.path, Access::write).begin(true);
        ADD_FAILURE() << "two write at once";
    }
    catch (const LedgerError& error) {
        EXPECT_EQ(error.id, FindingId::ledger_unreadable) << error.what();
        EXPECT_TRUE(error.busy);
    }
    EXPECT_GE(std::time(nullptr) - begin, 4) << "it may be a load that takes a moment";
    sqlite3_close(database);
    EXPECT_EQ(error_of(file.path, Access::write), "");
}

TEST_F(LedgerDatabase, AHotJournalIsRolledBackByWhoeverComes)
{
    const std::string before = file.entries();
    const std::vector<std::string> lines = file.exported();
    for (const Access access : {Access::read, Access::write, Access::create}) {
        file.kill_a_writer();
        std::string entries;
        file.with(
            [&](Ledger& ledger) {
                EXPECT_EQ(ledger.newest(), kNow);
                EXPECT_EQ(ledger.around(host("www.example.com"), kNow).size(), 2U);
            },
            access);
        EXPECT_NE(::access((file.path + "-journal").c_str(), F_OK), 0);
        EXPECT_EQ(file.entries(), before);
        EXPECT_EQ(file.exported(), lines);
    }
}

TEST_F(LedgerDatabase, AHotJournalThatCannotBeRolledBackIsReadInACopy)
{
    file.kill_a_writer();
    make_readable({dir.path(), file.path, file.path + "-journal"});
    const std::string broken = contents(file.path), journal = contents(file.path + "-journal");
    EXPECT_TRUE(as_nobody([&] {
        Ledger ledger(file.path, Access::read);
        ledger.begin(false);
        EXPECT_EQ(ledger.newest(), kNow);
        EXPECT_EQ(ledger.around(host("www.example.com"), kNow).size(), 2U);
        EXPECT_EQ(error_of(file.path, Access::write), "ledger-unwritable");
    }));
    EXPECT_TRUE(contents(file.path) == broken);
    EXPECT_TRUE(contents(file.path + "-journal") == journal);
}

TEST_F(LedgerDatabase, WhatIsNotCommittedIsNotWritten)
{
    const std::string before = file.entries();
    {
        Ledger ledger(file.path, Access::write);
        ledger.begin(true);
        ledger.record({sending(host("new.example.com"), enforced(60))}, {}, load_at(kNow + 1));
    }
    EXPECT_EQ(file.entries(), before);
}

}  // namespace
