// From the facts of nginx's configuration to the site that the checks look at.
#pragma once

#include "server.hpp"

namespace hpkp {

/// Reads the policy files and the files of hpkp_served_chain, resolves which server serves which chains under which
/// policies and answers to which names, and finds the paths of each distinct chain once. What cannot be resolved is a
/// finding (policy files', unknown-policy, served-chain-unreadable, bad-value); the rest of the site is complete.
/// `now` in seconds since the epoch.
Site gather(std::vector<ServerBlock> blocks, std::time_t now, Findings& findings);

}  // namespace hpkp
