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

std::string value_name(const CLI::Option& option)
{
    if (!option.get_option_text().empty()) {
        return option.get_option_text();
    }
    const std::string type = option.get_type_name();  // "TEXT:{text,json}"
    return type.substr(0, type.find(':'));
}

std::string joined(const std::vector<std::string>& words, const std::string& between)
{
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : between) + word;
    }
    return text;
}

}  // namespace hpkp::cli
