// What the commands of the tool share. One file a command; to add one: its file, its line here and in commands.cpp.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>

namespace hpkp::cli {

// Exit codes of every command.
constexpr int kFine = 0;
constexpr int kFindings = 1;  // findings of error severity
constexpr int kUsage = 2;     // wrong usage, or input that cannot be read

/// The whole program: its commands, options and their help, from which the manual pages are made too. What a command
/// runs leaves its exit code in `exit_code`, which must outlive the program.
std::unique_ptr<CLI::App> make_program(int& exit_code);

// Each adds its command.
void add_pin(CLI::App& program, int& exit_code);
void add_check(CLI::App& program, int& exit_code);
void add_analyse(CLI::App& program, int& exit_code);
void add_init(CLI::App& program, int& exit_code);
void add_rollover(CLI::App& program, int& exit_code);
void add_export(CLI::App& program, int& exit_code);
void add_ledger(CLI::App& program, int& exit_code);

}  // namespace hpkp::cli
