#include "rules.hpp"

#include <strings.h>

#include <algorithm>

namespace hpkp::cli {

bool same_name(const std::string& a, const std::string& b)
{
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

Verdict ignored(std::string why)
{
    Verdict verdict;
    verdict.action = Action::ignore;
    verdict.why = std::move(why);
    return verdict;
}

std::string barrier(const Observation& seen)
{
    if (!seen.tls) {
        return "over plain HTTP pins mean nothing (RFC 7469 2.3.1)";
    }
    if (!seen.trusted()) {
        return "the chain is not trusted, so the connection fails before any header is read";
    }
    if (!seen.name_covered) {
        return "the certificate is not for this name, so the connection fails before any header is read";
    }
    if (seen.address) {
        return "an IP address is never pinned (RFC 7469 2.3.3)";
    }
    return "";
}

Fit fit_of(const TrustPaths& paths, const std::vector<Pin>& pins)
{
    Fit fit;
    for (const Path& path : paths.paths) {
        const auto on = [&](const Pin& pin) {
            return path.contains(pin);
        };
        const bool live = std::any_of(pins.begin(), pins.end(), on);
        fit.paths++;
        fit.live += live ? 1 : 0;
        fit.noted += live && !std::all_of(pins.begin(), pins.end(), on) ? 1 : 0;
    }
    return fit;
}

Verdict noted_if_valid(const Observation& seen, const std::vector<Pin>& pins, std::int64_t max_age)
{
    const Fit fit = fit_of(*seen.paths, pins);
    if (fit.none_live()) {
        return ignored("none of its pins is in the chain that it verifies (RFC 7469 2.5)");
    }
    if (fit.noted == 0) {
        return ignored("it has no backup: every pin is in the chain that it verifies (RFC 7469 2.5)");
    }
    Verdict verdict;
    verdict.action = Action::note;
    verdict.max_age = max_age;
    verdict.why = "a pin is in the chain, and another is a backup";
    if (fit.noted < fit.paths) {
        verdict.why +=
            ", for " + std::to_string(fit.noted) + " of the " + std::to_string(fit.paths) + " paths it may build";
        verdict.why += fit.live < fit.paths ? ": whoever notes them and builds another path later is locked out" : "";
    }
    return verdict;
}

std::string report_only_verdict(const Observation& seen, const std::vector<Pin>& pins, bool has_report_uri)
{
    if (const std::string why = barrier(seen); !why.empty()) {
        return "ignored: " + why;
    }
    if (!has_report_uri) {
        return "ignored: it has no report-uri to report to (RFC 7469 2.3.2)";
    }
    if (pins.empty()) {
        return "ignored: it has no pin-sha256";
    }
    const Fit fit = fit_of(*seen.paths, pins);
    if (fit.live == fit.paths) {
        return "nothing to report: the pins match";
    }
    return fit.none_live() ? "reports this visit: none of its pins is in the chain"
                           : "reports this visit if it builds a path without a pin";
}

std::string malformed(const HeaderFault& fault)
{
    return "the header is malformed: " + fault.what + " (byte " + std::to_string(fault.offset) + ")";
}

}  // namespace hpkp::cli
