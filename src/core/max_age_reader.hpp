// From "max-age" of a policy to seconds.
#pragma once

#include "finding.hpp"
#include "map_reader.hpp"
#include "yaml_tree.hpp"

#include <cstdint>

namespace hpkp {

/// The seconds of "max-age: 30d", the value `node` of the mapping `enforce`. A ramp is read and checked, and refused
/// for now: it needs the ledger. 0 and findings where it is wrong.
std::int64_t read_max_age(const MapReader& enforce, const YamlNode& node, Findings& findings);

}  // namespace hpkp
