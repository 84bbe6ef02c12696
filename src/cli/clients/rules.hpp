// Rules that more than one client has.
#pragma once

#include "client.hpp"
#include "header_parser.hpp"
#include "pin.hpp"

#include <cstdint>

namespace hpkp::cli {

/// Where Chromium and Firefox capped max-age, in seconds: the 60 days of RFC 7469 4.1.
constexpr std::int64_t kBrowserCap = std::int64_t{60} * 86400;

bool same_name(const std::string& a, const std::string& b);  // in any case, ASCII

Verdict ignored(std::string why);

/// Why no client looks at pins here at all: plain HTTP, a connection with an error, an IP address. Empty: it may.
std::string barrier(const Observation& seen);

/// How pins stand to the paths that clients may build: a client builds one of them, nobody knows which.
struct Fit {
    std::size_t paths = 0;
    std::size_t live = 0;   // paths with a pin
    std::size_t noted = 0;  // of those, the ones that some pin is not on: RFC 7469 2.5 lets a client note the pins

    bool none_live() const { return live == 0; }
};
Fit fit_of(const TrustPaths& paths, const std::vector<Pin>& pins);

/// RFC 7469 2.5, the same in three clients: a live pin and a backup. Notes with `max_age`, or ignores and says why.
Verdict noted_if_valid(const Observation& seen, const std::vector<Pin>& pins, std::int64_t max_age);

/// What a client that knows Report-Only does with it: reports or not, as `pins` are on the paths.
std::string report_only_verdict(const Observation& seen, const std::vector<Pin>& pins, bool has_report_uri);

/// "the header is malformed: max-age is not a number of seconds (byte 0)".
std::string malformed(const HeaderFault& fault);

}  // namespace hpkp::cli
