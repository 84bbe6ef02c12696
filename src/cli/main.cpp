// hpkp: what the operator does around the server, with the module's own checks.
#include "command.hpp"

#include <exception>
#include <iostream>

int main(int argc, char** argv)
{
    int exit_code = hpkp::cli::kFine;
    CLI::App program("Public key pins: what nginx would say before it sees them");
    program.require_subcommand(1);
    hpkp::cli::add_ledger(program, exit_code);
    try {
        program.parse(argc, argv);
    }
    catch (const CLI::ParseError& error) {
        return program.exit(error) == 0 ? hpkp::cli::kFine : hpkp::cli::kUsage;
    }
    catch (const std::exception& error) {
        std::cerr << "hpkp: " << error.what() << '\n';
        return hpkp::cli::kUsage;
    }
    return exit_code;
}
