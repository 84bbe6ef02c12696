#include "memory.hpp"

#include "../file.hpp"

#include <algorithm>
#include <set>

namespace hpkp {

namespace {

using Kind = HostPattern::Kind;

/// The names that clients of both this entry and this server's wildcard may use, for messages; empty if there are none.
/// `perhaps`: those that no other server answers to, and that an expression of this one may fit.
std::string common_names(const Site& site, const Server& server, const HostPattern& wildcard, const Entry& entry,
                         bool perhaps)
{
    const HostPattern& host = entry.host;
    std::vector<std::pair<std::string, std::string>> candidates = {{host.example(), host.text}};
    if (entry.policy->include_subdomains) {
        candidates.emplace_back(any_below(host.example()), "*." + host.domain);
    }
    for (const auto& [name, text] : candidates) {
        const bool below =
            is_subdomain(name, wildcard.domain) && (!wildcard.one_label || parent_domain(name) == wildcard.domain);
        if (below && entry.reaches(name) && (perhaps ? site.unanswered(server, name) : site.answers(server, name))) {
            return text;
        }
    }
    return "";
}

/// What is still sent has the value of this moment, which nobody has written down.
void add_what_is_open(std::vector<History>& history, const std::vector<std::shared_ptr<const Entry>>& entries,
                      const std::string& key, std::int64_t now)
{
    for (const auto& entry : entries) {
        for (History& past : history) {
            const bool same = entry->open && entry->policy->kind == SentPolicy::Kind::enforced && past.enforced
                              && past.name == entry->policy->name && host_key(entry->host) == key;
            if (same) {
                past.last_sent = now;
                past.last_max_age = entry->max_age_at(now);
            }
        }
    }
}

void recall_host(const Site& site, const Server& server, const HostPattern& host, bool perhaps, Ledger& ledger,
                 std::int64_t now, Memory& memory)
{
    const std::string example = host.example();
    const bool answers = perhaps || site.answers(server, example);
    // An exact name that another server answers to everywhere has no client here.
    if (!answers && host.kind == Kind::exact) {
        return;
    }
    for (const auto& entry : ledger.around(host, now)) {
        if (entry->held_until(now) <= now) {
            continue;
        }
        std::string name;
        if (answers && entry->reaches(example)) {
            name = host.kind == Kind::exact ? example : host.text;
        } else if (host.kind == Kind::wildcard) {
            name = common_names(site, server, host, *entry, perhaps);
        }
        if (!name.empty()) {
            memory.remembered.push_back({entry, &server, std::move(name), perhaps});
        }
    }
}

/// Names below a wildcard that its server answers to nowhere.
std::vector<std::string> exceptions_of(const Site& site, const Server& server,
                                       const std::vector<const HostPattern*>& below)
{
    std::set<std::string> names;
    for (const HostPattern* host : below) {
        if (!site.answers(server, host->example())) {
            names.insert(host->text);
        }
    }
    return {names.begin(), names.end()};
}

SentPolicy sent_policy(const Policy& policy, const PinSet& pins, SentPolicy::Kind kind)
{
    SentPolicy sent;
    sent.kind = kind;
    sent.name = recorded_name(policy.name);
    sent.clients = policy.clients;
    if (policy.stores != nullptr) {
        for (const auto& [name, path] : *policy.stores) {
            sent.stores[name] = absolute_path(path);
        }
    }
    for (const PolicyPin& pin : pins.pins) {
        sent.pins.pins.push_back({pin.pin, pin.name, false, false, {}});
    }
    sent.pins.owner = "policy \"" + policy.name + "\"";
    switch (kind) {
    case SentPolicy::Kind::enforced:
        sent.max_age = policy.enforce->max_age;
        sent.include_subdomains = policy.enforce->include_subdomains;
        break;
    case SentPolicy::Kind::guarded:
        sent.until = *policy.guard->until;
        sent.include_subdomains = policy.guard->include_subdomains;
        break;
    case SentPolicy::Kind::reported:
        sent.include_subdomains = policy.report_only->include_subdomains;
        break;
    }
    return sent;
}

/// Names of all servers, by the domains above them: what a wildcard may have to leave to others.
using NamesBelow = std::unordered_map<std::string, std::vector<const HostPattern*>>;

NamesBelow names_below(const Site& site)
{
    std::set<std::string> wildcards;
    for (const Server& server : site.servers) {
        for (const HostPattern* host : server.hosts()) {
            if (host->kind == Kind::wildcard) {
                wildcards.insert(host->domain);
            }
        }
    }
    NamesBelow below;
    for (const Server& server : site.servers) {
        for (const HostPattern& host : server.names) {
            if (!can_be_recorded(host)) {
                continue;
            }
            const std::string example = host.example();
            for (std::string_view up = parent_domain(example); !up.empty(); up = parent_domain(up)) {
                const std::string domain(up);
                const bool itself = host.kind == Kind::wildcard && host.domain == domain;
                if (!itself && wildcards.count(domain) != 0) {
                    below[domain].push_back(&host);
                }
            }
        }
    }
    return below;
}

template <typename Visit>
void for_each_host(const Site& site, Visit visit)
{
    for (const PolicyUse& use : site.uses) {
        for (const Server* server : use.servers) {
            for (const HostPattern* host : server->hosts()) {
                if (has_clients(site, *server, *host)) {
                    visit(*use.policy, *server, *host);
                }
            }
        }
    }
}

/// A certificate that is served says so: it is valid by the ledger's time, and not yet by the clock.
bool clock_is_unset(const Site& site, std::int64_t newest)
{
    return std::any_of(site.chains.begin(), site.chains.end(), [&](const Chain& chain) {
        return chain.leaf().not_yet_valid_at(site.now) && !chain.leaf().not_yet_valid_at(newest);
    });
}

}  // namespace

bool can_be_recorded(const HostPattern& host)
{
    return host.kind == Kind::exact ? !is_ip_address(host.domain) : host.kind == Kind::wildcard;
}

bool has_clients(const Site& site, const Server& server, const HostPattern& host)
{
    return can_be_recorded(host) && site.answers(server, host.example());
}

Memory recall(const Site& site, Ledger& ledger)
{
    Memory memory;
    memory.known = true;
    memory.newest = ledger.newest();
    memory.judged_at = ledger.judged_at(site.now, clock_is_unset(site, memory.newest));
    const std::int64_t now = memory.judged_at;
    for (const Server& server : site.servers) {
        if (!server.covered() || (server.chains.empty() && !server.chain_unknown)) {
            continue;
        }
        for (const HostPattern* host : server.hosts()) {
            if (can_be_recorded(*host)) {
                recall_host(site, server, *host, false, ledger, now, memory);
            }
        }
        for (const CertificateHost& known : site.certificate_hosts(server)) {
            if (can_be_recorded(known.host)) {
                recall_host(site, server, known.host, known.perhaps, ledger, now, memory);
            }
        }
    }
    for_each_host(site, [&](const Policy&, const Server&, const HostPattern& host) {
        const std::string key = host_key(host);
        const auto [known, is_new] = memory.history.try_emplace(key);
        if (is_new) {
            known->second = ledger.history(host);
            add_what_is_open(known->second, ledger.around(host, now), key, now);
            if (ledger.key_changed(host)) {
                memory.key_changed.insert(key);
            }
        }
    });
    return memory;
}

std::vector<Sending> sendings_of(const Site& site)
{
    struct Content {
        std::shared_ptr<const SentPolicy> policy;
        std::shared_ptr<const std::string> text;
    };
    std::map<std::pair<const PinSet*, SentPolicy::Kind>, Content> contents;
    std::set<std::tuple<std::string, const SentPolicy*, std::vector<std::string>>> known;
    std::vector<Sending> sendings;
    const NamesBelow below = names_below(site);

    const auto add = [&](const Policy& policy, const PinSet& pins, SentPolicy::Kind kind, const Server& server,
                         const HostPattern& host) {
        Content& content = contents[{&pins, kind}];
        if (content.policy == nullptr) {
            content.policy = std::make_shared<const SentPolicy>(sent_policy(policy, pins, kind));
            content.text = std::make_shared<const std::string>(content.policy->to_text());
        }
        Sending sending{host, {}, content.policy, content.text};
        const auto names = below.find(host.domain);
        if (host.kind == Kind::wildcard && names != below.end()) {
            sending.exceptions = exceptions_of(site, server, names->second);
        }
        if (known.emplace(host_key(host), content.policy.get(), sending.exceptions).second) {
            sendings.push_back(std::move(sending));
        }
    };
    for_each_host(site, [&](const Policy& policy, const Server& server, const HostPattern& host) {
        for (const PinSet& pins : policy.pin_sets) {
            if (pins.enforced && policy.enforce->max_age.highest() > 0) {
                add(policy, pins, SentPolicy::Kind::enforced, server, host);
            }
            if (pins.guarded && policy.guard->until) {
                add(policy, pins, SentPolicy::Kind::guarded, server, host);
            }
            if (pins.reported) {
                add(policy, pins, SentPolicy::Kind::reported, server, host);
            }
        }
    });
    return sendings;
}

std::vector<Showing> showings_of(const Site& site)
{
    std::map<std::string, Showing> by_host;
    for_each_host(site, [&](const Policy&, const Server& server, const HostPattern& host) {
        Showing& showing = by_host.try_emplace(host_key(host), Showing{host, {}}).first->second;
        for (const Chain* chain : server.chains) {
            const auto& pin = chain->leaf().pin();
            if (pin && std::find(showing.keys.begin(), showing.keys.end(), *pin) == showing.keys.end()) {
                showing.keys.push_back(*pin);
            }
        }
    });
    std::vector<Showing> showings;
    for (auto& [key, showing] : by_host) {
        showings.push_back(std::move(showing));
    }
    return showings;
}

}  // namespace hpkp
