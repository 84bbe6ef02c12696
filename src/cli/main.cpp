// hpkp: what the operator does around the server, with the module's own checks.
#include "command.hpp"
#include "output.hpp"

#include <clocale>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>

int main(int argc, char** argv)
{
    int exit_code = hpkp::cli::kFine;
    std::setlocale(LC_CTYPE, "");  // libcurl reads names that are not in ASCII by it
    try {
        const auto program = hpkp::cli::make_program(exit_code);
        try {
            program->parse(argc, argv);
        }
        catch (const CLI::RequiredError& error) {
            // An option that takes several values takes all that follow.
            program->exit(error, std::cout, std::cerr);
            if (program->get_subcommands().empty()) {
                return hpkp::cli::kUsage;
            }
            std::cerr << "Write what has no option before it first: hpkp COMMAND FILE --option VALUE...\n";
            return hpkp::cli::kUsage;
        }
        catch (const CLI::ParseError& error) {
            return program->exit(error) == 0 ? hpkp::cli::kFine : hpkp::cli::kUsage;
        }
        std::cout.flush();
        if (!std::cout) {
            std::cerr << "hpkp: the output cannot be written\n";
            return hpkp::cli::kUsage;
        }
    }
    catch (const std::exception& error) {
        std::istringstream lines(error.what());
        const char* before = "hpkp: ";
        for (std::string line; std::getline(lines, line); before = "") {
            std::cerr << before << hpkp::cli::printable(line) << '\n';
        }
        return hpkp::cli::kUsage;
    }
    return exit_code;
}
