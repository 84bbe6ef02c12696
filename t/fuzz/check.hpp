// What a fuzz target asserts: a false condition ends the run, and libFuzzer keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace hpkp::fuzz {

[[noreturn]] inline void fail(const char* condition, const char* file, int line, const std::string& shown)
{
    std::fprintf(stderr, "%s:%d: false: %s\n%s\n", file, line, condition, shown.c_str());
    std::abort();
}

/// Whether a user's terminal and log can take this line: UTF-8 by RFC 3629, without control characters. The core has
/// code for it; this is a second opinion.
inline bool is_printable(std::string_view line)
{
    for (std::size_t i = 0; i < line.size();) {
        const auto byte = [&](std::size_t at) -> unsigned {
            return at < line.size() ? static_cast<unsigned char>(line[at]) : 0;
        };
        const unsigned first = byte(i);
        const std::size_t rest = first < 0x80 ? 0 : first < 0xc2 ? 9 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        unsigned character = rest == 0 ? first : first & (0x3fU >> rest);
        if (rest > 3 || first > 0xf4) {
            return false;
        }
        for (std::size_t n = 1; n <= rest; n++) {
            if ((byte(i + n) & 0xc0) != 0x80) {
                return false;
            }
            character = character << 6 | (byte(i + n) & 0x3f);
        }
        const bool too_long = (rest == 2 && character < 0x800) || (rest == 3 && character < 0x10000);
        const bool surrogate = character >= 0xd800 && character < 0xe000;
        const bool control = character < 0x20 || (character >= 0x7f && character < 0xa0);
        if (too_long || surrogate || character > 0x10ffff || control) {
            return false;
        }
        i += rest + 1;
    }
    return true;
}

}  // namespace hpkp::fuzz

/// `shown` goes into the message: a string.
#define FUZZ_CHECK_SHOWN(condition, shown)                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            hpkp::fuzz::fail(#condition, __FILE__, __LINE__, shown);                                                   \
        }                                                                                                              \
    } while (false)
#define FUZZ_CHECK(condition) FUZZ_CHECK_SHOWN(condition, "")
