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
#include "test_random_sites.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>

using namespace hpkp;
using namespace hpkp::test;

namespace {

constexpr unsigned kLives = 22;
constexpr int kLoads = 48;  // of each
constexpr int kMachines = 2;
constexpr std::int64_t kNever = INT64_MAX;

/// A name that a server answers to, and whether a tail alone says so.
using Names = std::map<std::string, bool>;

/// A full disk for everything that this process writes.
class FullDisk {
public:
    explicit FullDisk(bool full) : full_(full)
    {
        if (full_) {
            handler_ = ::signal(SIGXFSZ, SIG_IGN);
            ::getrlimit(RLIMIT_FSIZE, &before_);
            const rlimit none{0, before_.rlim_max};
            ::setrlimit(RLIMIT_FSIZE, &none);
        }
    }
    ~FullDisk()
    {
        if (full_) {
            ::setrlimit(RLIMIT_FSIZE, &before_);
            ::signal(SIGXFSZ, handler_);
        }
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    bool full_;
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

bool is_below(const std::string& name, const std::string& domain)
{
    return name.size() > domain.size() && name.compare(name.size() - domain.size() - 1, 1, ".") == 0
           && name.compare(name.size() - domain.size(), domain.size(), domain) == 0;
}

bool is_tail(const std::string& pattern)
{
    return pattern.size() > 2 && pattern.compare(pattern.size() - 2, 2, ".*") == 0;
}

/// Of one machine, what its clients may hold.
struct Told {
    int machine = 0;
    std::string load;
    std::string instance;
    int master = 0;  // 0: nobody knows whether it was sent at all
    Names names;
    ClientPolicy policy;
    bool guard = false;
    Schedule schedule;
    std::int64_t ended = kNever;                                      // by the real time
    std::array<bool, kMachines> known{};                              // to the ledger of each machine
    std::array<std::int64_t, kMachines> known_ended{kNever, kNever};  // in that ledger

    /// Until when a client surely holds it.
    std::int64_t surely_until(std::int64_t now) const
    {
        if (master == 0) {
            return 0;
        }
        const std::int64_t last = std::min(now, ended);
        std::int64_t max_age = 0;
        for (const auto& [from, value] : schedule) {
            max_age = from <= last ? value : max_age;
        }
        return guard ? policy.guard_days * kDay : max_age == 0 ? 0 : last + max_age;
    }
    /// Until when this ledger may take it to be held.
    std::int64_t perhaps_until(int ledger, std::int64_t now) const
    {
        const std::int64_t max_age = policy.ramp.empty() ? 0 : policy.ramp.back().second;
        const std::int64_t last = std::min(now, known_ended[static_cast<std::size_t>(ledger)]) + kDrainSeconds;
        return guard ? policy.guard_days * kDay : max_age == 0 ? 0 : last + max_age;
    }
};

struct Master {
    int id = 0;  // 0: it does not run
    std::string load;
};

struct Nginx {
    int machine;
    std::string name;
    ClientSite site;
    Master master, older;
    std::string last_load;  // that its ledger knows
};

/// A load that was recorded, and that nginx will not take.
struct Failing {
    Nginx* nginx;
    LedgerLoad load;
    ClientSite site;
    bool alone = true;  // no other load of this nginx came between
};

struct Counts {
    int loads = 0, accepted = 0, told = 0, surely = 0, by_wrong_clock = 0, ended_while_next_ran = 0, withdrawn = 0,
        overtaken = 0, full = 0, exchanged = 0, vouched = 0;

    std::string text() const
    {
        std::string text;
        for (const auto& [name, n] : {std::pair("loads", loads),
                                      {"accepted", accepted},
                                      {"told", told},
                                      {"surely locked out", surely},
                                      {"by a wrong clock", by_wrong_clock},
                                      {"ended while the next ran", ended_while_next_ran},
                                      {"withdrawn", withdrawn},
                                      {"overtaken", overtaken},
                                      {"with a full disk", full},
                                      {"exchanged", exchanged},
                                      {"vouched for", vouched}}) {
            text += std::to_string(n) + " " + name + ", ";
        }
        return text;
    }
};

bool same_pins(const ClientPolicy& policy, const Entry& entry)
{
    const auto& pins = entry.policy->pins.pins;
    return policy.pins.size() == pins.size() && std::all_of(policy.pins.begin(), policy.pins.end(), [&](int key) {
               return std::any_of(pins.begin(), pins.end(), [&](const PolicyPin& pin) {
                   return pin.pin == cast().keys[static_cast<std::size_t>(key)].pin();
               });
           });
}

class Fleet {
public:
    Fleet(unsigned seed, Counts& counts) : random_(seed), counts_(counts), clocks_are_right_(seed % 3 == 0)
    {
        random_.more_names = true;
        for (Nginx& nginx : all_) {
            nginx.site.servers.push_back(random_.server());
        }
    }

    void run();
    std::string story() const
    {
        std::string all;
        for (std::size_t i = story_.size() > 30 ? story_.size() - 30 : 0; i < story_.size(); i++) {
            all += story_[i] + "\n";
        }
        return all;
    }

private:
    bool chance(int percent) { return random_.chance(percent); }
    void tell(const std::string& what) { story_.push_back(std::to_string(now_ - kNow) + ": " + what); }
    std::string where(const Nginx& nginx) const { return std::to_string(nginx.machine) + nginx.name; }

    void load(Nginx& nginx);
    void take(Nginx& nginx, const ClientSite& site, const LoadOptions& options, const LoadResult& result, bool ends);
    void told_of(const Nginx& nginx, const ClientSite& site, const std::string& load, int master,
                 const std::vector<Schedule>& schedules, std::int64_t clock);
    void known_ended(const Nginx& nginx, std::int64_t clock);
    void quit(Nginx& nginx);
    void drained();
    void fail();
    void end(Nginx& nginx, Master& master, const char* how);
    void restore(int machine);
    void exchange(int from, int to);
    void vouch(int machine);
    void expect_open(int machine);

    std::int64_t clock_of(int machine);
    std::int64_t judged_at(int machine, std::int64_t clock);
    std::string locked_out(int machine, const ClientSite& site, std::int64_t now, bool surely) const;
    bool pending(int machine, const Nginx* nginx = nullptr) const
    {
        return std::any_of(failing_.begin(), failing_.end(), [&](const Failing& failing) {
            return failing.nginx->machine == machine && (nginx == nullptr || failing.nginx == nginx);
        });
    }

    const std::string& path(int machine) const { return ledgers_[static_cast<std::size_t>(machine)]; }

    template <typename Change>
    void with_ledger(int machine, Change change)
    {
        if (std::filesystem::exists(path(machine))) {
            Ledger ledger(path(machine), Database::Access::write);
            ledger.begin(true);
            change(ledger);
            ledger.commit();
        }
    }
    std::int64_t newest(int machine)
    {
        std::int64_t time = 0;
        with_ledger(machine, [&](Ledger& ledger) { time = ledger.newest(); });
        return time;
    }

    RandomSites random_;
    Counts& counts_;
    const bool clocks_are_right_;
    TempDir dir_{fast_directory()};
    std::array<std::string, kMachines> ledgers_ = {dir_ / "ledger", dir_ / "other-ledger"};
    std::int64_t now_ = kNow;
    // The machines of a fleet have the same files.
    std::array<Nginx, 3> all_ = {Nginx{0, "/a.conf", {}, {}, {}, ""}, Nginx{0, "/b.conf", {}, {}, {}, ""},
                                 Nginx{1, "/a.conf", {}, {}, {}, ""}};
    std::vector<Told> told_;
    std::vector<Failing> failing_;
    std::vector<std::pair<Nginx*, Master>> draining_;
    int masters_ = 0;
    std::vector<std::string> story_;
};

/// The names, of those that there are clients for, which a server answers to: exact names come before wildcards, and
/// those before tails; a default server has, besides, what its certificates name and nobody answers to.
Names names_of(const ClientSite& site, std::size_t index)
{
    static const std::vector<std::string> all = {
        "example.com",     "a.example.com",   "b.example.com",     "any.example.com",   "x.a.example.com",
        "g.a.example.com", "k.b.example.com", "k.any.example.com", "k.x.a.example.com", "any.a.example.com"};
    Names names;
    for (const int port : site.servers[index].ports) {
        for (const std::string& name : all) {
            std::size_t best = 0, who = site.servers.size(), by_default = who;
            for (std::size_t i = 0; i < site.servers.size(); i++) {
                if (site.servers[i].ports.count(port) == 0) {
                    continue;
                }
                by_default = std::min(by_default, i);
                for (const std::string& pattern : site.servers[i].names) {
                    const std::size_t dot = pattern.find('.');
                    const bool tail = is_tail(pattern);
                    const bool exact = name == pattern || "." + name == pattern;
                    const bool wild =
                        !tail && (pattern[0] == '*' || pattern[0] == '.') && is_below(name, pattern.substr(dot + 1));
                    const bool begins =
                        tail && name.compare(0, pattern.size() - 1, pattern, 0, pattern.size() - 1) == 0;
                    const std::size_t fit = exact    ? 1000
                                            : wild   ? 100 + pattern.size() - dot
                                            : begins ? pattern.size()
                                                     : 0;
                    who = fit > best ? i : who;
                    best = std::max(best, fit);
                }
            }
            if (who == index) {
                const auto known = names.emplace(name, best < 100).first;
                known->second = known->second && best < 100;
            } else if (best == 0 && by_default == index) {
                for (const ClientChain* chain : site.servers[index].chains) {
                    for (const std::string& of : chain->names) {
                        if (of == name || (of[0] == '*' && name.substr(name.find('.')) == of.substr(1))) {
                            names[name] = false;
                        }
                    }
                }
            }
        }
    }
    return names;
}

std::string Fleet::locked_out(int machine, const ClientSite& site, std::int64_t now, bool surely) const
{
    for (std::size_t i = 0; i < site.servers.size(); i++) {
        const Names names = names_of(site, i);
        for (const Told& told : told_) {
            const std::int64_t until = surely ? told.surely_until(now) : told.perhaps_until(machine, now);
            if (!told.known[static_cast<std::size_t>(machine)] || until <= now) {
                continue;
            }
            for (const ClientChain* chain : site.servers[i].chains) {
                if (told.policy.accepts(*chain)) {
                    continue;
                }
                for (const auto& [name, by_tail] : names) {
                    // Without a name in the certificate the client sees another error first.
                    const bool certified =
                        std::any_of(chain->names.begin(), chain->names.end(), [&, &name = name](const std::string& of) {
                            return of == name || (of[0] == '*' && name.substr(name.find('.')) == of.substr(1));
                        });
                    for (const auto& [host, sent_by_tail] : told.names) {
                        const bool meets = name == host || (told.policy.subdomains && is_below(name, host));
                        if (meets && (!surely || ((!by_tail || certified) && !sent_by_tail))) {
                            return "a client of " + host + " holds " + told.policy.name + " of " + told.instance
                                   + " at machine " + std::to_string(told.machine) + " until "
                                   + std::to_string(until - kNow) + ", and meets [" + chain->text + "] at " + name;
                        }
                    }
                }
            }
        }
    }
    return "";
}

/// Mostly the right time. A clock that is behind is behind the ledger too, or nothing could tell.
std::int64_t Fleet::clock_of(int machine)
{
    if (clocks_are_right_ || chance(75)) {
        return now_;
    }
    const std::int64_t behind = newest(machine) - kClockTolerance - 1;
    if (chance(50)) {
        return now_ + random_.one_of<std::int64_t>({400, 3 * kDay, 40 * kDay, 400 * kDay, 3000 * kDay});
    }
    const std::int64_t clock =
        chance(40) ? 86400 : behind - random_.one_of<std::int64_t>({0, 3600, 2 * kDay, 20 * kDay});
    return clock < 0 || clock >= now_ ? now_ : clock;
}

std::int64_t Fleet::judged_at(int machine, std::int64_t clock)
{
    std::int64_t time = clock;
    with_ledger(machine, [&](Ledger& ledger) {
        bool unset = clock < ledger.newest();
        ledger.for_each([&](const Entry& entry) { unset = unset && entry.first_sent > clock; });
        time = unset ? ledger.newest() : clock;
    });
    return time;
}

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

void Fleet::told_of(const Nginx& nginx, const ClientSite& site, const std::string& load, int master,
                    const std::vector<Schedule>& schedules, std::int64_t clock)
{
    for (std::size_t i = 0; i < site.servers.size(); i++) {
        const auto policy = site.policies.find(site.servers[i].policy);
        if (policy == site.policies.end()) {
            continue;
        }
        Told told;
        told.machine = nginx.machine;
        told.load = load;
        told.instance = nginx.name;
        told.master = master;
        told.names = names_of(site, i);
        told.policy = policy->second;
        told.known[static_cast<std::size_t>(nginx.machine)] = true;
        if (policy->second.enforce) {
            told.schedule = schedules.empty() ? Schedule() : schedules[i];
            told_.push_back(told);
        }
        // A guard that is over by the clock of the load is ignored.
        if (policy->second.guard_days * kDay > clock) {
            told.guard = true;
            told.policy.subdomains = told.policy.guard_subdomains;
            told_.push_back(told);
        }
    }
}

void Fleet::known_ended(const Nginx& nginx, std::int64_t clock)
{
    for (Told& told : told_) {
        if (told.machine == nginx.machine && told.instance == nginx.name) {
            std::int64_t& ended = told.known_ended[static_cast<std::size_t>(nginx.machine)];
            ended = ended == kNever ? clock : ended;
        }
    }
}

/// It closes its sockets and drains: the next one can start.
void Fleet::quit(Nginx& nginx)
{
    draining_.emplace_back(&nginx, nginx.master);
    end(nginx, nginx.master, "quits and drains");
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

void Fleet::fail()
{
    const Failing failing = failing_.front();
    failing_.erase(failing_.begin());
    tell(where(*failing.nginx) + " fails, load " + failing.load.id);
    counts_.withdrawn++;
    counts_.overtaken += failing.alone ? 0 : 1;
    with_ledger(failing.nginx->machine, [&](Ledger& ledger) { ledger.withdraw(failing.load); });
    // Where another load of this nginx was recorded meanwhile, it may go on with what this one had opened.
    if (failing.alone) {
        const auto of = [&](const Told& told) {
            return told.load == failing.load.id;
        };
        told_.erase(std::remove_if(told_.begin(), told_.end(), of), told_.end());
    }
}

void Fleet::end(Nginx& nginx, Master& master, const char* how)
{
    if (master.id != 0) {
        tell(where(nginx) + ": " + how);
        for (Told& told : told_) {
            told.ended = told.master == master.id && told.ended == kNever ? now_ : told.ended;
        }
        master = {};
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
        ledger.export_lines("web", [&](const std::string& line) { lines.push_back(line); });
    });
    const std::vector<std::string> again(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(lines.size() / 2));
    lines.insert(lines.end(), again.begin(), again.end());
    std::shuffle(lines.begin(), lines.end(), random_.random);
    std::filesystem::remove(path(machine));
    Ledger ledger(path(machine), Database::Access::create);
    ledger.begin(true);
    for (const std::string& line : lines) {
        EXPECT_TRUE(ledger.import_line(line, true, latest)) << line;
    }
    ledger.commit();
    for (Told& told : told_) {
        std::int64_t& ended = told.known_ended[static_cast<std::size_t>(machine)];
        ended = ended != kNever ? std::min(ended, latest) : ended;
    }
    for (Nginx& nginx : all_) {
        nginx.last_load = nginx.machine == machine ? "" : nginx.last_load;
    }
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
        ledger.export_lines("web", [&](const std::string& line) { lines.push_back(line); });
    });
    const std::int64_t before = newest(to);
    Ledger ledger(path(to), Database::Access::create);
    ledger.begin(true);
    for (const std::string& line : lines) {
        EXPECT_TRUE(ledger.import_line(line, false, kNever)) << line;
    }
    ledger.commit();
    // Own entries come back from there: nothing in them is newer than what was here.
    EXPECT_TRUE(before == 0 || ledger.newest() == before);
    for (Told& told : told_) {
        const auto here = static_cast<std::size_t>(to), there = static_cast<std::size_t>(from);
        told.known[here] = told.known[here] || told.known[there];
        const std::int64_t ends = told.known_ended[there];
        std::int64_t& ended = told.known_ended[here];
        // Of two ends the later one is taken; what this machine sends, it alone can end.
        if (ended != kNever || told.machine != to) {
            ended = ended == kNever || ends == kNever ? std::min(ended, ends) : std::max(ended, ends);
        }
    }
}

/// Somebody says that no client holds an entry, and nobody does.
void Fleet::vouch(int machine)
{
    std::vector<Entry> entries;
    with_ledger(machine,
                [&](Ledger& ledger) { ledger.for_each([&](const Entry& entry) { entries.push_back(entry); }); });
    // Their ids, and the order by them, are other ones in every run.
    const auto key = [](const Entry& entry) {
        return std::make_tuple(host_key(entry.host), entry.first_sent, entry.last_sent, entry.open, entry.exceptions,
                               entry.policy->to_text(), entry.instance.size(),
                               entry.instance.substr(entry.instance.rfind('/')));
    };
    std::stable_sort(entries.begin(), entries.end(), [&](auto& a, auto& b) { return key(a) < key(b); });
    std::shuffle(entries.begin(), entries.end(), random_.random);
    for (const Entry& entry : entries) {
        const bool held = std::any_of(told_.begin(), told_.end(), [&](const Told& told) {
            const bool same = same_pins(told.policy, entry);
            return same && told.master != 0 && (told.ended == kNever || told.surely_until(now_) > now_);
        });
        if (!held && !pending(machine)) {
            tell("machine " + std::to_string(machine) + ": " + entry.id + " of " + entry.host.text + " is forgotten");
            counts_.vouched++;
            with_ledger(machine, [&](Ledger& ledger) { ledger.forget(entry.id, "root", "nobody", now_); });
            return;
        }
    }
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
