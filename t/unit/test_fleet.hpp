// Machines with several nginx each, for the property test of the ledger with everything that goes wrong: what runs
// there, what clients may hold of it, and what each ledger was told.
#pragma once

#include "test_random_sites.hpp"

#include "ledger/ledger.hpp"

#include <sys/resource.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace hpkp::test {

constexpr int kMachines = 2;
/// The time of an end that has not come.
constexpr std::int64_t kNever = INT64_MAX;

/// A name that a server answers to, and whether a tail alone says so.
using Names = std::map<std::string, bool>;

/// The names, of those that there are clients for, which a server answers to: exact names come before wildcards, and
/// those before tails; a default server has, besides, what its certificates name and nobody answers to.
Names names_of(const ClientSite& site, std::size_t index);

/// Whether an entry has the pins of this policy, and no other ones.
bool same_pins(const ClientPolicy& policy, const Entry& entry);

/// A full disk for everything that this process writes, as long as this lives.
class FullDisk {
public:
    explicit FullDisk(bool full);
    ~FullDisk();
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    bool full_;
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

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
    std::int64_t surely_until(std::int64_t now) const;
    /// Until when this ledger may take it to be held.
    std::int64_t perhaps_until(int ledger, std::int64_t now) const;
};

/// A master process.
struct Master {
    int id = 0;  // 0: it does not run
    std::string load;
};

/// An nginx by its configuration file, with what it serves if it runs.
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

/// How often each thing was tried.
struct Counts {
    int loads = 0, accepted = 0, told = 0, surely = 0, by_wrong_clock = 0, ended_while_next_ran = 0, withdrawn = 0,
        overtaken = 0, full = 0, exchanged = 0, vouched = 0;

    /// All of them, in words.
    std::string text() const;
};

/// The machines, and the books that are kept of them. What happens here of itself claims nothing: a test does.
class FleetWorld {
public:
    FleetWorld(unsigned seed, Counts& counts);

    /// What happened last.
    std::string story() const;

protected:
    bool chance(int percent) { return random_.chance(percent); }
    void tell(const std::string& what) { story_.push_back(std::to_string(now_ - kNow) + ": " + what); }
    std::string where(const Nginx& nginx) const { return std::to_string(nginx.machine) + nginx.name; }

    /// A load of this site, which `master` sends; 0: it may have been sent.
    void told_of(const Nginx& nginx, const ClientSite& site, const std::string& load, int master,
                 const std::vector<Schedule>& schedules, std::int64_t clock);
    /// The ledger of its machine knows that all ended that this nginx sent.
    void known_ended(const Nginx& nginx, std::int64_t clock);
    /// Its ledger was restored from lines, in which no time is after `latest`.
    void known_again(int machine, std::int64_t latest);
    /// What one ledger knows, the other knows now too.
    void known_from(int from, int to);
    /// It closes its sockets and drains: the next one can start.
    void quit(Nginx& nginx);
    /// The first load that is to fail does.
    void fail();
    /// A master sends nothing any more.
    void end(Nginx& nginx, Master& master, const char* how);
    /// Somebody says that no client holds an entry, and nobody does.
    void vouch(int machine);

    /// Mostly the right time. A clock that is behind is behind the ledger too, or nothing could tell.
    std::int64_t clock_of(int machine);
    /// The time by which a load at this clock is judged.
    std::int64_t judged_at(int machine, std::int64_t clock);
    /// A client that this site would lock out, in words, of those that this machine's ledger was told of; empty if
    /// there is none. Of those that surely hold what they were sent, or of all that may.
    std::string locked_out(int machine, const ClientSite& site, std::int64_t now, bool surely) const;
    /// Whether a load of this machine, or of this nginx there, is yet to fail.
    bool pending(int machine, const Nginx* nginx = nullptr) const;

    const std::string& path(int machine) const { return ledgers_[static_cast<std::size_t>(machine)]; }

    /// A transaction, where there is a ledger.
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
    /// The newest time in a ledger; 0 if there is none.
    std::int64_t newest(int machine);

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

}  // namespace hpkp::test
