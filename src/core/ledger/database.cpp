#include "database.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>

namespace hpkp {

namespace {

constexpr int kBusyMilliseconds = 5000;
constexpr int kApplicationId = 0x68706b70;  // "hpkp"
constexpr int kFormat = 3;

constexpr const char* kSchema = R"(
    -- One row. id tells this ledger from those of other machines; newest is the newest time recorded; mark and
    -- last_mark are what it was a while ago, for what must not believe a clock at once.
    CREATE TABLE ledger(id TEXT NOT NULL, newest INTEGER NOT NULL, mark INTEGER NOT NULL, last_mark INTEGER NOT NULL);
    INSERT INTO ledger VALUES(lower(hex(randomblob(4))), 0, 0, 0);

    -- load: the last that was recorded of this nginx; previous: the one before it, should it be withdrawn.
    CREATE TABLE instances(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, load TEXT, previous TEXT);
    CREATE TABLE policies(id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE);

    -- Times in seconds since the epoch. held_until is NULL while the entry is open. load: which configuration load made
    -- it; closing: which one ends it, once nginx has taken it, that its nginx stopped by a clock that was behind, or that
    -- it was ended by hand. reached: the latest time by which a ramp's max-age was chosen, where the clock has been
    -- ahead.
    CREATE TABLE entries(id TEXT PRIMARY KEY, host TEXT NOT NULL, exceptions TEXT NOT NULL,
                         policy INTEGER NOT NULL REFERENCES policies, instance INTEGER NOT NULL REFERENCES instances,
                         anchor INTEGER NOT NULL, first_sent INTEGER NOT NULL, last_sent INTEGER NOT NULL,
                         held_until INTEGER, load TEXT, closing TEXT, reached INTEGER NOT NULL DEFAULT 0)
        WITHOUT ROWID;
    -- A host has few entries, an nginx may have ten thousand open and one policy a million: queries by host say INDEXED
    -- BY, since SQLite's planner takes the other indices for as good.
    CREATE INDEX entries_by_host ON entries(host);
    CREATE INDEX entries_by_policy ON entries(policy);
    CREATE INDEX entries_open ON entries(instance) WHERE held_until IS NULL;
    CREATE INDEX entries_opened ON entries(load) WHERE load IS NOT NULL;
    CREATE INDEX entries_closing ON entries(closing) WHERE closing IS NOT NULL;
    CREATE INDEX entries_ended ON entries(held_until) WHERE held_until IS NOT NULL;

    -- What findings ask of the past when the entries are gone.
    CREATE TABLE history(host TEXT NOT NULL, name TEXT NOT NULL, enforced INTEGER NOT NULL, first_sent INTEGER NOT NULL,
                         last_sent INTEGER NOT NULL, last_max_age INTEGER NOT NULL, load TEXT,
                         PRIMARY KEY(host, name, enforced)) WITHOUT ROWID;
    CREATE TABLE keys(host TEXT NOT NULL, pin TEXT NOT NULL, first_seen INTEGER NOT NULL, load TEXT,
                      PRIMARY KEY(host, pin)) WITHOUT ROWID;

    -- Entries that somebody vouched for.
    CREATE TABLE forgotten(entry TEXT PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL)
        WITHOUT ROWID;
)";

/// From format 1, which did not know of loads that overlap, nor of clocks that were ahead.
constexpr const char* kFromFormat1 = R"(
    ALTER TABLE ledger ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE ledger ADD COLUMN last_mark INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE instances ADD COLUMN load TEXT;
    ALTER TABLE instances ADD COLUMN previous TEXT;
    DROP INDEX IF EXISTS entries_opened;
    CREATE INDEX entries_opened ON entries(load) WHERE load IS NOT NULL;
    CREATE INDEX IF NOT EXISTS entries_closing ON entries(closing) WHERE closing IS NOT NULL;
    PRAGMA user_version=2;
)";

/// From format 2, which did not know of clocks that go back while a ramp rises.
constexpr const char* kFromFormat2 = R"(
    ALTER TABLE entries ADD COLUMN reached INTEGER NOT NULL DEFAULT 0;
    PRAGMA user_version=3;
)";

FindingId id_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return FindingId::ledger_corrupt;
    case SQLITE_READONLY:
    case SQLITE_FULL:
        return FindingId::ledger_unwritable;
    default:
        return FindingId::ledger_unreadable;
    }
}

const char* remedy_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return "put a copy of it back (hpkp ledger import), or move it away and wait for the longest max-age ever "
               "sent: without it nobody knows what clients remember";
    case SQLITE_FULL:
        return "free space on its file system";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "find who holds it (fuser), and try again";
    default:
        return "let who starts nginx read and write the file and its directory";
    }
}

/// SQLite takes a file that is shorter than a page for an empty database: what was in it would be forgotten in silence.
void check_header(const std::string& path)
{
    constexpr std::string_view kMagic("SQLite format 3\0", 16);
    constexpr ssize_t kSmallestPage = 512;
    // Never waits: not for whoever might write to a FIFO of that name.
    const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return;  // SQLite will say why
    }
    struct stat status {};
    std::array<char, kSmallestPage> begin{};
    const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    const ssize_t length = regular ? ::read(fd, begin.data(), begin.size()) : 0;
    ::close(fd);
    if (!regular && !S_ISDIR(status.st_mode)) {
        throw LedgerError(FindingId::ledger_unreadable, "the ledger " + path + " is no regular file",
                          "name a file: hpkp_ledger FILE");
    }
    const bool magic = length == kSmallestPage && std::string_view(begin.data(), kMagic.size()) == kMagic;
    if (!regular || length == 0 || magic) {
        return;  // of a directory too SQLite says why
    }
    throw LedgerError(FindingId::ledger_corrupt, "the file " + path + " is no ledger, or the rest of one",
                      remedy_of(SQLITE_NOTADB));
}

[[noreturn]] void fail(int code, const std::string& path, const char* message)
{
    if ((code & 0xff) == SQLITE_NOMEM) {
        throw std::bad_alloc();
    }
    throw LedgerError(id_of(code), "the ledger " + path + ": " + message, remedy_of(code),
                      (code & 0xff) == SQLITE_BUSY);
}

}  // namespace

Statement::Statement(sqlite3* database, const std::string& path, const char* sql) : database_(database), path_(path)
{
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(database, sql, -1, &statement, nullptr);
    statement_.reset(statement);
    if (code != SQLITE_OK) {
        fail(sqlite3_extended_errcode(database), path_, sqlite3_errmsg(database));
    }
}

Statement& Statement::bind(int at, const std::string& text)
{
    if (sqlite3_bind_text64(get(), at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK) {
        throw std::bad_alloc();
    }
    return *this;
}

Statement& Statement::bind(int at, std::int64_t number)
{
    sqlite3_bind_int64(get(), at, number);
    return *this;
}

bool Statement::next()
{
    const int code = sqlite3_step(get());
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code != SQLITE_DONE) {
        fail(sqlite3_extended_errcode(database_), path_, sqlite3_errmsg(database_));
    }
    return false;
}

void Statement::run()
{
    while (next()) {
    }
    reset();
}

void Statement::reset()
{
    sqlite3_reset(get());
    sqlite3_clear_bindings(get());
}

std::string Statement::text(int column) const
{
    const unsigned char* text = sqlite3_column_text(get(), column);
    return text == nullptr ? std::string()
                           : std::string(reinterpret_cast<const char*>(text),
                                         static_cast<std::size_t>(sqlite3_column_bytes(get(), column)));
}

Database::Database(const std::string& path, Access access) : path_(path)
{
    if (access == Access::create) {
        // SQLite would make the file with the process's mask.
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
            throw LedgerError(FindingId::ledger_unwritable,
                              "the ledger " + path
                                  + " cannot be opened for writing: " + std::generic_category().message(errno),
                              errno == ENOENT ? "make its directory, or name another place: hpkp_ledger FILE"
                                              : remedy_of(SQLITE_CANTOPEN));
        }
        ::close(fd);
    }
    bool whole = false;
    if (access == Access::read && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
        open(":memory:");
    } else {
        check_header(path);
        try {
            open(path);
            whole = has_format();
        }
        catch (const LedgerError& error) {
            // What a crash left must be rolled back before the file can be read; where that is not allowed, in a copy.
            if (access != Access::read || error.busy || ::access((real_path() + "-journal").c_str(), F_OK) != 0) {
                throw;
            }
            open_copy();
            whole = has_format();
        }
    }
    if (access != Access::read || (whole && format() == kFormat)) {
        return;
    }
    if (whole) {
        read_into_memory();
    } else {
        open(":memory:");
    }
    execute("BEGIN IMMEDIATE");
    bring_up_to_date();
    execute("COMMIT");
}

Database::~Database()
{
    handle_.reset();
    if (!copy_.empty()) {
        std::error_code ignored;
        std::filesystem::remove_all(copy_, ignored);
    }
}

std::string Database::real_path() const
{
    std::error_code error;
    const auto real = std::filesystem::canonical(path_, error);
    return error ? path_ : real.string();
}

void Database::open_copy()
{
    namespace fs = std::filesystem;
    std::error_code error;
    // Among temporary files, since the ledger's own directory is what cannot be written; mkdtemp() makes it private.
    std::string directory = (fs::temp_directory_path(error) / "hpkp-ledger-XXXXXX").string();
    if (error || ::mkdtemp(directory.data()) == nullptr) {
        throw LedgerError(FindingId::ledger_unreadable,
                          "the ledger " + path_
                              + " needs to be rolled back after a crash, and neither it nor a copy of it "
                                "can be written",
                          remedy_of(SQLITE_CANTOPEN));
    }
    copy_ = directory;
    const std::string file = directory + "/ledger";
    fs::copy_file(path_, file, error);
    if (!error) {
        std::error_code absent;
        if (fs::exists(real_path() + "-journal", absent)) {
            fs::copy_file(real_path() + "-journal", file + "-journal", error);
        }
    }
    if (error) {
        throw LedgerError(FindingId::ledger_unreadable, "the ledger " + path_ + " cannot be copied: " + error.message(),
                          remedy_of(SQLITE_CANTOPEN));
    }
    open(file);
}

/// Who only reads must not write: not the file, nor one beside it, on a disk that may be full. The backup locks the
/// file against writers while it is read.
void Database::read_into_memory()
{
    const auto file = std::move(handle_);
    open(":memory:");
    sqlite3_backup* backup = sqlite3_backup_init(handle_.get(), "main", file.get(), "main");
    if (backup == nullptr) {
        fail(sqlite3_extended_errcode(handle_.get()), path_, sqlite3_errmsg(handle_.get()));
    }
    // Not what finish() says: a file that is locked is no error to it.
    const int code = sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE) {
        fail(code, path_, sqlite3_errstr(code));
    }
    execute("PRAGMA temp_store=MEMORY");  // an index is sorted there too
}

void Database::open(const std::string& file)
{
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    handle_.reset(handle);
    if (code != SQLITE_OK) {
        fail(code, path_, handle == nullptr ? "out of memory" : sqlite3_errmsg(handle));
    }
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    execute("PRAGMA trusted_schema=OFF");
    execute("PRAGMA journal_mode=DELETE");
    // FULL does not sync the directory in which the journal is removed.
    execute("PRAGMA synchronous=EXTRA");
}

bool Database::has_format()
{
    const auto pragma = [&](const char* sql) {
        Statement statement = prepare(sql);
        return statement.next() ? statement.number(0) : 0;
    };
    const auto application = pragma("PRAGMA application_id");
    const auto format = pragma("PRAGMA user_version");
    if (application == kApplicationId && format >= 1 && format <= kFormat) {
        return true;
    }
    if (application == kApplicationId && format > kFormat) {
        throw LedgerError(FindingId::ledger_unreadable,
                          "the ledger " + path_ + " was written by a newer version of this module (format "
                              + std::to_string(format) + ")",
                          "go back to that version, or name another ledger and import this one there");
    }
    if (application != 0 || format != 0 || pragma("SELECT count(*) FROM sqlite_master") != 0) {
        throw LedgerError(FindingId::ledger_corrupt, "the file " + path_ + " is a database, but no ledger",
                          "name another file: hpkp_ledger FILE");
    }
    return false;
}

std::int64_t Database::format()
{
    Statement format = prepare("PRAGMA user_version");
    return format.next() ? format.number(0) : 0;
}

void Database::bring_up_to_date()
{
    try {
        // As it is now: another process may have been first.
        if (!has_format()) {
            execute(kSchema);
            execute(("PRAGMA application_id=" + std::to_string(kApplicationId)).c_str());
            execute(("PRAGMA user_version=" + std::to_string(kFormat)).c_str());
        }
        if (format() == 1) {
            execute(kFromFormat1);
        }
        if (format() == 2) {
            execute(kFromFormat2);
        }
    }
    catch (...) {
        // Else the file stays locked to whoever reads it instead. Some failures have rolled back already.
        sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
        throw;
    }
}

void Database::execute(const char* sql)
{
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        fail(sqlite3_extended_errcode(handle_.get()), path_, sqlite3_errmsg(handle_.get()));
    }
}

}  // namespace hpkp
