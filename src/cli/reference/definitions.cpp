#include "definitions.hpp"

#include <sstream>

namespace hpkp::cli {

std::vector<const CLI::App*> commands_of(const CLI::App& command)
{
    // Without a name, or in no group: nothing that --help shows.
    return command.get_subcommands(
        [](const CLI::App* app) { return !app->get_name().empty() && !app->get_group().empty(); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& command)
{
    return command.get_options([](const CLI::Option* o) { return o->nonpositional() && !o->get_group().empty(); });
}

std::vector<const CLI::Option*> positionals_of(const CLI::App& command)
{
    return command.get_options([](const CLI::Option* o) { return o->get_positional() && !o->get_group().empty(); });
}

std::vector<std::string> spellings(const CLI::Option& option)
{
    std::vector<std::string> result;
    for (const std::string& name : option.get_snames()) {
        result.push_back("-" + name);
    }
    for (const std::string& name : option.get_lnames()) {
        result.push_back("--" + name);
    }
    return result;
}

bool takes_value(const CLI::Option& option)
{
    return option.get_items_expected_max() > 0;
}

std::vector<std::string> choices(const CLI::Option& option)
{
    // The check keeps its set to itself: its description, "{text,json}", is all that can be had.
    const std::string type = option.get_type_name();
    const std::size_t open = type.find('{');
    const std::size_t close = type.find('}', open);
    std::vector<std::string> result;
    if (open == std::string::npos || close == std::string::npos) {
        return result;
    }
    std::istringstream list(type.substr(open + 1, close - open - 1));
    for (std::string word; std::getline(list, word, ',');) {
        result.push_back(word);
    }
    return result;
}

std::string joined(const std::vector<std::string>& words, const std::string& between)
{
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : between) + word;
    }
    return text;
}

std::string path_of(const CLI::App& command)
{
    const CLI::App* parent = command.get_parent();
    return (parent == nullptr ? "" : path_of(*parent) + " ") + command.get_name();
}

namespace {

/// What follows where a value may be given more than once.
const char* repeated(const CLI::Option& option)
{
    return option.get_items_expected_max() > 1 ? " ..." : "";
}

/// "FILE", "text|json".
std::string value_term(const CLI::Option& option, const Typeface& face)
{
    std::vector<std::string> names;
    for (const std::string& choice : choices(option)) {
        names.push_back(face.literal(choice));
    }
    if (!names.empty()) {
        return joined(names, "|");
    }
    if (!option.get_option_text().empty()) {
        return face.placeholder(option.get_option_text());
    }
    const std::string type = option.get_type_name();  // "PORT:INT in [1 - 65535]"
    return face.placeholder(type.substr(0, type.find(':')));
}

std::string positional_term(const CLI::Option& option, const Typeface& face)
{
    const std::string text = face.placeholder(option.get_name(true, false)) + repeated(option);
    return option.get_required() ? text : "[" + text + "]";
}

}  // namespace

std::string option_term(const CLI::Option& option, const Typeface& face)
{
    std::vector<std::string> names;
    for (const std::string& name : spellings(option)) {
        names.push_back(face.literal(name));
    }
    return joined(names, ", ") + (takes_value(option) ? " " + value_term(option, face) + repeated(option) : "");
}

std::string option_text(const CLI::Option& option)
{
    const std::string fallback = option.get_default_str();
    return option.get_description() + (option.get_required() ? " (required)" : "")
           + (fallback.empty() ? "" : " (default: " + fallback + ")");
}

std::string synopsis_of(const CLI::App& command, const Typeface& face)
{
    std::string text = face.literal(path_of(command));
    for (const CLI::Option* option : positionals_of(command)) {
        text += " " + positional_term(*option, face);
    }
    if (!commands_of(command).empty()) {
        text += " " + face.placeholder("COMMAND");
    }
    for (const CLI::Option* option : options_of(command)) {
        if (option->get_required()) {
            text += " " + option_term(*option, face);
        }
    }
    return text + " [" + face.placeholder("OPTION") + " ...]";
}

}  // namespace hpkp::cli
