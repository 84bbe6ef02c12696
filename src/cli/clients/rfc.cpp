// A client by the letter of RFC 7469.
#include "rules.hpp"

namespace hpkp::cli {

namespace {

Verdict enforced(const Observation& seen)
{
    const auto values = seen.values(kPinsHeader);
    if (values.empty()) {
        return {};
    }
    if (std::string why = barrier(seen); !why.empty()) {
        return ignored(std::move(why));
    }
    const ParsedHeader header = parse_pins_header(values.front());  // the first alone: 2.3.1
    if (const HeaderFault* fault = header.worst()) {
        return ignored(malformed(*fault));
    }
    if (!header.max_age) {
        return ignored("it has no max-age (RFC 7469 2.1.2)");
    }
    if (const HeaderPin* pin = header.bad_pin()) {
        return ignored("a pin-sha256 is no base64 of a SHA-256 (byte " + std::to_string(pin->offset) + ")");
    }
    if (*header.max_age == 0) {
        Verdict verdict;
        verdict.action = Action::forget;
        verdict.why = "max-age is 0 (RFC 7469 2.3.1)";
        return verdict;
    }
    if (header.sha256().empty()) {
        return ignored("it has no pin-sha256, and other hashes are not known (RFC 7469 2.5)");
    }
    Verdict verdict = noted_if_valid(seen, header.sha256(), *header.max_age);
    verdict.include_subdomains = verdict.action == Action::note && header.include_subdomains;
    return verdict;
}

std::string reported(const Observation& seen)
{
    const auto values = seen.values(kReportOnlyHeader);
    if (values.empty()) {
        return "";
    }
    const ParsedHeader header = parse_pins_header(values.front());
    if (const HeaderFault* fault = header.worst()) {
        return "ignored: " + malformed(*fault);
    }
    return report_only_verdict(seen, header.sha256(), header.report_uri.has_value());
}

}  // namespace

Verdict judge_as_rfc(const Observation& seen)
{
    Verdict verdict = enforced(seen);
    verdict.report_only = reported(seen);
    return verdict;
}

}  // namespace hpkp::cli
