// What the commands read.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace hpkp::cli {

/// Wrong usage, or input that cannot be read: exit code 2 and "hpkp: what()" on standard error.
struct InputError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A file's bytes, or those of standard input ("-") or of a shell's <(...); at most kMaxFileBytes. Throws InputError.
std::string read_input(const std::string& name);

/// "2027-06-01", "2027-06-01 12:30:00 UTC" or "2027-06-01T12:30:00Z": seconds since the epoch. Throws InputError.
std::int64_t read_time(const std::string& text);

}  // namespace hpkp::cli
