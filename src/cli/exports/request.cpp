#include "request.hpp"

#include "duration.hpp"
#include "host_name.hpp"
#include "input.hpp"
#include "ledger/ledger.hpp"
#include "output.hpp"
#include "server_input.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace hpkp::cli {

namespace {

bool has_mode(const Policy& policy, ExportMode mode)
{
    switch (mode) {
    case ExportMode::guard:
        return policy.guard.has_value();
    case ExportMode::enforce:
        return policy.enforce.has_value();
    case ExportMode::report_only:
        break;
    }
    return policy.report_only.has_value();
}

ExportMode mode_of(const Policy& policy, const std::string& wanted, const ExportFormat& format)
{
    using Modes = std::array<ExportMode, 3>;
    // Who keeps pins until they are replaced is what a guard is for; who notes a header goes by the header.
    const Modes modes = format.held_until_replaced()
                            ? Modes{ExportMode::guard, ExportMode::enforce, ExportMode::report_only}
                            : Modes{ExportMode::enforce, ExportMode::report_only, ExportMode::guard};
    for (const ExportMode mode : modes) {
        if (has_mode(policy, mode) && (wanted.empty() || wanted == text_of(mode))) {
            return mode;
        }
    }
    const std::string missing = wanted.empty()
                                    ? "guard that still holds, enforce or report-only: there is nothing to export"
                                    : wanted + (wanted == text_of(ExportMode::guard) ? " that still holds" : "");
    throw InputError("policy \"" + printable(policy.name) + "\" has no " + missing);
}

const PinSet& pins_of(const Policy& policy, ExportMode mode)
{
    for (const PinSet& pins : policy.pin_sets) {
        const bool has = mode == ExportMode::guard     ? pins.guarded
                         : mode == ExportMode::enforce ? pins.enforced
                                                       : pins.reported;
        if (has) {
            return pins;
        }
    }
    throw InputError("policy \"" + printable(policy.name) + "\" has no pins for " + text_of(mode));
}

void take_mode(const Policy& policy, Export& exported)
{
    const auto header_uri = policy.enforce && policy.enforce->report_uri ? policy.enforce->report_uri
                            : policy.report_only                         ? policy.report_only->report_uri
                                                                         : std::nullopt;
    switch (exported.mode) {
    case ExportMode::guard:
        exported.include_subdomains = policy.guard->include_subdomains;
        exported.until = policy.guard->until;
        exported.report_uri = header_uri;
        break;
    case ExportMode::enforce:
        exported.include_subdomains = policy.enforce->include_subdomains;
        exported.report_uri = policy.enforce->report_uri;
        break;
    case ExportMode::report_only:
        exported.include_subdomains = policy.report_only->include_subdomains;
        exported.report_uri = policy.report_only->report_uri;
        break;
    }
}

/// When a policy of this name was first enforced for the hosts, as nginx counts a ramp: of several the last, whose
/// clients are to get the lower value. Empty if the ledger does not know.
std::optional<std::int64_t> ramp_begin(const std::string& policy, const std::vector<std::string>& hosts,
                                       const std::string& path, std::int64_t now)
{
    if (path.empty() || hosts.empty()) {
        return std::nullopt;
    }
    std::int64_t begin = 0;
    bool known = false;
    try {
        Ledger ledger(path, Database::Access::read);
        ledger.begin(false);
        for (const std::string& host : hosts) {
            std::int64_t first = now;  // of a host that the ledger does not know
            for (const History& past : ledger.history({HostPattern::Kind::exact, host, host, false})) {
                if (past.enforced && past.name == recorded_name(policy)) {
                    first = past.first_sent;
                    known = true;
                }
            }
            begin = std::max(begin, first);
        }
    }
    catch (const LedgerError& error) {
        throw InputError(std::string(error.what()) + "; --ledger off: take the ramp as beginning now");
    }
    return known ? std::optional(begin) : std::nullopt;
}

std::int64_t max_age_now(const Policy& policy, const Export& exported, const std::string& ledger, Remarks& remarks)
{
    const MaxAge& max_age = policy.enforce->max_age;
    if (!max_age.is_ramp()) {
        return max_age.highest();
    }
    const auto begin = ramp_begin(policy.name, exported.hosts, ledger, exported.now);
    const std::int64_t value = max_age.at(exported.now - begin.value_or(exported.now));
    remarks.notes.push_back("max-age is a ramp: "
                            + (begin ? "it began on " + time_text(*begin) + ", so that its value is "
                               : exported.hosts.empty()
                                   ? "it is counted by host: without --host, as if it began now, with "
                                   : "no ledger knows these hosts, so that it begins now with ")
                            + duration_text(value));
    return value;
}

std::string expiration_of(const Export& exported, const std::string& wanted, Remarks& remarks)
{
    if (wanted.empty()) {
        if (!exported.until) {
            return "";
        }
        std::string day = time_text(*exported.until).substr(0, 10);
        remarks.notes.push_back("the pins expire at the start of " + day
                                + ", the day after the guard's last one; by a device's own clock, which may be 12 "
                                  "hours behind UTC: keep the chain matching until then");
        return day;
    }
    const auto date = parse_date(wanted);
    if (!date) {
        throw InputError("--expiration \"" + wanted + "\" is no date: write it as 2027-06-01");
    }
    if (*date <= exported.now) {
        throw InputError("--expiration " + wanted + " is over: clients would ignore the pins");
    }
    if (exported.until && *date > *exported.until) {
        remarks.errors.push_back("with --expiration " + wanted + " the pins outlive the guard, whose last day is "
                                 + time_text(*exported.until - 1).substr(0, 10)
                                 + ": nginx would then serve keys that these clients refuse; move \"until\" first");
    }
    return wanted;
}

}  // namespace

Export make_export(const Policy& policy, const ExportRequest& request, const ExportFormat& format,
                   const ServedChains& chains, Remarks& remarks)
{
    Export exported;
    exported.policy = &policy;
    exported.mode = mode_of(policy, request.mode, format);
    exported.mode_chosen = !request.mode.empty();
    exported.compares = format.compares;
    exported.port = request.port;
    exported.android = request.platform == "android";
    exported.now = request.now;
    std::set<std::string> seen;
    for (const std::string& text : request.hosts) {
        std::string host = valid_host(text);
        if (seen.insert(host).second) {
            exported.hosts.push_back(std::move(host));
        }
    }
    if (format.needs_host && exported.hosts.empty()) {
        throw InputError(std::string("--to ") + format.name + " wants the hosts: add --host www.example.com");
    }
    const PinSet& pins = pins_of(policy, exported.mode);
    exported.allow_mismatch = pins.lenient();
    for (const PolicyPin& pin : pins.pins) {
        PinLevel level = chains.level_of(pin.pin);
        if (level == PinLevel::unknown && !request.level.empty()) {
            level = request.level == "leaf" ? PinLevel::leaf : PinLevel::issuer;
        }
        exported.pins.push_back({pin, level});
    }
    take_mode(policy, exported);
    if (exported.mode == ExportMode::enforce && (format.carries & kMaxAge) != 0) {
        exported.max_age = max_age_now(policy, exported, request.ledger, remarks);
    }
    if ((format.carries & kExpiry) != 0 && format.compares != Compares::as_policy) {
        exported.expiration = expiration_of(exported, request.expiration, remarks);
    }
    return exported;
}

}  // namespace hpkp::cli
