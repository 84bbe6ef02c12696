// What CLI11 knows of a command, as --help, the manual pages and the completion need it.
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

/// The words with `between` between them.
std::string joined(const std::vector<std::string>& words, const std::string& between);

/// "hpkp ledger show", from the program down to the command.
std::string path_of(const CLI::App& command);

/// How to set what is typed as it stands ("--format"), and what stands for something else ("FILE").
struct Typeface {
    std::string (*literal)(const std::string&);
    std::string (*placeholder)(const std::string&);
};

/// "-h, --help"; "--format text|json"; "--chain FILE ..." of one that may repeat.
std::string option_term(const CLI::Option& option, const Typeface& face);

/// What an option is for, without any typeface: its description, whether it is required, its default.
std::string option_text(const CLI::Option& option);

/// "hpkp export POLICY --to android|ios [OPTION ...]": how to call it.
std::string synopsis_of(const CLI::App& command, const Typeface& face);

}  // namespace hpkp::cli
