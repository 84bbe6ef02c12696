// Ledgers for the tests: what was sent, to whom, and loads that say so.
#pragma once

#include "test_site.hpp"

#include "ledger/ledger.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hpkp::test {

/// An enforced policy "www" of this max-age.
SentPolicy enforced(std::int64_t max_age, bool subdomains = false);
/// One of this ramp.
SentPolicy ramped(std::vector<MaxAge::Step> steps);
SentPolicy guarded(std::int64_t until);
SentPolicy reported();

HostPattern host(const std::string& name);
/// As a certificate has it: it covers one label.
HostPattern one_label(const std::string& name);

Entry entry(const std::string& name, const SentPolicy& policy, std::int64_t first_sent, std::int64_t last_sent,
            bool open = false);

Sending sending(const HostPattern& host, const SentPolicy& policy, std::vector<std::string> exceptions = {});

LedgerLoad load_at(std::int64_t now, const std::string& instance = "/nginx.conf");

/// What a load by this ledger is asked: now, and it writes.
LoadOptions load_options(const std::string& ledger, std::int64_t now);

/// Whether `work` succeeds as nobody, whom a file's mode concerns, in a process of its own. The directories of the test
/// must let nobody pass.
bool as_nobody(const std::function<void()>& work);
/// Everybody may read these, and nobody but their owner write them.
void make_readable(const std::vector<std::string>& paths);

/// A ledger file and one transaction after the other.
struct LedgerFile {
    explicit LedgerFile(std::string at) : path(std::move(at)) {}

    template <typename Work>
    auto with(Work work, Database::Access access = Database::Access::create)
    {
        Ledger ledger(path, access);
        ledger.begin(access != Database::Access::read);
        struct Commit {
            ~Commit() noexcept(false) { ledger.commit(); }
            Ledger& ledger;
        } commit{ledger};
        return work(ledger);
    }
    /// A load that nginx takes: from now on this is sent, and nothing else.
    LedgerLoad take(const std::vector<Sending>& sent, std::int64_t now, const std::string& instance = "/nginx.conf",
                    const std::vector<Showing>& shown = {});
    /// All entries, in alphabetical order: "www.example.com www 100-200", "-" at the end of an open one.
    std::string entries();
    /// The entry of this host; a failure if it is not the only one.
    Entry only_entry();
    std::vector<std::string> exported(const std::string& machine = "here", std::int64_t now = 0);
    /// A load that nginx takes if it is accepted.
    LoadResult load(const World& world, const LoadOptions& options);
    /// Behind the core's back. The first number that it selects; -1 without one.
    int execute(const char* sql);
    /// Leaves it as a writer does that is killed amid a transaction larger than its cache: with a hot journal.
    void kill_a_writer();

    std::string path;
};

/// Loads of a ledger of its own, mostly of www.example.com.
struct LedgerLoads : testing::Test {
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
    void record(const std::vector<Sending>& sent, const LedgerLoad& load, const std::vector<Showing>& shown = {})
    {
        file.with([&](Ledger& ledger) { ledger.record(sent, shown, load); });
    }
    void settle(const LedgerLoad& load)
    {
        file.with([&](Ledger& ledger) { ledger.settle(load); });
    }
    void withdraw(const LedgerLoad& load)
    {
        file.with([&](Ledger& ledger) { ledger.withdraw(load); });
    }
    std::vector<History> history()
    {
        return file.with([](Ledger& ledger) { return ledger.history(host("www.example.com")); });
    }
    std::string id_of(const std::string& host)
    {
        std::string id;
        file.with([&](Ledger& ledger) {
            ledger.for_each([&](const Entry& entry) { id = entry.host.text == host ? entry.id : id; });
        });
        return id;
    }

    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
};

/// Loads of www.example.com in a row, on a ledger of its own.
struct SiteLoads : testing::Test {
    /// With this policy and chain, from now on.
    void serve(const PolicyText& policy, const Chain& chain)
    {
        world = std::make_unique<World>();
        world->policies({policy});
        world->pinned(12, {"www.example.com"}, {chain}, policy.name);
    }
    void serve_without_policy(const Chain& chain)
    {
        world = std::make_unique<World>();
        world->server(12, {"www.example.com"}, {chain});
    }
    LoadResult load() { return file.load(*world, load_options(file.path, now)); }

    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
    std::unique_ptr<World> world;
    std::int64_t now = kNow;
};

}  // namespace hpkp::test
