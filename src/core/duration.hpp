// Times as nginx writes them.
#pragma once

#include <cstdint>
#include <ctime>
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

/// The first second of a day "2027-06-01", UTC, since the epoch. Empty if the text is no date that exists.
std::optional<std::int64_t> parse_date(std::string_view text);

/// Seconds since the epoch of a day as above, or of a time as time_text() or RFC 3339 writes it in UTC: "2027-06-01",
/// "2027-06-01 12:30:00 UTC", "2027-06-01T12:30:00Z"; the seconds, "UTC" and "Z" may be left out.
std::optional<std::int64_t> parse_time(std::string_view text);

/// "2026-11-24 22:00:00 UTC"
std::string time_text(std::time_t time);

/// How far `time` is from `now`: "in 12 days", "3 hours ago", "now"; in the largest unit of which there are two or
/// more.
std::string distance_text(std::int64_t time, std::int64_t now);

/// Both: "2026-12-06 22:00:00 UTC (in 12 days)".
std::string date_text(std::int64_t time, std::int64_t now);

}  // namespace hpkp
