// The value of a header: one rendering of a policy.
#pragma once

#include "policy.hpp"

#include <cstdint>
#include <string>

namespace hpkp {

/// The value of Public-Key-Pins in the form that every client reads: lower-case pin-sha256, quoted strings, "; "
/// between directives and none at the end. Order: max-age, pins in file order, includeSubDomains, report-uri. RFC
/// 7469 2.1. `max_age` in seconds: a ramp's value of the moment.
std::string enforce_header(const Enforce& enforce, std::int64_t max_age, const PinSet& pins);

/// The value of Public-Key-Pins-Report-Only: the same without max-age, which has no meaning there (RFC 7469 2.1.2).
std::string report_only_header(const ReportOnly& report_only, const PinSet& pins);

}  // namespace hpkp
