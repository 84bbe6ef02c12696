// hpkp_reference DIR: writes DIR/man/*.1 and DIR/hpkp.bash, for the build.
#include "reference.hpp"

#include "command.hpp"
#include "definitions.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>

namespace {

void write(const std::filesystem::path& path, const std::string& text)
{
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) {
        throw std::runtime_error(path.string() + " cannot be written");
    }
}

}  // namespace

int main(int argc, char** argv)
{
    try {
        if (argc != 2) {
            throw std::runtime_error("usage: hpkp_reference DIR");
        }
        const std::filesystem::path directory = argv[1];
        std::filesystem::create_directories(directory / "man");
        int exit_code = 0;
        const auto program = hpkp::cli::make_program(exit_code);
        write(directory / "man" / "hpkp.1", hpkp::cli::man_page(*program, nullptr));
        for (const CLI::App* command : hpkp::cli::commands_of(*program)) {
            write(directory / "man" / ("hpkp-" + command->get_name() + ".1"), hpkp::cli::man_page(*program, command));
        }
        write(directory / "hpkp.bash", hpkp::cli::bash_completion(*program));
        return 0;
    }
    catch (const std::exception& error) {
        std::cerr << "hpkp_reference: " << error.what() << '\n';
        return 2;
    }
}
