// --trust NAME=FILE: root programs that a command asks instead of the system's bundle.
#pragma once

#include "policy.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace hpkp::cli {

/// Adds the option; `given` must outlive the command. `instead_of` says what the stores replace.
void add_trust(CLI::App& command, std::vector<std::string>& given, const std::string& instead_of);

/// The stores by name, their paths as given. Throws InputError if one is not NAME=FILE, or a name comes twice.
TrustStores trust_of(const std::vector<std::string>& given);

}  // namespace hpkp::cli
