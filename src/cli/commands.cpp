#include "command.hpp"
#include "reference/reference.hpp"

namespace hpkp::cli {

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
    return program;
}

}  // namespace hpkp::cli
