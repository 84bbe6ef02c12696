#include "test_clients.hpp"

#include <algorithm>

namespace hpkp::test {

namespace {

/// Some name in every corner that the patterns of the property test can make.
const std::vector<std::string> kNames = {
    "example.com",     "a.example.com",   "b.example.com",     "any.example.com",   "x.a.example.com",
    "g.a.example.com", "k.b.example.com", "k.any.example.com", "k.x.a.example.com", "k.g.a.example.com"};

bool is_below(const std::string& name, const std::string& domain)
{
    return name.size() > domain.size() && name.compare(name.size() - domain.size() - 1, 1, ".") == 0
           && name.compare(name.size() - domain.size(), domain.size(), domain) == 0;
}

/// How well a pattern of nginx fits: 0 not at all, an exact name best, then the longest wildcard.
std::size_t fits(const std::string& pattern, const std::string& name)
{
    if (pattern == name || pattern == "." + name) {
        return 1000;
    }
    const std::size_t dot = pattern.find('.');
    const bool wildcard = pattern[0] == '*' || pattern[0] == '.';
    return wildcard && is_below(name, pattern.substr(dot + 1)) ? pattern.size() - dot : 0;
}

bool certifies(const ClientChain& chain, const std::string& name)
{
    return std::any_of(chain.names.begin(), chain.names.end(), [&](const std::string& pattern) {
        return pattern == name || (pattern[0] == '*' && name.substr(name.find('.')) == pattern.substr(1));
    });
}

bool intersect(const Keys& a, const Keys& b)
{
    return std::any_of(a.begin(), a.end(), [&](int key) { return b.count(key) != 0; });
}

std::string keys_text(const Keys& keys)
{
    std::string text;
    for (const int key : keys) {
        text += (text.empty() ? "" : ",") + std::to_string(key);
    }
    return text;
}

}  // namespace

std::int64_t ClientPolicy::max_age_after(std::int64_t seconds) const
{
    std::int64_t value = 0, begins = 0;
    for (const auto& [duration, step] : ramp) {
        value = seconds >= begins ? std::max(value, step) : value;
        begins += duration;
    }
    return std::max(value, ramp.empty() ? 0 : ramp.front().second);
}

bool ClientPolicy::accepts(const ClientChain& served) const
{
    const bool every =
        std::all_of(served.paths.begin(), served.paths.end(), [&](const Keys& path) { return intersect(path, pins); });
    return (!chain || every) && (!sent || intersect(served.sent, pins)) && (!leaf || pins.count(served.leaf) != 0);
}

std::set<std::string> ClientSite::answered(std::size_t server) const
{
    std::set<std::string> found;
    for (const int port : servers[server].ports) {
        for (const std::string& name : kNames) {
            std::size_t best = 0, who = servers.size(), by_default = servers.size();
            for (std::size_t i = 0; i < servers.size(); i++) {
                if (servers[i].ports.count(port) == 0) {
                    continue;
                }
                by_default = by_default == servers.size() ? i : by_default;
                for (const std::string& pattern : servers[i].names) {
                    const std::size_t fit = fits(pattern, name);
                    who = fit > best ? i : who;
                    best = std::max(best, fit);
                }
            }
            const auto& chains = servers[server].chains;
            // Of a default server, the names in its certificates.
            const bool comes =
                best != 0 ? who == server
                          : by_default == server && std::any_of(chains.begin(), chains.end(), [&](const auto* chain) {
                                return certifies(*chain, name);
                            });
            if (comes) {
                found.insert(name);
            }
        }
    }
    return found;
}

std::string ClientSite::text() const
{
    std::string all;
    for (const auto& [name, policy] : policies) {
        all += "  " + name + ": pins " + keys_text(policy.pins) + (policy.chain ? " chain" : "")
               + (policy.sent ? " sent" : "") + (policy.leaf ? " leaf" : "") + (policy.report ? " report" : "");
        for (const auto& [duration, value] : policy.ramp) {
            all += policy.enforce ? " " + std::to_string(duration) + ":" + std::to_string(value) : "";
        }
        all += policy.enforce && policy.subdomains ? " subdomains" : "";
        all += policy.guard_days != 0 ? " guard " + std::to_string(policy.guard_days) : "";
        all += policy.guard_days != 0 && policy.guard_subdomains ? " subdomains\n" : "\n";
    }
    for (const ClientServer& server : servers) {
        all += "  server";
        for (const std::string& name : server.names) {
            all += " " + name;
        }
        for (const int port : server.ports) {
            all += " :" + std::to_string(port);
        }
        for (const ClientChain* chain : server.chains) {
            all += " [" + chain->text + "]";
        }
        all += " " + server.policy + "\n";
    }
    return all;
}

void AllClients::begin(const std::string& instance, int master, const ClientSite& site,
                       const std::vector<Schedule>& schedules, std::int64_t now)
{
    add(instance, master, site, &schedules, now);
}

void AllClients::may_have_begun(const std::string& instance, const ClientSite& site, std::int64_t now)
{
    add(instance, 0, site, nullptr, now);
}

void AllClients::add(const std::string& instance, int master, const ClientSite& site,
                     const std::vector<Schedule>* schedules, std::int64_t now)
{
    for (std::size_t i = 0; i < site.servers.size(); i++) {
        const auto policy = site.policies.find(site.servers[i].policy);
        if (policy == site.policies.end()) {
            continue;
        }
        Sent sent;
        sent.instance = instance;
        sent.master = master;
        sent.names = site.answered(i);
        sent.policy = policy->second;
        sent.began = now;
        if (policy->second.enforce) {
            first_enforced_.try_emplace(policy->first, now);
            sent.schedule = schedules == nullptr ? Schedule() : (*schedules)[i];
            sent_.push_back(sent);
        }
        if (policy->second.guard_days * kDay > now) {
            sent.guard = true;
            sent.policy.subdomains = sent.policy.guard_subdomains;
            sent_.push_back(sent);
        }
    }
}

void AllClients::end(const std::string& instance, int master, std::int64_t now)
{
    for (Sent& sent : sent_) {
        if (sent.instance == instance && sent.master == master && sent.ended == kOpen) {
            sent.ended = now;
        }
    }
}

void AllClients::known_ended(const std::string& instance, std::int64_t now)
{
    for (Sent& sent : sent_) {
        if (sent.instance == instance && sent.known_ended == kOpen) {
            sent.known_ended = now;
        }
    }
}

std::int64_t AllClients::held_until(const Sent& sent, std::int64_t now, bool for_certain) const
{
    if (for_certain && sent.master == 0) {
        return 0;
    }
    if (sent.guard) {
        return sent.policy.guard_days * kDay;
    }
    if (for_certain) {
        const std::int64_t last = std::min(now, sent.ended);
        std::int64_t max_age = 0;
        for (const auto& [from, value] : sent.schedule) {
            max_age = from <= last ? value : max_age;
        }
        return max_age == 0 ? 0 : last + max_age;
    }
    const std::int64_t last = std::min(now, sent.known_ended) + 300;
    const std::int64_t max_age = sent.policy.max_age_after(last - first_enforced_.at(sent.policy.name));
    return max_age == 0 ? 0 : last + max_age;
}

std::string AllClients::locked_out(const ClientSite& site, std::int64_t now, bool for_certain) const
{
    for (std::size_t i = 0; i < site.servers.size(); i++) {
        const std::set<std::string> names = site.answered(i);
        for (const Sent& sent : sent_) {
            const std::int64_t until = held_until(sent, now, for_certain);
            if (until <= now) {
                continue;
            }
            for (const ClientChain* chain : site.servers[i].chains) {
                if (sent.policy.accepts(*chain)) {
                    continue;
                }
                for (const std::string& name : names) {
                    for (const std::string& host : sent.names) {
                        // A client that has seen nothing else: what it holds is the nearest in every reading.
                        if (name == host || (sent.policy.subdomains && is_below(name, host))) {
                            return "a client of " + host + " holds " + sent.policy.name + " with "
                                   + keys_text(sent.policy.pins) + " until " + std::to_string(until) + ", and meets ["
                                   + chain->text + "] at " + name;
                        }
                    }
                }
            }
        }
    }
    return "";
}

}  // namespace hpkp::test
