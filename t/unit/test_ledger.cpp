#include "test_ledger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <sqlite3.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hpkp::test {

namespace {

SentPolicy of_kind(SentPolicy::Kind kind)
{
    SentPolicy policy;
    policy.kind = kind;
    policy.name = "www";
    policy.pins = pin_set({pki().www_key.pin(), pki().backup_1.pin()});
    return policy;
}

}  // namespace

SentPolicy enforced(std::int64_t max_age, bool subdomains)
{
    SentPolicy policy = of_kind(SentPolicy::Kind::enforced);
    policy.max_age = MaxAge(max_age);
    policy.include_subdomains = subdomains;
    return policy;
}

SentPolicy ramped(std::vector<MaxAge::Step> steps)
{
    SentPolicy policy = of_kind(SentPolicy::Kind::enforced);
    policy.max_age.steps = std::move(steps);
    return policy;
}

SentPolicy guarded(std::int64_t until)
{
    SentPolicy policy = of_kind(SentPolicy::Kind::guarded);
    policy.until = until;
    return policy;
}

SentPolicy reported()
{
    return of_kind(SentPolicy::Kind::reported);
}

HostPattern host(const std::string& name)
{
    return parse_server_name(name, false).front();
}

HostPattern one_label(const std::string& name)
{
    HostPattern pattern = host(name);
    pattern.one_label = true;
    return pattern;
}

Entry entry(const std::string& name, const SentPolicy& policy, std::int64_t first_sent, std::int64_t last_sent,
            bool open)
{
    Entry entry;
    entry.id = "0123456789abcdef";
    entry.host = host(name);
    entry.policy = std::make_shared<const SentPolicy>(policy);
    entry.anchor = first_sent;
    entry.first_sent = first_sent;
    entry.last_sent = last_sent;
    entry.open = open;
    return entry;
}

Sending sending(const HostPattern& host, const SentPolicy& policy, std::vector<std::string> exceptions)
{
    return {host, std::move(exceptions), std::make_shared<const SentPolicy>(policy),
            std::make_shared<const std::string>(policy.to_text())};
}

LedgerLoad load_at(std::int64_t now, const std::string& instance)
{
    return {new_ledger_id(), instance, now, true};
}

LedgerLoad LedgerFile::take(const std::vector<Sending>& sent, std::int64_t now, const std::string& instance,
                            const std::vector<Showing>& shown)
{
    LedgerLoad load = load_at(now, instance);
    with([&](Ledger& ledger) { ledger.record(sent, shown, load); });
    with([&](Ledger& ledger) { ledger.settle(load); });
    return load;
}

std::string LedgerFile::entries()
{
    std::vector<std::string> lines;
    with([&](Ledger& ledger) {
        ledger.for_each([&](const Entry& entry) {
            lines.push_back(entry.host.text + " " + entry.policy->name + " " + std::to_string(entry.first_sent) + "-"
                            + (entry.open ? "" : std::to_string(entry.last_sent)));
        });
    });
    std::sort(lines.begin(), lines.end());
    std::string all;
    for (const std::string& line : lines) {
        all += (all.empty() ? "" : ", ") + line;
    }
    return all;
}

Entry LedgerFile::only_entry()
{
    std::vector<Entry> all;
    with([&](Ledger& ledger) { ledger.for_each([&](const Entry& entry) { all.push_back(entry); }); });
    EXPECT_EQ(all.size(), 1U) << entries();
    return all.empty() ? entry("none", enforced(0), 0, 0) : all.front();
}

std::vector<std::string> LedgerFile::exported(const std::string& machine, std::int64_t now)
{
    std::vector<std::string> lines;
    with([&](Ledger& ledger) {
        ledger.export_lines(machine, now, [&](const std::string& line) { lines.push_back(line); });
    });
    return lines;
}

LoadOptions load_options(const std::string& ledger, std::int64_t now)
{
    LoadOptions options;
    options.now = now;
    options.system_bundle = unrelated_bundle();
    options.ledger = ledger;
    options.writes = true;
    options.load = load_at(now);
    return options;
}

bool as_nobody(const std::function<void()>& work)
{
    constexpr unsigned kNobody = 65534;
    return ends_within(30, [&] {
        if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) {
            throw std::runtime_error("setuid");
        }
        work();
        if (testing::Test::HasFailure()) {
            throw std::runtime_error("failed");
        }
    });
}

void make_readable(const std::vector<std::string>& paths)
{
    for (const std::string& path : paths) {
        struct stat status {};
        ASSERT_EQ(::stat(path.c_str(), &status), 0) << path;
        ASSERT_EQ(::chmod(path.c_str(), S_ISDIR(status.st_mode) ? 0755 : 0644), 0) << path;
    }
}

LoadResult LedgerFile::load(const World& world, const LoadOptions& options)
{
    LoadResult result = world.judge(options);
    if (result.recorded) {
        with([&](Ledger& ledger) { ledger.settle(options.load); });
    }
    return result;
}

int LedgerFile::execute(const char* sql)
{
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    int number = -1;
    const auto read = [](void* result, int, char** values, char**) {
        *static_cast<int*>(result) = std::atoi(values[0]);
        return 0;
    };
    EXPECT_EQ(sqlite3_exec(database, sql, read, &number, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
    return number;
}

void LedgerFile::kill_a_writer()
{
    const pid_t child = ::fork();
    if (child == 0) {
        sqlite3* database = nullptr;
        sqlite3_open(path.c_str(), &database);
        sqlite3_exec(database,
                     "PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN; UPDATE ledger SET newest = 1;"
                     "DELETE FROM entries; DELETE FROM history;"
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000) "
                     "INSERT INTO instances(name) SELECT 'spilt ' || i FROM n",
                     nullptr, nullptr, nullptr);
        ::raise(SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_EQ(::access((path + "-journal").c_str(), F_OK), 0) << "no hot journal was left";
}

}  // namespace hpkp::test
