// From the facts of nginx's configuration to the site that the checks look at.
#pragma once

#include "ledger/ledger.hpp"
#include "server.hpp"

namespace hpkp {

struct LoadOptions {
    std::time_t now = 0;  // seconds since the epoch
    bool strict = false;  // warnings refuse too (hpkp_strict)
    std::string system_bundle = kSystemBundle;
    TrustStores trust;  // instead of the stores that the policy files name, unless empty

    std::string ledger;          // its file; empty: hpkp_ledger off
    bool lockout_warns = false;  // hpkp_lockout warn
    bool writes = false;         // not nginx -t, nor an "nginx -s" process: this load may send
    bool asks_only = false;      // the tool: who asks need not be able to write the ledger as nginx must
    LedgerLoad load;             // which load of which nginx this is
};

/// Reads the policy files, their trust stores and the files of hpkp_served_chain, resolves which server serves which
/// chains under which policies and answers to which names, and finds the paths of each distinct chain once. What cannot
/// be resolved is a finding (policy files', trust-unreadable, unknown-policy, served-chain-unreadable, bad-value); the
/// rest of the site is complete. Under `remembering` chains are gathered even if no server has a policy.
Site gather(std::vector<ServerBlock> blocks, const LoadOptions& options, bool remembering, Findings& findings);

}  // namespace hpkp
