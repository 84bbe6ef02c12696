// Chains and paths as text, for the details of a finding.
#pragma once

#include "paths/trust_paths.hpp"
#include "policy.hpp"

#include <string>
#include <vector>

namespace hpkp {

/// The certificates sent that stand on no path: clients must ignore them (RFC 7469 2.6).
std::vector<Certificate> superfluous(const Chain& chain, const TrustPaths& paths);

/// Paths that are one to whoever compares pins: two roots with one key, two certificates of one intermediate.
using PathGroup = std::vector<const Path*>;
std::vector<PathGroup> grouped_by_pins(const std::vector<Path>& paths);

/// The paths, a line a certificate from the leaf to the root, with its pin and a mark on those that match; then the
/// certificates on no path; then the paths that do not count, each with its reason.
std::vector<std::string> draw(const Chain& chain, const TrustPaths& paths, const PinSet& pins);

}  // namespace hpkp
