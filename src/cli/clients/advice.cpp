#include "advice.hpp"

#include "duration.hpp"

#include <algorithm>
#include <set>

namespace hpkp::cli {

namespace {

using Advice = std::vector<std::string>;

constexpr std::int64_t kShortAge = 86400;  // a client that comes back less often than daily is never protected
constexpr std::size_t kMostUnknown = 5;

void on_transport(const Observation& seen, const PinsHeaders& headers, Advice& advice)
{
    if (!headers.enforced && !headers.report_only) {
        advice.push_back(std::string("there is no ") + kPinsHeader + " and no " + kReportOnlyHeader
                         + ": clients note nothing here, and go on with what they remember");
    } else if (!seen.tls) {
        advice.push_back(
            "pins over plain HTTP are ignored, and should not be sent there (RFC 7469 2.2.2): send them over "
            "https alone");
    }
}

void on_repeated(const Observation& seen, Advice& advice)
{
    for (const char* name : {kPinsHeader, kReportOnlyHeader}) {
        const std::size_t count = seen.values(name).size();
        if (count > 1) {
            advice.push_back(
                std::to_string(count) + " headers " + name
                + " are sent: clients take the first alone (RFC 7469 2.3.1), and Firefox took none: send one");
        }
    }
}

void on_faults(const ParsedHeader& header, const std::string& owner, Advice& advice)
{
    for (const HeaderFault& fault : header.faults) {
        const bool harmless = fault.kind == HeaderFault::Kind::empty_directive;
        advice.push_back(owner + ", byte " + std::to_string(fault.offset) + ": " + fault.what
                         + (harmless ? " (clients take it; RFC 7469 does not)"
                                     : ", so clients must ignore the whole header (RFC 7469 2.1)"));
    }
    std::set<std::string> unknown(header.unknown.begin(), header.unknown.end());
    for (const HeaderPin& pin : header.pins) {
        if (pin.hash != "sha256") {
            unknown.insert("pin-" + pin.hash);
        }
    }
    std::size_t shown = 0;
    for (const std::string& name : unknown) {
        if (shown++ == kMostUnknown) {
            advice.push_back(owner + " has " + std::to_string(unknown.size() - kMostUnknown) + " more such directives");
            break;
        }
        advice.push_back(owner + ": clients know no directive " + name.substr(0, 60) + ", and ignore it: leave it out");
    }
}

void on_max_age(const ParsedHeader& header, Advice& advice)
{
    if (!header.max_age) {
        const bool said = std::any_of(header.faults.begin(), header.faults.end(), [](const HeaderFault& fault) {
            return fault.what.compare(0, 7, "max-age") == 0;
        });
        if (!said) {
            advice.push_back(std::string(kPinsHeader)
                             + " has no max-age, without which clients ignore it: add "
                               "max-age=SECONDS");
        }
    } else if (*header.max_age == 0) {
        advice.push_back("max-age=0 tells clients to forget: keep one pin of the chain and one backup in the header "
                         "until the last client has come back, since Chromium ignored it without them");
    } else if (*header.max_age < kShortAge) {
        advice.push_back("a max-age of " + duration_text(*header.max_age)
                         + " is good for a trial: it protects those alone who come back within it");
    }
}

void on_report_uri(const ParsedHeader& header, const std::string& owner, Advice& advice)
{
    std::string error;
    const auto uri = header.report_uri ? parse_report_uri(*header.report_uri, error) : std::nullopt;
    if (uri && uri->scheme == "http") {
        advice.push_back(owner
                         + " has its reports sent in plain text, where whoever is in the way can drop them: use "
                           "https on another domain");
    }
}

}  // namespace

std::vector<std::string> advice_on(const Observation& seen, const PinsHeaders& headers)
{
    Advice advice;
    on_transport(seen, headers, advice);
    on_repeated(seen, advice);
    if (headers.enforced) {
        on_faults(*headers.enforced, kPinsHeader, advice);
        on_max_age(*headers.enforced, advice);
        if (headers.enforced->include_subdomains && !seen.address) {
            advice.push_back(
                "includeSubDomains: every host below " + seen.host
                + " must serve one of these keys too, and clients that saw it here refuse those that do not");
        }
        on_report_uri(*headers.enforced, kPinsHeader, advice);
    }
    if (headers.report_only) {
        on_faults(*headers.report_only, kReportOnlyHeader, advice);
        if (headers.report_only->max_age) {
            advice.push_back(std::string(kReportOnlyHeader)
                             + ": max-age means nothing here (RFC 7469 2.1.2): leave it out");
        }
        on_report_uri(*headers.report_only, kReportOnlyHeader, advice);
    }
    return advice;
}

}  // namespace hpkp::cli
