// What a plan is made from, read by the core: the policy, the chains served now, the ledger.
#pragma once

#include "plan.hpp"
#include "policy_editor.hpp"

#include "gather.hpp"

#include <set>

namespace hpkp::cli::rollover {

/// What the command line names.
struct Question {
    std::string policy;                   // the file
    std::optional<std::string> name;      // of the policy in it
    std::vector<std::string> chains;      // served now
    std::vector<std::string> new_chains;  // to come
    std::vector<std::string> hosts;       // empty: those of the certificates
    std::string ledger;                   // empty: none
    TrustStores trust;                    // instead of those of the policy, unless empty
    std::time_t now = 0;
    std::string arguments;        // the same as to be typed again
    std::string check_arguments;  // and without the chains
};

/// The answer. The plan's pins, and what the state points to, live as long as it.
struct Answer {
    Findings findings;       // what nginx would say, errors included
    bool readable = false;   // the policy and its pins could be read: there is a state
    bool plannable = false;  // and nothing is wrong but what a plan can mend: a lack of backups, a lock-out
    State state;
    PinListName list;             // where the pins stand in the file
    std::set<Pin> served;         // keys on the paths of the chains served now
    Findings new_chain_findings;  // of the new chains: errors but for the date
    std::shared_ptr<const Site> site;
};

/// Throws InputError where a chain file cannot be read.
Answer read_state(const Question& question);

}  // namespace hpkp::cli::rollover
