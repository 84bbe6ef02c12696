#include "output.hpp"

#include "utf8.hpp"

#include <unistd.h>

#include <cstdlib>

namespace hpkp::cli {

namespace {

const char* severity_text(Severity severity)
{
    switch (severity) {
    case Severity::error:
        return "error";
    case Severity::warning:
        return "warning";
    case Severity::note:
        break;
    }
    return "note";
}

}  // namespace

void add_format(CLI::App& command, Format& format)
{
    command.add_option("--format", format.name, "text, or json for programs")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
}

void print_json(std::ostream& out, nlohmann::json document)
{
    document["version"] = kJsonVersion;
    // What is no UTF-8 is replaced, not thrown at the user.
    out << document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

nlohmann::json json_of(const Finding& finding)
{
    nlohmann::json place;
    if (finding.place) {
        place = {{"file", finding.place->file}, {"line", finding.place->line}, {"column", finding.place->column}};
    }
    return {{"id", id_text(finding.id)},
            {"severity", severity_text(finding.severity)},
            {"place", place},
            {"what", finding.what},
            {"details", finding.details},
            {"remedy", finding.remedy},
            {"see", section(finding.id)}};
}

nlohmann::json json_of(const Findings& findings)
{
    nlohmann::json list = nlohmann::json::array();
    for (const Finding& finding : findings) {
        list.push_back(json_of(finding));
    }
    return list;
}

std::string coloured(Severity severity, const std::string& text)
{
    static const bool wanted = ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
    if (!wanted) {
        return text;
    }
    const char* code = severity == Severity::error ? "31" : severity == Severity::warning ? "33" : "36";
    return std::string("\033[") + code + "m" + text + "\033[0m";
}

void print_findings(std::ostream& out, const Findings& findings)
{
    for (const Finding& finding : findings) {
        bool first = true;
        for (const Line& line : render(finding)) {
            if (first) {
                out << coloured(finding.severity, severity_text(finding.severity)) << ": ";
            }
            out << line.text << '\n';
            first = false;
        }
    }
}

std::string printable(const std::string& text, std::size_t limit)
{
    return presentable(text, limit);
}

std::string shell_word(const std::string& word)
{
    const bool plain = word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=:@+,-")
                       == std::string::npos;
    if (plain && !word.empty()) {
        return word;
    }
    std::string quoted = "'";
    for (const char c : word) {
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quoted + "'";
}

}  // namespace hpkp::cli
