// The plan of a key change: which step is due, which comes later, from when on each is safe, and why.
//
// The rule: a key may be SERVED only once every policy that a client of these hosts may still hold contains its pin; a
// pin may be REMOVED at once, only the way back to its key is lost (RFC 7469 2.6, 4.1). The plan follows from the
// policy file, the ledger and the chains served now; it keeps no state of its own.
#pragma once

#include "step.hpp"

#include "ledger/entry.hpp"
#include "policy.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hpkp::cli::rollover {

/// A pin of the policy, and what its key is at this moment.
struct KnownPin {
    enum class Role {
        in_use,   // on a path of a chain served now
        backup,   // not retired, on no path
        old,      // a backup by its form, but it was served before the key in use was
        retired,  // retired, on no path
    };

    PolicyPin pin;
    Role role = Role::backup;
    bool leaf = false;  // in use as the key of a leaf, not of an authority

    bool is(Role wanted) const { return role == wanted; }
};

const char* role_text(KnownPin::Role role);

/// A policy that clients of these hosts may still hold: entries of the ledger that differ in nothing but the host.
struct HeldPolicy {
    std::shared_ptr<const Entry> entry;
    std::set<std::string> hosts;
    /// Its clients accept the chains served now by what stands above the leaf: any leaf key of these issuers will do.
    bool by_issuers = false;
    std::set<std::string> ids = {};  // of the entries
};

/// "a.example.com, b.example.com and 5 more"
std::string hosts_text(const HeldPolicy& held);

/// A chain to come (--new-chain).
struct NewChain {
    std::string file;
    std::string text;                // "the chain of NAME"
    const PolicyPin* pin = nullptr;  // the pin of the policy that its leaf has, or another that it matches; may be null
    std::vector<HeldPolicy> not_accepted_by;
};

/// What the plan is made from.
struct State {
    std::string owner;               // policy "www", for messages
    std::string name;                // www
    std::string arguments;           // of the command line, for what to type next: "pins.yaml --chain www.pem"
    std::string check_arguments;     // the same for hpkp check of another chain
    std::vector<std::string> hosts;  // of the server, for the same
    std::vector<KnownPin> pins;
    std::vector<HeldPolicy> held;
    std::vector<NewChain> new_chains;
    std::int64_t now = 0;  // by which the core judges what clients hold: Ledger::judged_at()

    bool ledger_on = false;     // false: hpkp_ledger off
    bool ledger_known = false;  // false: it is off or not there, and what clients hold cannot be said
    bool sends = true;          // the ledger would know it if this policy were sent; false for a guard without "until"
    bool sent = false;          // some nginx sends this policy as it stands in the file
    std::vector<std::string> stale;  // nginxes that send it in another version
    bool bare_guard = false;         // a guard without "until"
    bool other_pins = false;         // report-only has pins of its own, which this plan is not about
};

/// Entries of clients that would refuse a chain, and until when.
struct Wait {
    std::int64_t until = 0;  // the chain is accepted from this second on, if what is open is sent no more from now
    std::vector<const HeldPolicy*> held;

    bool open() const;
};

/// How long a chain has to wait whose leaf has the key of this pin, and of which nothing else is known; under
/// `same_issuers` it is the same chain as now but for the leaf.
Wait wait_for(const State& state, const Pin& pin, bool same_issuers);

/// The pins that the steps point to are those of `state`, which must outlive the plan.
Plan make_plan(const State& state);

}  // namespace hpkp::cli::rollover
