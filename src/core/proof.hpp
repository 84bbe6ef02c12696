// What a load has proved, for whoever wants to read it at nginx's level info.
#pragma once

#include "emission.hpp"
#include "server.hpp"

#include <string>
#include <vector>

namespace hpkp {

/// A line for each server with a policy, at most kMaxLine bytes: where it is, what it sends, the pins that its chains
/// match, on how many paths, its backups, until when clients hold the policy if it is sent no more from now, and what
/// else they hold. `site` has passed all checks, `emissions` are its own.
std::vector<std::string> proofs_of(const Site& site, const Emissions& emissions);

}  // namespace hpkp
