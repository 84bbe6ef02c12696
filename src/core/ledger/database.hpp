// SQLite, opened for one load: the only file that calls it.
#pragma once

#include "../finding.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace hpkp {

/// Why a ledger cannot be used, as the operator is told.
class LedgerError : public std::runtime_error {
public:
    LedgerError(FindingId id, const std::string& what, std::string remedy, bool busy = false)
        : std::runtime_error(what), id(id), remedy(std::move(remedy)), busy(busy)
    {
    }
    FindingId id;  // ledger-unreadable, ledger-unwritable or ledger-corrupt
    std::string remedy;
    bool busy;  // another process has it locked
};

/// A prepared statement. Parameters count from 1, columns from 0.
class Statement {
public:
    Statement(sqlite3* database, const std::string& path, const char* sql);

    Statement& bind(int at, const std::string& text);
    Statement& bind(int at, std::int64_t number);
    /// Steps; true while there is a row.
    bool next();
    /// Runs to the end, and makes ready for the next run.
    void run();
    void reset();

    std::int64_t number(int column) const { return sqlite3_column_int64(get(), column); }
    std::string text(int column) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    sqlite3_stmt* get() const { return statement_.get(); }

    sqlite3* database_;
    const std::string& path_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// An open ledger file. Every failure is a LedgerError; std::bad_alloc where memory fails.
class Database {
public:
    enum class Access {
        read,  // nothing is written but the roll-back of what a crash left; a file that is not there is an empty ledger
        write,   // it must be there
        create,  // it is made where it is not there, mode 0600
    };

    /// A reader meets the present format, whatever that of the file is; who writes calls bring_up_to_date() first.
    Database(const std::string& path, Access access);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    Statement prepare(const char* sql) { return Statement(handle_.get(), path_, sql); }
    void execute(const char* sql);

    /// Makes the tables, or those of an earlier format the present ones: in the caller's transaction, which has begun
    /// to write, so that a load that is refused leaves the file to an earlier version of this module. Where it fails,
    /// the transaction is rolled back.
    void bring_up_to_date();

    const std::string& path() const { return path_; }

private:
    struct Close {
        void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
    };

    void open(const std::string& file);
    void open_copy();
    void read_into_memory();
    /// Where SQLite puts its journal: beside the file, not beside a symbolic link to it.
    std::string real_path() const;
    /// False for an empty file: a load was killed just after it made it.
    bool has_format();
    std::int64_t format();

    std::string path_;
    std::string copy_;  // directory of a private copy; empty: none
    std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace hpkp
