// From "max-age" of a policy to seconds.
#pragma once

#include "finding.hpp"
#include "map_reader.hpp"
#include "max_age.hpp"
#include "yaml_tree.hpp"

#include <cstdint>

namespace hpkp {

/// The max-age of "max-age: 30d" or "max-age: {ramp: [...]}", the value `node` of the mapping `enforce`. 0 and findings
/// where it is wrong.
MaxAge read_max_age(const MapReader& enforce, const YamlNode& node, Findings& findings);

}  // namespace hpkp
