// Times as nginx writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hpkp {

/// The longest max-age taken, in seconds: what a signed 32-bit number holds, since clients may keep it in one.
constexpr std::int64_t kMaxSeconds = 2147483647;

/// Seconds from "2592000", "30d", "1w 2d" (units y M w d h m s, each once, largest first, as nginx reads them).
/// Empty if the text is anything else or more than kMaxSeconds.
std::optional<std::int64_t> parse_duration(std::string_view text);

/// "30 days", "5 minutes", "90 seconds": for messages, in the largest unit that divides.
std::string duration_text(std::int64_t seconds);

/// A date "2027-06-01" that exists.
bool is_date(std::string_view text);

}  // namespace hpkp
