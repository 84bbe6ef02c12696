// From the "pins" list of a policy to its pins.
#pragma once

#include "policy.hpp"
#include "yaml_tree.hpp"

namespace hpkp {

/// Fills `set.pins` from a YAML list. `subject` names the list's owner in messages; files that pins are computed from
/// are added to `file.sources`. Findings: bad-pin, placeholder-pin, duplicate-pin, pin-source, and those of the keys.
void read_pin_list(const YamlNode& list, const std::string& subject, PinSet& set, PolicyFile& file, Findings& findings);

}  // namespace hpkp
