// How the commands print: text for people, JSON for programs.
#pragma once

#include "finding.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <ostream>
#include <string>

namespace hpkp::cli {

/// Of every JSON document that the tool prints: {"version": 1, ...}. Keys may be added within a version.
constexpr int kJsonVersion = 1;

/// --format text|json.
struct Format {
    std::string name = "text";

    bool json() const { return name == "json"; }
};

/// Adds the option; `format` must outlive the command.
void add_format(CLI::App& command, Format& format);

/// Prints a document with its version, indented, and a line end.
void print_json(std::ostream& out, nlohmann::json document);

/// {"id", "severity", "place": {"file", "line", "column"} or null, "what", "details": [], "remedy", "see"}
nlohmann::json json_of(const Finding& finding);
nlohmann::json json_of(const Findings& findings);

/// The text in the colour of its severity, where standard output is a terminal and NO_COLOR is not set.
std::string coloured(Severity severity, const std::string& text);

/// Findings in the words that nginx logs, each line with its severity before it.
void print_findings(std::ostream& out, const Findings& findings);

/// Text from outside (names, headers) as it may go to a terminal: no control characters, at most `limit` bytes.
std::string printable(const std::string& text, std::size_t limit = kMaxLine);

/// A word as it is typed to a shell.
std::string shell_word(const std::string& word);

}  // namespace hpkp::cli
