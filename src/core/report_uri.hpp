// report-uri (RFC 7469 2.1.4): where clients send their reports.
#pragma once

#include "finding.hpp"

#include <optional>
#include <string>

namespace hpkp {

struct ReportUri {
    std::string text;    // as written, fit for a quoted-string
    std::string scheme;  // "http" or "https"
    std::string host;    // lower case, without brackets or port
    Place place;         // set by who read it
};

/// An absolute http or https URI with a host, of characters that need no escape in a quoted-string. Otherwise empty,
/// and `error` says why.
std::optional<ReportUri> parse_report_uri(const std::string& text, std::string& error);

}  // namespace hpkp
