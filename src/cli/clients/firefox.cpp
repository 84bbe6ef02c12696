// Firefox 35 to 71.
#include "rules.hpp"

#include <algorithm>

namespace hpkp::cli {

namespace {

/// What it kept of a host in its state file was cut at 1,024 bytes: more pins than these were lost on a restart.
constexpr std::size_t kPinsKept = 22;

/// Its reader took blanks round "=", and includeSubDomains="" too; for the rest it went by the grammar.
const HeaderFault* first_fault(const ParsedHeader& header)
{
    const auto found = std::find_if(header.faults.begin(), header.faults.end(), [](const HeaderFault& fault) {
        return fault.kind != HeaderFault::Kind::empty_directive && fault.kind != HeaderFault::Kind::space;
    });
    return found == header.faults.end() ? nullptr : &*found;
}

Verdict enforced(const Observation& seen)
{
    const auto values = seen.values(kPinsHeader);
    if (values.empty()) {
        return {};
    }
    if (std::string why = barrier(seen); !why.empty()) {
        return ignored(std::move(why));
    }
    if (values.size() > 1) {
        return ignored("it joins the " + std::to_string(values.size()) + " headers by commas, which is malformed");
    }
    if (seen.host.find('.') == std::string::npos) {
        return ignored("a name without a dot is never pinned");
    }
    const ParsedHeader header = parse_pins_header(values.front());
    if (const HeaderFault* fault = first_fault(header)) {
        return ignored(malformed(*fault));
    }
    if (const HeaderPin* pin = header.bad_pin()) {
        return ignored("a pin-sha256 is no base64 of a SHA-256 (byte " + std::to_string(pin->offset) + ")");
    }
    if (!header.max_age) {
        return ignored("it has no max-age");
    }
    if (!seen.built_in) {
        return ignored("the root is none that it ships (the system's bundle does not have it)");
    }
    if (*header.max_age == 0) {
        Verdict verdict;
        verdict.action = Action::forget;
        verdict.why = "max-age is 0, whatever the pins";
        return verdict;
    }
    Verdict verdict = noted_if_valid(seen, header.sha256(), std::min(*header.max_age, kBrowserCap));
    if (verdict.action == Action::note) {
        verdict.include_subdomains = header.include_subdomains;
        verdict.why += header.pins.size() > kPinsKept ? "; so many are lost when it restarts" : "";
    }
    return verdict;
}

}  // namespace

Verdict judge_as_firefox(const Observation& seen)
{
    Verdict verdict = enforced(seen);
    if (!seen.values(kReportOnlyHeader).empty()) {
        verdict.report_only = "ignored: it never read this header";
    }
    return verdict;
}

}  // namespace hpkp::cli
