#include "state.hpp"

#include "../server_input.hpp"

#include "ledger/memory.hpp"
#include "match.hpp"
#include "session.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace hpkp::cli::rollover {

namespace {

std::vector<ServerBlock> blocks_of(const Question& question, const std::vector<std::string>& chains)
{
    const auto names = question.name ? std::vector{*question.name} : std::vector<std::string>{};
    return server_blocks(question.policy, names, chains, question.hosts);
}

LoadOptions options_of(const Question& question)
{
    LoadOptions options;
    options.now = question.now;
    options.trust = question.trust;
    options.ledger = question.ledger;
    options.asks_only = true;
    return options;
}

/// The ledger, open for one view; null where there is none or it cannot be read (judge() says why).
std::unique_ptr<Ledger> open_ledger(const std::string& path)
{
    if (path.empty() || ::access(path.c_str(), F_OK) != 0) {
        return nullptr;
    }
    try {
        auto ledger = std::make_unique<Ledger>(path, Database::Access::read);
        ledger->begin(false);
        return ledger;
    }
    catch (const LedgerError&) {
        return nullptr;
    }
}

/// Whether the pins of a policy accept a chain by what stands above its leaf.
bool accepted_by_issuers(const SentPolicy& policy, const Chain& chain, const TrustPaths& paths)
{
    const auto pinned = [&](const Certificate& certificate) {
        return certificate.pin() && policy.pins.find(*certificate.pin()) != nullptr;
    };
    const bool by_paths =
        !paths.paths.empty() && std::all_of(paths.paths.begin(), paths.paths.end(), [&](const Path& path) {
            return std::any_of(path.certificates.begin() + 1, path.certificates.end(), pinned);
        });
    const bool by_sent = std::any_of(chain.sent.begin() + 1, chain.sent.end(), pinned);
    return !policy.clients.leaf && (!policy.clients.chain || by_paths) && (!policy.clients.sent || by_sent);
}

class StateReader {
public:
    StateReader(const Question& question, Answer& answer) : question_(question), answer_(answer) {}

    void run();

private:
    void read_pins(const Policy& policy);
    void read_roles();
    void read_held();
    void read_sent();
    void read_new_chain(const std::string& file);
    std::vector<HeldPolicy> held_of(const Site& site) const;
    std::map<Pin, std::int64_t> first_served() const;
    const PolicyPin* pin_of(const Chain& chain) const;

    const Question& question_;
    Answer& answer_;
    std::unique_ptr<Ledger> ledger_;
    const PinSet* pins_ = nullptr;
    const Policy* policy_ = nullptr;
};

void StateReader::run()
{
    State& state = answer_.state;
    const std::vector<ServerBlock> blocks = blocks_of(question_, question_.chains);
    answer_.findings = judge(blocks, options_of(question_)).findings;

    Findings again;
    auto site = std::make_shared<Site>(gather(blocks, options_of(question_), true, again));
    answer_.site = site;
    if (site->uses.empty()) {
        return;
    }
    state.now = question_.now;
    ledger_ = open_ledger(question_.ledger);
    // nginx takes one that is not there for empty; here it may as well be the wrong path, and dates would be wrong.
    state.ledger_on = !question_.ledger.empty();
    state.ledger_known = ledger_ != nullptr;
    if (ledger_ != nullptr) {
        site->memory = recall(*site, *ledger_);
        state.now = site->memory.judged_at;
    }
    state.arguments = question_.arguments;
    state.check_arguments = question_.check_arguments;
    read_pins(*site->uses.front().policy);
    answer_.readable = pins_ != nullptr && pins_->unreadable == 0;
    if (!answer_.readable) {
        state.pins.clear();
        return;
    }
    read_roles();
    state.held = held_of(*site);
    read_sent();
    for (const std::string& file : question_.new_chains) {
        read_new_chain(file);
    }
    answer_.plannable = std::all_of(answer_.findings.begin(), answer_.findings.end(), [](const Finding& finding) {
        return finding.severity != Severity::error || finding.id == FindingId::no_backup_pin
               || finding.id == FindingId::too_few_pins || finding.id == FindingId::locks_out_clients;
    });
}

/// The list that binds clients; where none does, that of report-only.
void StateReader::read_pins(const Policy& policy)
{
    State& state = answer_.state;
    policy_ = &policy;
    for (const PinSet& pins : policy.pin_sets) {
        if (pins_ == nullptr || pins.enforced || pins.guarded) {
            pins_ = &pins;
        }
    }
    if (pins_ == nullptr) {
        return;
    }
    state.name = policy.name;
    state.owner = "policy \"" + policy.name + "\"";
    answer_.list = {policy.name, pins_->owner != state.owner};
    state.other_pins = policy.pin_sets.size() > 1;
    state.bare_guard = pins_->guarded && !policy.guard->until;
    for (const PolicyPin& pin : pins_->pins) {
        state.pins.push_back({pin});
    }
    for (const HostPattern* host : answer_.site->servers.front().hosts()) {
        state.hosts.push_back(host->text);
    }
}

/// When keys of leaves were first served to the hosts of this site.
std::map<Pin, std::int64_t> StateReader::first_served() const
{
    std::map<Pin, std::int64_t> served;
    for (const HostPattern* host : answer_.site->servers.front().hosts()) {
        if (ledger_ == nullptr || !can_be_recorded(*host)) {
            continue;
        }
        for (const auto& [pin, first] : ledger_->keys(*host)) {
            const auto [known, is_new] = served.emplace(pin, first);
            known->second = std::min(known->second, first);
        }
    }
    return served;
}

void StateReader::read_roles()
{
    const Server& server = answer_.site->servers.front();
    const std::map<Pin, std::int64_t> served = first_served();
    std::int64_t in_use_since = 0;
    std::set<Pin> leaves;
    for (const Chain* chain : server.chains) {
        const TrustPaths& paths = answer_.site->paths(*policy_, *chain);
        for (const Path& path : paths.paths) {
            for (const Certificate& certificate : path.certificates) {
                if (certificate.pin()) {
                    answer_.served.insert(*certificate.pin());
                }
            }
        }
        if (chain->leaf().pin()) {
            const Pin& leaf = *chain->leaf().pin();
            answer_.served.insert(leaf);
            leaves.insert(leaf);
            const auto since = served.find(leaf);
            in_use_since = std::max(in_use_since, since == served.end() ? answer_.state.now : since->second);
        }
    }
    for (KnownPin& known : answer_.state.pins) {
        const auto since = served.find(known.pin.pin);
        known.leaf = leaves.count(known.pin.pin) != 0;
        known.role = answer_.served.count(known.pin.pin) != 0                ? KnownPin::Role::in_use
                     : known.pin.retired                                     ? KnownPin::Role::retired
                     : since != served.end() && since->second < in_use_since ? KnownPin::Role::old
                                                                             : KnownPin::Role::backup;
    }
}

/// What clients of a site's hosts may hold, each policy once.
std::vector<HeldPolicy> StateReader::held_of(const Site& site) const
{
    using Key = std::tuple<const SentPolicy*, std::string, bool, std::int64_t, std::int64_t>;
    std::map<Key, HeldPolicy> known;
    for (const Remembered& remembered : site.memory.remembered) {
        const Entry& entry = *remembered.entry;
        const Key key{entry.policy.get(), entry.instance, entry.open, entry.last_sent, entry.anchor};
        HeldPolicy& held = known.emplace(key, HeldPolicy{remembered.entry, {}, true}).first->second;
        held.hosts.insert(remembered.name);
        held.ids.insert(entry.id);
        for (const Chain* chain : remembered.server->chains) {
            held.by_issuers = held.by_issuers
                              && accepted_by_issuers(*entry.policy, *chain,
                                                     site.finder->find_remembered(*chain, entry.policy->stores));
        }
    }
    std::vector<HeldPolicy> all;
    for (auto& [key, held] : known) {
        all.push_back(std::move(held));
    }
    std::sort(all.begin(), all.end(), [](const HeldPolicy& a, const HeldPolicy& b) {
        return std::tie(a.entry->first_sent, a.hosts, a.ids) < std::tie(b.entry->first_sent, b.hosts, b.ids);
    });
    return all;
}

/// The same header to the same kind of clients; names of pins and their order are nothing to them.
bool same_policy(const SentPolicy& a, const SentPolicy& b)
{
    const auto keys = [](const SentPolicy& policy) {
        std::set<Pin> all;
        for (const PolicyPin& pin : policy.pins.pins) {
            all.insert(pin.pin);
        }
        return all;
    };
    return a.kind == b.kind && a.name == b.name && a.include_subdomains == b.include_subdomains && keys(a) == keys(b)
           && a.max_age == b.max_age && a.until == b.until;
}

/// Which nginxes send this policy, and which another version of it. A policy may be sent in two ways (report-only
/// beside enforce), and each counts.
void StateReader::read_sent()
{
    State& state = answer_.state;
    const std::vector<Sending> sendings = sendings_of(*answer_.site);
    std::map<SentPolicy::Kind, bool> ways;  // whether somebody sends it so
    std::set<std::string> stale;
    for (const Sending& sending : sendings) {
        ways.emplace(sending.policy->kind, false);
    }
    for (const Sending& sending : sendings) {
        std::map<std::pair<std::string, SentPolicy::Kind>, bool> current;  // of an nginx: whether it sends this version
        using Entries = std::vector<std::shared_ptr<const Entry>>;
        for (const auto& held : ledger_ == nullptr ? Entries{} : ledger_->around(sending.host, state.now)) {
            const Entry& entry = *held;
            const SentPolicy& known = *entry.policy;
            if (!entry.open || host_key(entry.host) != host_key(sending.host) || known.name != sending.policy->name) {
                continue;
            }
            const bool same = same_policy(known, *sending.policy);
            if (same) {
                ways[known.kind] = true;
            }
            if (same || known.kind == sending.policy->kind || ways.count(known.kind) == 0) {
                bool& is_current = current.emplace(std::pair(entry.instance, known.kind), false).first->second;
                is_current = is_current || same;
            }
        }
        for (const auto& [sender, is_current] : current) {
            if (!is_current) {
                stale.insert(sender.first);
            }
        }
    }
    state.sends = !ways.empty();
    state.sent = state.sends && std::all_of(ways.begin(), ways.end(), [](const auto& way) { return way.second; });
    state.stale.assign(stale.begin(), stale.end());
}

/// The policy's pin that a chain has in its leaf; else another one that it has.
const PolicyPin* StateReader::pin_of(const Chain& chain) const
{
    for (const Certificate& certificate : chain.sent) {
        for (const KnownPin& known : answer_.state.pins) {
            if (certificate.pin() == known.pin.pin) {
                return &known.pin;
            }
        }
    }
    return nullptr;
}

void StateReader::read_new_chain(const std::string& file)
{
    const std::vector<ServerBlock> blocks = blocks_of(question_, {file});
    for (Finding& finding : judge(blocks, options_of(question_)).findings) {
        // The date is the plan's; backups are told of by the chain served now.
        if (finding.severity == Severity::error && finding.id != FindingId::locks_out_clients
            && finding.id != FindingId::too_few_pins) {
            answer_.new_chain_findings.push_back(std::move(finding));
        }
    }
    Findings again;
    Site site = gather(blocks, options_of(question_), true, again);
    if (ledger_ != nullptr) {
        site.memory = recall(site, *ledger_);
    }
    const Chain& chain = *site.servers.front().chains.front();
    NewChain to_come{file, chain.text(), pin_of(chain), {}};
    for (HeldPolicy& held : held_of(site)) {
        const SentPolicy& policy = *held.entry->policy;
        const bool accepted =
            accepted_by(policy.clients, chain, site.finder->find_remembered(chain, policy.stores), policy.pins);
        if (!accepted) {
            to_come.not_accepted_by.push_back(std::move(held));
        }
    }
    answer_.state.new_chains.push_back(std::move(to_come));
}

}  // namespace

Answer read_state(const Question& question)
{
    Answer answer;
    try {
        StateReader(question, answer).run();
    }
    catch (const LedgerError&) {
        if (count(answer.findings, Severity::error) == 0) {
            throw;
        }
        answer.readable = answer.plannable = false;  // a finding says it already
    }
    return answer;
}

}  // namespace hpkp::cli::rollover
