#include "input.hpp"

#include "duration.hpp"
#include "file.hpp"

#include <sys/stat.h>

#include <array>
#include <fstream>
#include <iostream>

namespace hpkp::cli {

namespace {

std::string read_stream(std::istream& in, const std::string& name)
{
    std::string bytes;
    std::array<char, 65536> part{};
    while (in.read(part.data(), part.size()) || in.gcount() != 0) {
        bytes.append(part.data(), static_cast<std::size_t>(in.gcount()));
        if (bytes.size() > kMaxFileBytes) {
            throw InputError(name + " is larger than 1 MiB");
        }
    }
    if (in.bad()) {
        throw InputError(name + " cannot be read to its end");
    }
    return bytes;
}

/// What a shell makes of <(...): a pipe that somebody has open already. Others might never be written to.
bool is_open_pipe(const std::string& name)
{
    struct stat status {};
    return name.rfind("/dev/fd/", 0) == 0 && ::stat(name.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
}

}  // namespace

std::string read_input(const std::string& name)
{
    if (name == "-") {
        return read_stream(std::cin, "the input");
    }
    if (is_open_pipe(name)) {
        std::ifstream pipe(name, std::ios::binary);
        return read_stream(pipe, name);
    }
    FileContent file = read_file(name);
    if (!file.ok()) {
        throw InputError(name + " " + file.error);
    }
    return std::move(file.bytes);
}

std::int64_t read_time(const std::string& text)
{
    const auto time = parse_time(text);
    if (!time) {
        throw InputError("\"" + text + "\" is no time: write 2027-06-01 or \"2027-06-01 12:30:00 UTC\"");
    }
    return *time;
}

}  // namespace hpkp::cli
