#include "test_fleet.hpp"

#include <algorithm>
#include <csignal>
#include <tuple>

namespace hpkp::test {

namespace {

bool is_below(const std::string& name, const std::string& domain)
{
    return name.size() > domain.size() && name.compare(name.size() - domain.size() - 1, 1, ".") == 0
           && name.compare(name.size() - domain.size(), domain.size(), domain) == 0;
}

bool is_tail(const std::string& pattern)
{
    return pattern.size() > 2 && pattern.compare(pattern.size() - 2, 2, ".*") == 0;
}

}  // namespace

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

bool same_pins(const ClientPolicy& policy, const Entry& entry)
{
    const auto& pins = entry.policy->pins.pins;
    return policy.pins.size() == pins.size() && std::all_of(policy.pins.begin(), policy.pins.end(), [&](int key) {
               return std::any_of(pins.begin(), pins.end(), [&](const PolicyPin& pin) {
                   return pin.pin == cast().keys[static_cast<std::size_t>(key)].pin();
               });
           });
}

FullDisk::FullDisk(bool full) : full_(full)
{
    if (full_) {
        handler_ = ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit none{0, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &none);
    }
}

FullDisk::~FullDisk()
{
    if (full_) {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, handler_);
    }
}

std::int64_t Told::surely_until(std::int64_t now) const
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

std::int64_t Told::perhaps_until(int ledger, std::int64_t now) const
{
    const std::int64_t max_age = policy.ramp.empty() ? 0 : policy.ramp.back().second;
    const std::int64_t last = std::min(now, known_ended[static_cast<std::size_t>(ledger)]) + kDrainSeconds;
    return guard ? policy.guard_days * kDay : max_age == 0 ? 0 : last + max_age;
}

std::string Counts::text() const
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

FleetWorld::FleetWorld(unsigned seed, Counts& counts) : random_(seed), counts_(counts), clocks_are_right_(seed % 3 == 0)
{
    random_.more_names = true;
    for (Nginx& nginx : all_) {
        nginx.site.servers.push_back(random_.server());
    }
}

std::string FleetWorld::story() const
{
    std::string all;
    for (std::size_t i = story_.size() > 30 ? story_.size() - 30 : 0; i < story_.size(); i++) {
        all += story_[i] + "\n";
    }
    return all;
}

void FleetWorld::told_of(const Nginx& nginx, const ClientSite& site, const std::string& load, int master,
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

void FleetWorld::known_ended(const Nginx& nginx, std::int64_t clock)
{
    for (Told& told : told_) {
        if (told.machine == nginx.machine && told.instance == nginx.name) {
            std::int64_t& ended = told.known_ended[static_cast<std::size_t>(nginx.machine)];
            ended = ended == kNever ? clock : ended;
        }
    }
}

void FleetWorld::known_again(int machine, std::int64_t latest)
{
    for (Told& told : told_) {
        std::int64_t& ended = told.known_ended[static_cast<std::size_t>(machine)];
        ended = ended != kNever ? std::min(ended, latest) : ended;
    }
    for (Nginx& nginx : all_) {
        nginx.last_load = nginx.machine == machine ? "" : nginx.last_load;
    }
}

void FleetWorld::known_from(int from, int to)
{
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

void FleetWorld::quit(Nginx& nginx)
{
    draining_.emplace_back(&nginx, nginx.master);
    end(nginx, nginx.master, "quits and drains");
}

void FleetWorld::fail()
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

void FleetWorld::end(Nginx& nginx, Master& master, const char* how)
{
    if (master.id != 0) {
        tell(where(nginx) + ": " + how);
        for (Told& told : told_) {
            told.ended = told.master == master.id && told.ended == kNever ? now_ : told.ended;
        }
        master = {};
    }
}

void FleetWorld::vouch(int machine)
{
    std::vector<Entry> entries;
    with_ledger(machine,
                [&](Ledger& ledger) { ledger.for_each([&](const Entry& entry) { entries.push_back(entry); }); });
    // Their ids, and the order by them, are other ones in every run.
    const auto key = [](const Entry& entry) {
        return std::make_tuple(host_key(entry.host), entry.first_sent, entry.last_sent, entry.open,
                               entry.exceptions.names(), entry.policy->to_text(), entry.instance.size(),
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

std::int64_t FleetWorld::clock_of(int machine)
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

std::int64_t FleetWorld::judged_at(int machine, std::int64_t clock)
{
    std::int64_t time = clock;
    with_ledger(machine, [&](Ledger& ledger) {
        bool unset = clock < ledger.newest();
        ledger.for_each([&](const Entry& entry) { unset = unset && entry.first_sent > clock; });
        time = unset ? ledger.newest() : clock;
    });
    return time;
}

std::string FleetWorld::locked_out(int machine, const ClientSite& site, std::int64_t now, bool surely) const
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

bool FleetWorld::pending(int machine, const Nginx* nginx) const
{
    return std::any_of(failing_.begin(), failing_.end(), [&](const Failing& failing) {
        return failing.nginx->machine == machine && (nginx == nullptr || failing.nginx == nginx);
    });
}

std::int64_t FleetWorld::newest(int machine)
{
    std::int64_t time = 0;
    with_ledger(machine, [&](Ledger& ledger) { time = ledger.newest(); });
    return time;
}

}  // namespace hpkp::test
