#include "command.hpp"
#include "reference/reference.hpp"

namespace hpkp::cli {

namespace {

/// An option whose value is empty is a shell variable that is not set, not an option that is not there.
void refuse_empty_values(CLI::App& command)
{
    for (CLI::Option* option : command.get_options()) {
        if (option->get_items_expected_max() > 0) {
            option->check([](const std::string& value) { return value.empty() ? "is empty" : ""; });
        }
    }
    for (CLI::App* below : command.get_subcommands({})) {
        refuse_empty_values(*below);
    }
}

}  // namespace

std::unique_ptr<CLI::App> make_program(int& exit_code)
{
    auto program = std::make_unique<CLI::App>("Public key pins: what nginx would say before it sees them", "hpkp");
    // Before any command is added: those take it over.
    program->formatter_fn(
        [](const CLI::App* command, const std::string&, CLI::AppFormatMode) { return help(*command); });
    program->require_subcommand(1);
    program->set_version_flag("--version", "hpkp " HPKP_VERSION);
    add_pin(*program, exit_code);
    add_check(*program, exit_code);
    add_analyse(*program, exit_code);
    add_init(*program, exit_code);
    add_rollover(*program, exit_code);
    add_export(*program, exit_code);
    add_ledger(*program, exit_code);
    refuse_empty_values(*program);
    return program;
}

}  // namespace hpkp::cli
