// What the commands of the tool share. One file a command.
#pragma once

#include <CLI/CLI.hpp>

namespace hpkp::cli {

// Exit codes of every command.
constexpr int kFine = 0;
constexpr int kFindings = 1;  // findings of error severity
constexpr int kUsage = 2;     // wrong usage, or input that cannot be read

/// Each adds its command to the program; what it runs leaves its exit code in `exit_code`.
void add_ledger(CLI::App& program, int& exit_code);

}  // namespace hpkp::cli
