// hpkp: what the operator does around the server, with the module's own checks.
#include "command.hpp"
#include "output.hpp"

#include <clocale>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>

namespace {

/// The exit code once standard output has all of it.
int after_output(int exit_code)
{
    std::cout.flush();
    if (!std::cout) {
        std::cerr << "hpkp: the output cannot be written\n";
        return hpkp::cli::kUsage;
    }
    return exit_code;
}

/// What to say of a word that was taken for a command; empty if there is none. CLI11 only misses the command.
std::string no_command(const CLI::App& program, int argc, char** argv)
{
    const CLI::App* command = &program;
    std::string name = program.get_name();
    for (int at = 1; at < argc && command->get_require_subcommand_min() != 0 && argv[at][0] != '-'; at++) {
        const auto below = command->get_subcommands();
        if (below.empty() || below.front()->get_name() != argv[at]) {
            return name + " has no command \"" + hpkp::cli::printable(argv[at]) + "\"";
        }
        command = below.front();
        name += " " + command->get_name();
    }
    return "";
}

}  // namespace

int main(int argc, char** argv)
{
    int exit_code = hpkp::cli::kFine;
    static_cast<void>(std::setlocale(LC_CTYPE, ""));  // libcurl reads names that are not in ASCII by it
    try {
        const auto program = hpkp::cli::make_program(exit_code);
        try {
            program->parse(argc, argv);
        }
        catch (const CLI::RequiredError& error) {
            // An option that takes several values takes all that follow.
            if (const std::string why = no_command(*program, argc, argv); !why.empty()) {
                std::cerr << why << "\nRun with --help for more information.\n";
                return hpkp::cli::kUsage;
            }
            program->exit(error, std::cout, std::cerr);
            if (program->get_subcommands().empty()) {
                return hpkp::cli::kUsage;
            }
            std::cerr << "Write what has no option before it first: hpkp COMMAND FILE --option VALUE...\n";
            return hpkp::cli::kUsage;
        }
        catch (const CLI::ParseError& error) {
            return after_output(program->exit(error) == 0 ? hpkp::cli::kFine : hpkp::cli::kUsage);
        }
        return after_output(exit_code);
    }
    catch (const std::exception& error) {
        std::istringstream lines(error.what());
        const char* before = "hpkp: ";
        for (std::string line; std::getline(lines, line); before = "") {
            std::cerr << before << hpkp::cli::printable(line) << '\n';
        }
        return hpkp::cli::kUsage;
    }
}
