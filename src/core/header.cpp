#include "header.hpp"

namespace hpkp {

namespace {

void add(std::string& header, const std::string& directive)
{
    header += (header.empty() ? "" : "; ") + directive;
}

void add_common(std::string& header, const PinSet& pins, bool include_subdomains, const std::optional<ReportUri>& uri)
{
    for (const PolicyPin& pin : pins.pins) {
        add(header, "pin-sha256=\"" + pin.pin.base64() + "\"");
    }
    if (include_subdomains) {
        add(header, "includeSubDomains");
    }
    if (uri) {
        add(header, "report-uri=\"" + uri->text + "\"");
    }
}

}  // namespace

std::string enforce_header(const Enforce& enforce, std::int64_t max_age, const PinSet& pins)
{
    std::string header = "max-age=" + std::to_string(max_age);
    add_common(header, pins, enforce.include_subdomains, enforce.report_uri);
    return header;
}

std::string report_only_header(const ReportOnly& report_only, const PinSet& pins)
{
    std::string header;
    add_common(header, pins, report_only.include_subdomains, report_only.report_uri);
    return header;
}

}  // namespace hpkp
