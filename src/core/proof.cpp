#include "proof.hpp"

#include "duration.hpp"
#include "finding.hpp"
#include "match.hpp"
#include "utf8.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace hpkp {

namespace {

std::string quoted(const std::vector<const PolicyPin*>& pins)
{
    std::string text;
    for (const PolicyPin* pin : pins) {
        text += (text.empty() ? "\"" : ", \"") + pin->label() + "\"";
    }
    return text;
}

/// Which of the pins clients find, and where: on the validated paths, or, where the policy is not for such clients, in
/// what is sent.
std::string match_text(const Clients& clients, const Chain& chain, const TrustPaths& paths, const PinSet& pins)
{
    std::vector<const PolicyPin*> matched;
    const auto add = [&](const PolicyPin* pin) {
        if (pin != nullptr && std::find(matched.begin(), matched.end(), pin) == matched.end()) {
            matched.push_back(pin);
        }
    };
    std::string where;
    if (clients.chain) {
        std::size_t on = 0;
        for (const Path& path : paths.paths) {
            const PolicyPin* pin = matching_pin(path, pins);
            on += pin != nullptr ? 1 : 0;
            add(pin);
        }
        const std::size_t n = paths.paths.size();
        where = n == 1    ? "on its path"
                : on == n ? "on all " + std::to_string(n) + " paths"
                          : "on " + std::to_string(on) + " of " + std::to_string(n) + " paths";
    } else {
        const std::size_t seen = clients.sent ? chain.sent.size() : 1;
        for (std::size_t i = 0; i < seen; i++) {
            add(chain.sent[i].pin() ? pins.find(*chain.sent[i].pin()) : nullptr);
        }
        where = clients.sent ? "among the certificates sent" : "by its leaf";
    }
    // A rehearsal of a chain of tomorrow, say.
    if (matched.empty()) {
        return chain.text() + " does not match";
    }
    return chain.text() + " matches " + quoted(matched) + " " + where
           + (accepted_by(clients, chain, paths, pins) ? "" : ", which is not enough for all its clients");
}

class Prover {
public:
    Prover(const Site& site, const Emissions& emissions) : site_(site), emissions_(emissions)
    {
        for (const PolicyUse& use : site.uses) {
            for (const PinSet& pins : use.policy->pin_sets) {
                const std::string found = quoted(backups(site, use, pins));
                backups_[&pins] = found.empty() ? "no backup" : "backups " + found;
            }
        }
        for (const Remembered& remembered : site.memory.remembered) {
            Held& held = held_[remembered.server];
            held.policies.insert(remembered.entry->policy.get());
            held.until = std::max(held.until, remembered.entry->held_until(site.memory.judged_at));
            held.matches = held.matches && accepted(remembered);
        }
    }

    std::string line(std::size_t index) const
    {
        const Server& server = site_.servers[index];
        std::string text = "in " + server.block->place.text() + ":";
        for (const Policy* policy : server.policies) {
            for (const PinSet& pins : policy->pin_sets) {
                text += " " + pins.owner + ", " + sent_as(*policy, pins, emissions_.servers[index]) + ": ";
                for (const Chain* chain : server.chains) {
                    text += match_text(policy->clients, *chain, site_.paths(*policy, *chain), pins) + ", ";
                }
                text += backups_.at(&pins) + ";";
            }
        }
        const auto held = held_.find(&server);
        if (held == held_.end()) {
            text += " clients hold nothing from before";
        } else {
            const std::size_t n = held->second.policies.size();
            text += " what clients hold from before (" + std::to_string(n) + (n == 1 ? " policy" : " policies")
                    + ", until " + date_text(held->second.until, site_.now) + ")"
                    + (held->second.matches ? " matches too" : " does not match");
        }
        return presentable(text, kMaxLine);
    }

private:
    struct Held {
        std::set<const SentPolicy*> policies;
        std::int64_t until = 0;
        bool matches = true;
    };

    /// Not so under "hpkp_lockout warn", and where only nginx could say whether they meet.
    bool accepted(const Remembered& remembered) const
    {
        const SentPolicy& policy = *remembered.entry->policy;
        const auto& chains = remembered.server->chains;
        return std::all_of(chains.begin(), chains.end(), [&](const Chain* chain) {
            return accepted_by(policy.clients, *chain, site_.finder->find_remembered(*chain, policy.stores),
                               policy.pins);
        });
    }

    std::string sent_as(const Policy& policy, const PinSet& pins, const Emission& emission) const
    {
        std::string text;
        const auto add = [&](const std::string& way) {
            text += (text.empty() ? "" : " and ") + way;
        };
        if (pins.enforced) {
            add("enforced and held until " + date_text(site_.now + emission.max_age, site_.now) + " if last sent now");
        }
        if (pins.reported) {
            add("report-only");
        }
        if (pins.guarded) {
            add(policy.guard->until ? "a guard until " + date_text(*policy.guard->until, site_.now) : "a guard");
        }
        return text;
    }

    const Site& site_;
    const Emissions& emissions_;
    std::map<const PinSet*, std::string> backups_;
    std::map<const Server*, Held> held_;
};

}  // namespace

std::vector<std::string> proofs_of(const Site& site, const Emissions& emissions)
{
    const Prover prover(site, emissions);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < site.servers.size(); i++) {
        if (emissions.servers[i].has_policy) {
            lines.push_back(prover.line(i));
        }
    }
    return lines;
}

}  // namespace hpkp
