// Random lives of an nginx against a model of all its possible clients: no load that is accepted locks one out, and
// none is refused for clients that cannot be.
#include "test_random_sites.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

using namespace hpkp;
using namespace hpkp::test;

namespace {

constexpr int kLives = 24;
constexpr int kLoads = 48;  // of each

/// One nginx: its configuration file, and what it serves if it runs.
struct Instance {
    std::string name;
    ClientSite site;
    int master = 0;        // 0: it does not run
    int older_master = 0;  // of a binary upgrade, that still serves
};

struct Counts {
    int loads = 0, accepted = 0, locked_out = 0, taken = 0, withdrawn = 0, killed = 0;
};

class Life {
public:
    Life(unsigned seed, Counts& counts) : random_(seed), counts_(counts)
    {
        for (Instance& nginx : instances_) {
            nginx.site.servers.push_back(random_.server());
        }
    }

    void run()
    {
        for (int loads = 0; loads < kLoads && !testing::Test::HasFailure();) {
            now_ += random_.one_of<std::int64_t>(
                {0, 1, 10, 240, 299, 300, 301, 3600, 3900, 6 * 3600, kDay, 2 * kDay, 9 * kDay});
            Instance& nginx = instances_[chance(15) ? 1 : 0];
            if (chance(70)) {
                load(nginx);
                loads++;
            } else if (nginx.older_master != 0 && chance(35)) {
                end(nginx, nginx.older_master, "the old master quits");
            } else if (nginx.master != 0 && chance(40)) {
                stop(nginx);
            } else if (nginx.master != 0 && chance(40)) {
                end(nginx, nginx.master, "killed");
            } else if (chance(30)) {
                exchange();
            }
        }
    }

    std::string story() const
    {
        std::string all;
        for (std::size_t i = story_.size() > 12 ? story_.size() - 12 : 0; i < story_.size(); i++) {
            all += story_[i] + "\n";
        }
        return all;
    }

private:
    bool chance(int percent) { return random_.chance(percent); }
    void tell(const std::string& what) { story_.push_back(std::to_string(now_ - kNow) + ": " + what); }

    void load(Instance& nginx);
    void take(Instance& nginx, const ClientSite& site, const LoadOptions& options, const LoadResult& result);
    void stop(Instance& nginx);
    void end(Instance& nginx, int& master, const char* how);
    void exchange();
    template <typename Change>
    void with_ledger(Change change)
    {
        if (std::filesystem::exists(ledger_)) {
            Ledger ledger(ledger_, Database::Access::write);
            ledger.begin(true);
            change(ledger);
            ledger.commit();
        }
    }

    RandomSites random_;
    Counts& counts_;
    TempDir dir_{fast_directory()};
    std::string ledger_ = dir_ / "ledger";
    std::int64_t now_ = kNow;
    Instance instances_[2] = {{"/a.conf", {}, 0, 0}, {"/b.conf", {}, 0, 0}};
    AllClients clients_;
    int masters_ = 0;
    std::vector<std::string> story_;
};

void Life::load(Instance& nginx)
{
    const ClientSite site = random_.changed(nginx.site, now_);
    LoadOptions options;
    options.now = now_;
    options.system_bundle = random_.with_roots ? cast().roots : unrelated_bundle();
    options.ledger = ledger_;
    options.writes = !chance(10);  // or nginx -t
    options.lockout_warns = chance(8);
    options.load = {new_ledger_id(), nginx.name, now_, nginx.older_master == 0};
    const bool upgrade = nginx.master != 0 && nginx.older_master == 0 && chance(12);
    options.load.may_close = options.load.may_close && !upgrade;

    const std::string surely = clients_.locked_out(site, now_, true), maybe = clients_.locked_out(site, now_, false);
    World world;
    build(world, site);
    const LoadResult result = world.judge(options);
    const bool told = has(result.findings, FindingId::locks_out_clients);
    tell(nginx.name + (options.writes ? " loads, " : " is tested, ") + (result.refused ? "refused" : "accepted") + ": "
         + ids(result.findings) + (upgrade ? ", by a new binary" : "") + "\n" + site.text());
    counts_.loads++;
    counts_.accepted += result.refused ? 0 : 1;
    counts_.locked_out += told ? 1 : 0;
    EXPECT_TRUE(surely.empty() || told) << surely;
    EXPECT_TRUE(!told || !maybe.empty()) << hpkp::test::text_of(*std::find_if(
        result.findings.begin(), result.findings.end(), [](auto& f) { return f.id == FindingId::locks_out_clients; }));
    EXPECT_TRUE(!told || result.refused || options.lockout_warns);
    if (result.refused || !options.writes) {
        EXPECT_FALSE(result.recorded);
        return;
    }
    if (upgrade) {
        nginx.older_master = nginx.master;
        nginx.master = 0;
    }
    take(nginx, site, options, result);
}

void Life::take(Instance& nginx, const ClientSite& site, const LoadOptions& options, const LoadResult& result)
{
    if (chance(10)) {
        tell("nginx fails");
        counts_.withdrawn++;
        if (result.recorded) {
            with_ledger([&](Ledger& ledger) { ledger.withdraw(options.load); });
        }
        if (nginx.master == 0) {
            std::swap(nginx.master, nginx.older_master);
        }
        return;
    }
    if (chance(7)) {
        counts_.killed++;
        clients_.may_have_begun(nginx.name, site, now_);
        end(nginx, nginx.master, "killed before it took the load");
        end(nginx, nginx.older_master, "and the older one");
        return;
    }
    counts_.taken++;
    if (result.recorded) {
        with_ledger([&](Ledger& ledger) { ledger.settle(options.load); });
    }
    clients_.end(nginx.name, nginx.master, now_);
    if (options.load.may_close) {
        clients_.known_ended(nginx.name, now_);
    }
    nginx.master = ++masters_;
    nginx.site = site;
    std::vector<Schedule> schedules;
    for (const Emission& emission : result.emissions.servers) {
        schedules.emplace_back();
        if (emission.enforce) {
            for (const HeaderValue& value : result.emissions.headers[*emission.enforce].values) {
                schedules.back().emplace_back(value.from, std::stoll(value.text.substr(8)));
            }
        }
    }
    clients_.begin(nginx.name, nginx.master, site, schedules, now_);
}

void Life::stop(Instance& nginx)
{
    if (nginx.older_master == 0) {
        with_ledger([&](Ledger& ledger) { ledger.close_all({"", nginx.name, now_, true}); });
        clients_.known_ended(nginx.name, now_);
        end(nginx, nginx.master, "stopped");
    }
}

void Life::end(Instance& nginx, int& master, const char* how)
{
    if (master != 0) {
        tell(nginx.name + ": " + how);
        clients_.end(nginx.name, master, now_);
        master = 0;
    }
}

/// The ledger goes into lines and back, in any order, some of them twice.
void Life::exchange()
{
    if (!std::filesystem::exists(ledger_)) {
        return;
    }
    tell("exported and imported");
    std::vector<std::string> lines;
    with_ledger([&](Ledger& ledger) {
        ledger.export_lines("here", 0, [&](const std::string& line) { lines.push_back(line); });
    });
    const std::vector<std::string> again(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(lines.size() / 2));
    lines.insert(lines.end(), again.begin(), again.end());
    std::shuffle(lines.begin(), lines.end(), random_.random);
    std::filesystem::remove(ledger_);
    Ledger ledger(ledger_, Database::Access::create);
    ledger.begin(true);
    for (const std::string& line : lines) {
        EXPECT_TRUE(ledger.import_line(line, true, now_, "here")) << line;
    }
    ledger.commit();
}

TEST(LedgerProperty, NoPossibleClientIsLockedOutAndNoOtherRefused)
{
    Counts counts;
    for (unsigned seed = 1; seed <= kLives && !HasFailure(); seed++) {
        Life life(seed, counts);
        life.run();
        if (HasFailure()) {
            ADD_FAILURE() << "seed " << seed << "\n" << life.story();
        }
    }
    const std::string told = std::to_string(counts.loads) + " loads, " + std::to_string(counts.accepted) + " accepted, "
                             + std::to_string(counts.locked_out) + " lock out, " + std::to_string(counts.taken)
                             + " taken, " + std::to_string(counts.withdrawn) + " withdrawn, "
                             + std::to_string(counts.killed) + " killed";
    RecordProperty("counts", told);
    // What is never tried is not tested.
    EXPECT_GE(counts.loads, 1150) << told;
    EXPECT_GE(counts.accepted, counts.loads / 5) << told;
    EXPECT_GE(counts.locked_out, counts.loads / 10) << told;
    EXPECT_GE(counts.withdrawn, 20) << told;
    EXPECT_GE(counts.killed, 20) << told;
}

}  // namespace
