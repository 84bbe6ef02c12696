// What to know about headers beyond the findings, in plain sentences.
#pragma once

#include "header_checks.hpp"

#include <string>
#include <vector>

namespace hpkp::cli {

/// A sentence each, without full stop.
std::vector<std::string> advice_on(const Observation& seen, const PinsHeaders& headers);

}  // namespace hpkp::cli
