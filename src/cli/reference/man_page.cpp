#include "definitions.hpp"
#include "reference.hpp"

#include "hpkp.h"
#include "paths/trust_store.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace hpkp::cli {

namespace {

/// Text that troff takes as it stands: its own characters, a hyphen that can be copied as one, no macro at the start.
std::string plain(const std::string& text)
{
    std::string result;
    for (const char c : text) {
        switch (c) {
        case '\\':
            result += "\\e";
            break;
        case '-':
            result += "\\-";
            break;
        case '\'':
            result += "\\(aq";
            break;
        case '`':
            result += "\\(ga";
            break;
        case '^':
            result += "\\(ha";
            break;
        case '~':
            result += "\\(ti";
            break;
        default:
            result += c;
        }
    }
    return result.rfind('.', 0) == 0 ? "\\&" + result : result;
}

std::string bold(const std::string& text)
{
    return "\\fB" + plain(text) + "\\fR";
}

std::string italic(const std::string& text)
{
    return "\\fI" + plain(text) + "\\fR";
}

std::string entry(const std::string& term, const std::string& text)
{
    return ".TP\n" + term + "\n" + text + "\n";
}

/// Several lines, each on a line of its own.
std::string broken(const std::string& text)
{
    std::istringstream lines(text);
    std::string result;
    for (std::string line; std::getline(lines, line);) {
        result += (result.empty() ? "" : "\n.br\n") + plain(line);
    }
    return result;
}

enum class Kind { text, item, verbatim };

/// An indented line is an item, if it is a word, two spaces and more ("  envoy  what it is"), else as it stands. The
/// longest word of a list may have one space after it: it is an item too where the line before was one.
Kind kind_of(const std::string& line, Kind last)
{
    if (line.front() != ' ') {
        return Kind::text;
    }
    const std::size_t word = line.find_first_not_of(' ');
    const std::size_t end = line.find(' ', word);
    const bool is_item = end != std::string::npos && (last == Kind::item || line.compare(end, 2, "  ") == 0);
    return is_item ? Kind::item : Kind::verbatim;
}

std::string item(const std::string& line)
{
    const std::size_t word = line.find_first_not_of(' ');
    const std::size_t end = line.find(' ', word);
    return entry(bold(line.substr(word, end - word)), plain(line.substr(line.find_first_not_of(' ', end))));
}

/// Paragraphs, lists of items, and what is to stand as it is.
std::string prose(const std::string& text)
{
    std::istringstream lines(text);
    std::string result;
    Kind last = Kind::text;
    bool gap = false;
    for (std::string line; std::getline(lines, line);) {
        line.erase(line.find_last_not_of(" \r") + 1);
        if (line.empty()) {
            gap = true;
            continue;
        }
        const Kind kind = kind_of(line, last);
        if (last == Kind::verbatim && kind != Kind::verbatim) {
            result += ".EE\n";
        }
        if (!result.empty() && kind != Kind::item && (gap || kind != last)) {
            result += kind == Kind::verbatim && last == Kind::verbatim ? "\n" : ".PP\n";
        }
        if (kind == Kind::verbatim && last != Kind::verbatim) {
            result += ".EX\n";
        }
        result += kind == Kind::item ? item(line) : plain(line) + "\n";
        last = kind;
        gap = false;
    }
    return result + (last == Kind::verbatim ? ".EE\n" : "");
}

std::string first_line(const std::string& text)
{
    return text.substr(0, text.find('\n'));
}

std::string other_lines(const std::string& text)
{
    const std::size_t end = text.find('\n');
    return end == std::string::npos ? "" : text.substr(end + 1);
}

std::string section(const std::string& title)
{
    return ".SH " + title + "\n";
}

std::string page_name(std::string path)
{
    std::replace(path.begin(), path.end(), ' ', '-');
    return path;
}

/// The terms that --help has too, as a printed page sets them.
const Typeface kPage = {bold, italic};

std::string synopsis(const CLI::App& command)
{
    return synopsis_of(command, kPage) + "\n";
}

std::string entries_of(const CLI::App& command)
{
    std::string text;
    for (const CLI::Option* option : positionals_of(command)) {
        text += entry(italic(option->get_name(true, false)), broken(option->get_description()));
    }
    for (const CLI::Option* option : options_of(command)) {
        text += entry(option_term(*option, kPage), broken(option_text(*option)));
    }
    return text;
}

std::string description(const CLI::App& command)
{
    const std::string all = command.get_description();
    const std::string first = first_line(all);
    const std::string more = prose(other_lines(all) + "\n\n" + command.get_footer());
    const bool ended = !first.empty() && std::string(".:!?").find(first.back()) != std::string::npos;
    return plain(first) + (ended ? "\n" : ".\n") + (more.empty() ? "" : ".PP\n" + more);
}

/// The commands of the program have pages of their own; those of a command are told whole.
std::string commands_section(const CLI::App& command, bool whole)
{
    if (commands_of(command).empty()) {
        return "";
    }
    std::string text = section("COMMANDS");
    for (const CLI::App* below : commands_of(command)) {
        if (whole) {
            text += ".SS " + plain(path_of(*below)) + "\n" + synopsis(*below) + ".PP\n" + description(*below)
                    + entries_of(*below);
        } else {
            text += entry(bold(path_of(*below)), plain(first_line(below->get_description())) + ":\n"
                                                     + bold(page_name(path_of(*below))) + "(1)");
        }
    }
    return text;
}

bool has_option(const CLI::App& command, const std::string& name)
{
    const auto below = commands_of(command);
    return command.get_option_no_throw(name) != nullptr
           || std::any_of(below.begin(), below.end(), [&](const CLI::App* app) { return has_option(*app, name); });
}

std::string files(const CLI::App& command)
{
    std::string text;
    if (has_option(command, "--ledger")) {
        text += entry(italic(HPKP_LEDGER), "The ledger, unless " + bold("--ledger") + " names another.");
    }
    if (has_option(command, "--trust")) {
        text += entry(italic(kSystemBundle),
                      "The system's roots: they count where neither the policy nor " + bold("--trust") + " names any.");
    }
    return text.empty() ? "" : section("FILES") + text;
}

std::string see_also(const CLI::App& program, const CLI::App& shown)
{
    std::vector<std::string> pages;
    if (&shown != &program) {
        pages.push_back(bold(program.get_name()) + "(1)");
    }
    for (const CLI::App* command : commands_of(program)) {
        if (command != &shown) {
            pages.push_back(bold(page_name(path_of(*command))) + "(1)");
        }
    }
    pages.push_back(bold("nginx") + "(8)");
    return section("SEE ALSO") + joined(pages, ",\n") + "\n";
}

}  // namespace

std::string man_page(const CLI::App& program, const CLI::App* command)
{
    const CLI::App& shown = command == nullptr ? program : *command;
    const std::string name = page_name(path_of(shown));
    std::string title = name;
    std::transform(title.begin(), title.end(), title.begin(), [](unsigned char c) { return std::toupper(c); });
    std::string what = first_line(shown.get_description());
    if (what.size() > 1 && std::isupper(static_cast<unsigned char>(what[1])) == 0) {
        what[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(what[0])));
    }

    return ".\\\" Made from the program's own --help: edit that.\n"
           ".TH "
           + plain(title) + " 1 \"\" \"" + plain(program.version()) + "\" \"User Commands\"\n.ad l\n.nh\n"
           + section("NAME") + plain(name) + " \\- " + plain(what) + "\n" + section("SYNOPSIS") + synopsis(shown)
           + section("DESCRIPTION") + description(shown) + section("OPTIONS") + entries_of(shown)
           + commands_section(shown, command != nullptr) + section("EXIT STATUS") + entry("0", "Fine.")
           + entry("1", "Something of error severity was found.")
           + entry("2", "Wrong usage, or input that cannot be read.") + section("ENVIRONMENT")
           + entry("NO_COLOR", "If set, a terminal gets no colours either.") + files(shown) + see_also(program, shown);
}

}  // namespace hpkp::cli
