#include "request.hpp"

#include "duration.hpp"
#include "host_name.hpp"
#include "input.hpp"
#include "ledger/ledger.hpp"
#include "output.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace hpkp::cli {

namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;

bool is_label(std::string_view label)
{
    return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-'
           && std::all_of(label.begin(), label.end(),
                          [](unsigned char c) { return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-'; });
}

bool are_labels(std::string_view name)
{
    while (true) {
        const std::size_t dot = name.find('.');
        if (!is_label(name.substr(0, dot))) {
            return false;
        }
        if (dot == std::string_view::npos) {
            // URL parsers take a name that ends in a number for an address.
            return std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) == 0; });
        }
        name.remove_prefix(dot + 1);
    }
}

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
                                       const std::string& path)
{
    if (path.empty() || hosts.empty()) {
        return std::nullopt;
    }
    std::optional<std::int64_t> begin;
    try {
        Ledger ledger(path, Database::Access::read);
        ledger.begin(false);
        for (const std::string& host : hosts) {
            for (const History& past : ledger.history({HostPattern::Kind::exact, host, host, false})) {
                if (past.enforced && past.name == policy) {
                    begin = std::max(begin.value_or(past.first_sent), past.first_sent);
                }
            }
        }
    }
    catch (const LedgerError& error) {
        throw InputError(std::string(error.what()) + "; --ledger off: take the ramp as beginning now");
    }
    return begin;
}

std::int64_t max_age_now(const Policy& policy, const Export& exported, const std::string& ledger, Remarks& remarks)
{
    const MaxAge& max_age = policy.enforce->max_age;
    if (!max_age.is_ramp()) {
        return max_age.highest();
    }
    const auto begin = ramp_begin(policy.name, exported.hosts, ledger);
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

std::string valid_host(const std::string& text)
{
    std::string host = text;
    std::transform(host.begin(), host.end(), host.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string named = "--host " + printable(text, kLongestName);
    if (is_ip_address(host)) {
        throw InputError(named + " is an address: clients pin names alone (RFC 7469 2.3.3)");
    }
    if (host.find('*') != std::string::npos) {
        throw InputError(named + " is a wildcard: name the domain, and write includeSubDomains into the policy");
    }
    if (std::any_of(host.begin(), host.end(), [](unsigned char c) { return c >= 0x80; })) {
        throw InputError(named + " is not in ASCII: write its A-label, xn--..., as the command idn2 prints it");
    }
    if (host.size() > kLongestName || !are_labels(host)) {
        throw InputError(named + " is no host name: write it as in www.example.com");
    }
    return host;
}

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
