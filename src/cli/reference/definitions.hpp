// What CLI11 knows of a command, as the manual pages and the completion need it.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace hpkp::cli {

/// The commands below this one, in the order of their definition.
std::vector<const CLI::App*> commands_of(const CLI::App& command);

/// "--format"-like options, and positionals, that --help shows; in the order of their definition.
std::vector<const CLI::Option*> options_of(const CLI::App& command);
std::vector<const CLI::Option*> positionals_of(const CLI::App& command);

/// "-h", "--help".
std::vector<std::string> spellings(const CLI::Option& option);

/// Whether a value follows it: it is no flag.
bool takes_value(const CLI::Option& option);

/// The values that its IsMember check takes; empty without one.
std::vector<std::string> choices(const CLI::Option& option);

/// What --help calls its value, such as "FILE".
std::string value_name(const CLI::Option& option);

/// The words with `between` between them.
std::string joined(const std::vector<std::string>& words, const std::string& between);

}  // namespace hpkp::cli
