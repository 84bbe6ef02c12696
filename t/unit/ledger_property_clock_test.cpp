// Random lives of two machines that exchange their ledgers, with what goes wrong in a real one: clocks that step, an
// nginx that still drains when the next one starts, loads that fail while another goes on, full disks, entries that
// somebody vouches for.
//
// What holds all the same: a load is told whom it locks out, of all the clients of what its ledger was told of, where
// the time by which it is judged is not ahead of the real one. It is judged by the clock; by the newest time in the
// ledger where the clock is behind all that is in it. Outside this:
// - a clock that is behind without being behind the ledger: nothing tells it from a right one;
// - workers whose own clock steps while a ramp climbs: here only loads and ends have a wrong clock;
// - what is sent to hosts that only a tail of server_name answers to, which no entry can be of;
// - a start that could not write the ledger while the nginx before it still drained: that one ends what both sent.
#include "test_fleet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

using namespace hpkp;
using namespace hpkp::test;

namespace {

constexpr unsigned kLives = 22;
constexpr int kLoads = 48;  // of each

class Fleet : public FleetWorld {
public:
    using FleetWorld::FleetWorld;

    void run();

private:
    void load(Nginx& nginx);
    void take(Nginx& nginx, const ClientSite& site, const LoadOptions& options, const LoadResult& result, bool ends);
    void drained();
    void restore(int machine);
    void exchange(int from, int to);
    void expect_open(int machine);
};

void Fleet::run()
{
    for (int loads = 0; loads < kLoads && !testing::Test::HasFailure();) {
        now_ += random_.one_of<std::int64_t>({0, 1, 10, 240, 299, 300, 301, 3600, 3900, 6 * 3600, kDay, 2 * kDay});
        Nginx& nginx = !draining_.empty() && chance(50)  ? *draining_.front().first
                       : !failing_.empty() && chance(50) ? *failing_.front().nginx
                                                         : all_[chance(60) ? 0 : 1 + random_.random() % 2];
        const int machine = nginx.machine;
        if (!failing_.empty() && chance(25)) {
            fail();
            expect_open(0);
            expect_open(1);
        } else if (!draining_.empty() && chance(25)) {
            drained();
            expect_open(0);
            expect_open(1);
        } else if (chance(65)) {
            load(nginx);
            loads++;
        } else if (nginx.older.id != 0 && chance(35)) {
            end(nginx, nginx.older, "the old master quits");
        } else if (nginx.master.id != 0 && nginx.older.id == 0 && chance(50)) {
            quit(nginx);
        } else if (nginx.master.id != 0 && chance(30)) {
            end(nginx, nginx.master, "killed");
        } else if (pending(machine)) {
            continue;
        } else if (chance(30)) {
            restore(machine);
            expect_open(machine);
        } else if (chance(50)) {
            exchange(machine, 1 - machine);
        } else {
            vouch(machine);
        }
    }
}

void Fleet::load(Nginx& nginx)
{
    ClientSite site = random_.changed(nginx.site, now_);
    for (const Failing& failing : failing_) {
        // Both read the same files.
        site = failing.nginx == &nginx && chance(60) ? failing.site : site;
    }
    LoadOptions options;
    options.now = clock_of(nginx.machine);
    options.system_bundle = random_.with_roots ? cast().roots : unrelated_bundle();
    options.ledger = path(nginx.machine);
    options.writes = !chance(10);  // or nginx -t
    options.lockout_warns = chance(8);
    options.load = {new_ledger_id(), nginx.name, options.now, nginx.older.id == 0};
    const bool upgrade = nginx.master.id != 0 && nginx.older.id == 0 && chance(10);
    options.load.may_close = options.load.may_close && !upgrade;
    const bool full = !pending(nginx.machine) && chance(8);

    const std::int64_t judged = judged_at(nginx.machine, options.now);
    const std::string surely = locked_out(nginx.machine, site, now_, true);
    const std::string perhaps = locked_out(nginx.machine, site, judged, false);
    const bool ends = options.load.may_close && !clock_is_behind(options.now, newest(nginx.machine));
    World world;
    build(world, site);
    LoadResult result;
    {
        FullDisk disk(full);
        result = world.judge(options);
    }
    const bool told = has(result.findings, FindingId::locks_out_clients);
    tell(where(nginx) + (options.writes ? " loads " : " is tested ") + options.load.id + ", "
         + (result.refused ? "refused" : "accepted") + ": " + ids(result.findings)
         + (upgrade ? ", by a new binary" : "") + (full ? ", disk full" : "")
         + (options.now != now_ ? ", clock " + std::to_string(options.now - kNow) : "")
         + (judged != options.now ? ", unset" : "") + "\n" + site.text());
    counts_.loads++;
    counts_.accepted += result.refused ? 0 : 1;
    counts_.told += told ? 1 : 0;
    counts_.surely += judged <= now_ && !surely.empty() ? 1 : 0;
    counts_.by_wrong_clock += options.now != now_ ? 1 : 0;
    counts_.full += full ? 1 : 0;
    EXPECT_TRUE(judged > now_ || surely.empty() || told) << surely;
    EXPECT_TRUE(!told || !perhaps.empty()) << hpkp::test::text_of(*std::find_if(
        result.findings.begin(), result.findings.end(), [](auto& f) { return f.id == FindingId::locks_out_clients; }));
    EXPECT_TRUE(!told || result.refused || options.lockout_warns);
    EXPECT_FALSE(result.recorded && (full || result.refused || !options.writes));
    if (result.refused || !options.writes) {
        return;
    }
    if (result.recorded) {
        for (Failing& failing : failing_) {
            failing.alone = failing.alone && failing.nginx != &nginx;
        }
    }
    if (!upgrade && result.recorded && chance(12)) {
        tell("that will fail");
        failing_.push_back({&nginx, options.load, site});
        told_of(nginx, site, options.load.id, 0, {}, options.now);
        return;
    }
    if (upgrade) {
        nginx.older = nginx.master;
        nginx.master = {};
    }
    take(nginx, site, options, result, ends);
}

void Fleet::take(Nginx& nginx, const ClientSite& site, const LoadOptions& options, const LoadResult& result, bool ends)
{
    if (chance(6)) {
        tell("killed before it took the load");
        told_of(nginx, site, options.load.id, 0, {}, options.now);
        nginx.last_load = result.recorded ? options.load.id : nginx.last_load;
        end(nginx, nginx.master, "killed");
        end(nginx, nginx.older, "killed");
        return;
    }
    if (result.recorded) {
        with_ledger(nginx.machine, [&](Ledger& ledger) { ledger.settle(options.load); });
        nginx.last_load = options.load.id;
        if (ends) {
            known_ended(nginx, std::max(options.now, newest(nginx.machine)));
        }
    } else {
        // It sends what is in the ledger as the load of the one before.
        const auto of = [&](const auto& drains) {
            return drains.first == &nginx;
        };
        draining_.erase(std::remove_if(draining_.begin(), draining_.end(), of), draining_.end());
    }
    end(nginx, nginx.master, "has a new load");
    nginx.master = {++masters_, result.recorded ? options.load.id : ""};
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
    told_of(nginx, site, options.load.id, nginx.master.id, schedules, options.now);
}

void Fleet::drained()
{
    const auto [nginx, master] = draining_.front();
    draining_.erase(draining_.begin());
    const std::int64_t clock = clock_of(nginx->machine);
    const bool behind = clock_is_behind(clock, newest(nginx->machine));
    tell(where(*nginx) + " has drained, load " + master.load
         + (clock != now_ ? ", clock " + std::to_string(clock - kNow) : ""));
    counts_.ended_while_next_ran += nginx->master.id != 0 ? 1 : 0;
    if (master.load.empty()) {
        return;
    }
    bool sends = true;
    with_ledger(nginx->machine, [&, &load = master.load](Ledger& ledger) {
        ledger.close({load, "", clock, true});
        sends = ledger.sends(nginx->name);
    });
    if (nginx->last_load == master.load && !pending(nginx->machine, nginx) && !behind) {
        EXPECT_FALSE(sends);
        known_ended(*nginx, std::max(clock, newest(nginx->machine)));
    }
}

/// What is sent is open, and what was sent is held for as long as clients hold it, whatever ends, fails or is imported.
void Fleet::expect_open(int machine)
{
    std::vector<Entry> entries;
    with_ledger(machine,
                [&](Ledger& ledger) { ledger.for_each([&](const Entry& entry) { entries.push_back(entry); }); });
    for (const Told& told : told_) {
        const bool recorded =
            std::any_of(told.names.begin(), told.names.end(), [](auto& name) { return !name.second; });
        const bool own = told.machine == machine;
        const std::int64_t until = told.surely_until(now_);
        const bool sent = told.master != 0 && told.ended == kNever && own && told.policy.ramp.back().second > 0;
        const bool held = until > now_ && told.known[static_cast<std::size_t>(machine)];
        const bool counts = !told.guard && recorded && (sent || held);
        EXPECT_TRUE(!counts
                    || std::any_of(entries.begin(), entries.end(),
                                   [&](const Entry& entry) {
                                       return (!own || entry.instance == told.instance) && same_pins(told.policy, entry)
                                              && (entry.open || (!sent && entry.held_until(now_) >= until));
                                   }))
            << "machine " << machine << ": " << told.policy.name << " of " << told.instance << ", sent since load "
            << told.load;
    }
}

/// The ledger goes into lines and back, in any order, some of them twice.
void Fleet::restore(int machine)
{
    if (!std::filesystem::exists(path(machine))) {
        return;
    }
    const std::int64_t latest = chance(50) ? now_ : kNever;
    tell("machine " + std::to_string(machine) + " is restored" + (latest == now_ ? ", clamped" : ""));
    std::vector<std::string> lines;
    with_ledger(machine, [&](Ledger& ledger) {
        ledger.export_lines("web", 0, [&](const std::string& line) { lines.push_back(line); });
    });
    const std::vector<std::string> again(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(lines.size() / 2));
    lines.insert(lines.end(), again.begin(), again.end());
    std::shuffle(lines.begin(), lines.end(), random_.random);
    std::filesystem::remove(path(machine));
    Ledger ledger(path(machine), Database::Access::create);
    ledger.begin(true);
    for (const std::string& line : lines) {
        EXPECT_TRUE(ledger.import_line(line, true, latest, "web")) << line;
    }
    ledger.commit();
    known_again(machine, latest);
}

void Fleet::exchange(int from, int to)
{
    if (!std::filesystem::exists(path(from))) {
        return;
    }
    tell("machine " + std::to_string(to) + " imports from the other");
    counts_.exchanged++;
    std::vector<std::string> lines;
    with_ledger(from, [&](Ledger& ledger) {
        ledger.export_lines("web", 0, [&](const std::string& line) { lines.push_back(line); });
    });
    const std::int64_t before = newest(to);
    Ledger ledger(path(to), Database::Access::create);
    ledger.begin(true);
    for (const std::string& line : lines) {
        EXPECT_TRUE(ledger.import_line(line, false, kNever, "web")) << line;
    }
    ledger.commit();
    // Own entries come back from there: nothing in them is newer than what was here.
    EXPECT_TRUE(before == 0 || ledger.newest() == before);
    known_from(from, to);
}

TEST(LedgerProperty, NothingThatGoesWrongLocksOutAClientUntold)
{
    Counts counts;
    for (unsigned seed = 1; seed <= kLives && !HasFailure(); seed++) {
        Fleet fleet(seed, counts);
        fleet.run();
        if (HasFailure()) {
            ADD_FAILURE() << "seed " << seed << "\n" << fleet.story();
        }
    }
    RecordProperty("counts", counts.text());
    // What is never tried is not tested.
    EXPECT_GE(counts.loads, static_cast<int>(kLives) * kLoads) << counts.text();
    EXPECT_GE(counts.accepted, counts.loads / 5) << counts.text();
    EXPECT_GE(counts.surely, counts.loads / 20) << counts.text();
    for (const int tried : {counts.by_wrong_clock, counts.ended_while_next_ran, counts.withdrawn, counts.overtaken,
                            counts.full, counts.exchanged, counts.vouched}) {
        EXPECT_GE(tried, 10) << counts.text();
    }
}

}  // namespace
