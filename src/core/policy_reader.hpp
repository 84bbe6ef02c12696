// From a policy file to a PolicyFile.
#pragma once

#include "policy.hpp"

#include <ctime>
#include <string>

namespace hpkp {

/// Reads a policy file and the certificates, CSRs and keys that it names. Whatever is wrong with them is a finding with
/// its place; what could be understood is in the result all the same, so that one load can tell all mistakes. A guard
/// that is over at `now` (seconds since the epoch) is a finding, and is not in the result.
PolicyFile read_policy_file(const std::string& path, std::time_t now, Findings& findings);

}  // namespace hpkp
