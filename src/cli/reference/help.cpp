#include "definitions.hpp"
#include "reference.hpp"

namespace hpkp::cli {

namespace {

constexpr std::size_t kColumn = 30;  // where the explanations stand

std::string as_it_is(const std::string& text)
{
    return text;
}

const Typeface kTerminal = {as_it_is, as_it_is};

/// A term and its explanation, each line of it in its column; beside the term if that leaves room.
std::string entry(const std::string& term, const std::string& text)
{
    std::string result = "  " + term;
    if (result.size() < kColumn) {
        result.resize(kColumn, ' ');
    } else {
        result += "\n" + std::string(kColumn, ' ');
    }
    for (const char c : text) {
        result += c == '\n' ? "\n" + std::string(kColumn, ' ') : std::string(1, c);
    }
    return result + "\n";
}

std::string section(const std::string& title, const std::string& entries)
{
    return entries.empty() ? "" : "\n" + title + ":\n" + entries;
}

}  // namespace

std::string help(const CLI::App& command)
{
    std::string arguments;
    for (const CLI::Option* option : positionals_of(command)) {
        arguments += entry(option->get_name(true, false), option->get_description());
    }
    std::string options;
    for (const CLI::Option* option : options_of(command)) {
        options += entry(option_term(*option, kTerminal), option_text(*option));
    }
    std::string commands;
    for (const CLI::App* below : commands_of(command)) {
        const std::string text = below->get_description();
        commands += entry(below->get_name(), text.substr(0, text.find('\n')));
    }
    const std::string more = command.get_footer();
    return command.get_description() + "\n\nUsage: " + synopsis_of(command, kTerminal) + "\n"
           + section("Arguments", arguments) + section("Commands", commands) + section("Options", options)
           + (more.empty() ? "" : "\n" + more + "\n");
}

}  // namespace hpkp::cli
