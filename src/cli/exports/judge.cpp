// What would lock clients out is an error; what they will not know is a note.
#include "request.hpp"

#include "duration.hpp"
#include "input.hpp"
#include "output.hpp"

#include <algorithm>

namespace hpkp::cli {

namespace {

bool is_authority(PinLevel level)
{
    return level == PinLevel::issuer || level == PinLevel::root;
}

/// Whether a client that compares so ever looks at a key there. What is not known is given the benefit of the doubt,
/// and a note.
bool looks_at(Compares compares, PinLevel level)
{
    switch (compares) {
    case Compares::leaf:
        return !is_authority(level);
    case Compares::issuers:
        return level != PinLevel::leaf;
    case Compares::sent:
        return level != PinLevel::root;
    case Compares::as_policy:
    case Compares::chain:
    case Compares::one_list:
        break;
    }
    return true;
}

/// Whether nginx refuses every chain that clients which compare so would refuse. A leaf that matches is on every path,
/// and is sent.
bool nginx_sees_to(Compares compares, const Clients& clients)
{
    switch (compares) {
    case Compares::leaf:
        return clients.leaf;
    case Compares::sent:
        return clients.leaf || clients.sent;
    case Compares::chain:
        return clients.leaf || clients.chain;
    case Compares::as_policy:
        return true;
    case Compares::issuers:
    case Compares::one_list:
        break;
    }
    return false;
}

const char* compared_text(Compares compares)
{
    return compares == Compares::leaf      ? "the leaf alone"
           : compares == Compares::issuers ? "authorities' certificates alone"
           : compares == Compares::sent    ? "the certificates sent"
                                           : "the chain";
}

const char* client_kind(Compares compares)
{
    return compares == Compares::leaf ? "leaf" : compares == Compares::sent ? "sent" : "chain";
}

std::string labels_of(const std::vector<ExportPin>& pins, bool (*wanted)(const ExportPin& pin))
{
    std::string text;
    for (const ExportPin& pin : pins) {
        if (wanted(pin)) {
            text += (text.empty() ? "\"" : ", \"") + printable(pin.pin.label(), 100) + "\"";
        }
    }
    return text;
}

bool unknown(const ExportPin& pin)
{
    return pin.level == PinLevel::unknown;
}

bool retired(const ExportPin& pin)
{
    return pin.pin.retired;
}

/// iOS has a list of leaf keys and one of authorities' keys, and wants a match in each that is there: all pins go into
/// one of them.
void choose_list(Export& exported, Remarks& remarks)
{
    const auto any = [&](auto wanted) {
        return std::any_of(exported.pins.begin(), exported.pins.end(), wanted);
    };
    const bool leaves = any([](const ExportPin& pin) { return pin.level == PinLevel::leaf; });
    const bool authorities = any([](const ExportPin& pin) { return is_authority(pin.level); });
    if (exported.policy->clients.leaf || (leaves && !authorities)) {
        exported.compares = Compares::leaf;
        return;
    }
    if (leaves) {
        exported.compares = Compares::leaf;
        remarks.errors.emplace_back(
            "iOS wants all pins in one list, of leaves or of authorities, and this policy has both: export a policy "
            "with one kind of pins; or add leaf to the policy's \"clients\", which makes the list of leaves safe");
        return;
    }
    if (!authorities) {
        throw InputError("iOS keeps leaf keys and authorities' keys apart: give the served chain with --chain, or say "
                         "--level leaf or --level ca");
    }
    exported.compares = Compares::issuers;
    const std::string labels = labels_of(exported.pins, unknown);
    if (!labels.empty()) {
        remarks.errors.push_back("no --chain shows what is pinned by " + labels
                                 + ", and in the list of authorities a leaf's key never matches: add the chain that "
                                   "has it, or say --level ca if it is an authority's");
    }
}

void note_unknown_levels(const Export& exported, Remarks& remarks)
{
    const std::string labels = labels_of(exported.pins, unknown);
    if (exported.compares == Compares::leaf && !labels.empty()) {
        remarks.notes.push_back("taken as keys of leaves, since no --chain shows what they are: " + labels);
    }
}

void leave_out_pins(const ExportFormat& format, Export& exported, Remarks& remarks)
{
    const bool safe = nginx_sees_to(exported.compares, exported.policy->clients);
    std::vector<ExportPin> kept;
    for (const ExportPin& pin : exported.pins) {
        if (looks_at(exported.compares, pin.level)) {
            kept.push_back(pin);
            continue;
        }
        const char* whose = pin.level == PinLevel::leaf     ? "is a leaf's"
                            : pin.level == PinLevel::issuer ? "is an authority's"
                                                            : "is of a root that is not sent";
        const std::string what = "the pin \"" + printable(pin.pin.label(), 100) + "\" " + whose + ", and "
                                 + format.client + " compares " + compared_text(exported.compares);
        if (safe) {
            remarks.notes.push_back(what + ": it is left out");
        } else {
            remarks.errors.push_back(what + ": nginx would accept chains by it that these clients refuse; add "
                                     + client_kind(exported.compares)
                                     + " to the policy's \"clients\", or export a policy without it");
        }
    }
    exported.pins = std::move(kept);
    if (exported.pins.empty()) {
        remarks.errors.push_back(std::string("no pin is left that ") + format.client + " compares");
    }
}

void note_guarding(const ExportFormat& format, const Export& exported, Remarks& remarks)
{
    const Policy& policy = *exported.policy;
    if (exported.compares != Compares::issuers && !nginx_sees_to(exported.compares, policy.clients)) {
        remarks.notes.push_back(std::string(format.client) + " compares " + compared_text(exported.compares)
                                + ", which nginx does not check for this policy: add " + client_kind(exported.compares)
                                + " to its \"clients\"");
    }
    if (format.held_until_replaced() && !policy.guard) {
        remarks.notes.push_back("policy \"" + printable(policy.name, 100) + "\" has no guard: add \"guard: {}\", so "
                                + "that nginx keeps to these pins as long as clients have them");
    }
}

void check_use(const ExportFormat& format, const Export& exported, Remarks& remarks)
{
    const Policy& policy = *exported.policy;
    if (exported.mode == ExportMode::enforce && policy.enforce->max_age.highest() == 0) {
        remarks.errors.push_back(std::string("max-age is 0: the policy takes pins back, and ") + format.client
                                 + " would begin to pin");
    }
    const bool only_reports = (format.carries & kReportOnly) != 0 && !exported.android;
    if (exported.allow_mismatch && !only_reports) {
        remarks.errors.emplace_back(
            "the pins are of a chain to come (allow-mismatch): clients that enforce them would be "
            "locked out today");
    }
}

/// One line for each thing that the policy says and the format cannot.
void note_losses(const ExportFormat& format, const Export& exported, Remarks& remarks)
{
    const std::string client = format.client;
    const auto lost = [&](unsigned what, bool has) {
        return has && (format.carries & what) == 0;
    };
    const bool enforced = exported.mode == ExportMode::enforce;
    if (lost(kReportOnly, exported.mode == ExportMode::report_only)) {
        remarks.notes.push_back("report-only: " + client + " knows no such mode, it enforces the pins");
    }
    if (lost(kSubdomains, exported.include_subdomains)) {
        remarks.notes.push_back("includeSubDomains: " + client + " has none, subdomains are not pinned");
    }
    if (lost(kMaxAge, enforced)) {
        remarks.notes.push_back("max-age: " + client + " has none, the pins hold until they are replaced");
    }
    if (lost(kExpiry, exported.until.has_value()) && format.held_until_replaced()) {
        remarks.notes.push_back("until: " + client + " has no expiry, see to it that its pins are gone after "
                                + time_text(*exported.until - 1).substr(0, 10));
    }
    if (lost(kReportUri, exported.mode != ExportMode::guard && exported.report_uri)) {
        remarks.notes.push_back("report-uri: " + client + " sends no reports");
    }
    const std::string labels = labels_of(exported.pins, retired);
    if (lost(kRetired, !labels.empty())) {
        remarks.notes.push_back("retired: " + client + " has no such mark, so it takes " + labels
                                + " like the others, as nginx does");
    }
}

void judge(const ExportFormat& format, const ServedChains& chains, Export& exported, Remarks& remarks)
{
    if (format.compares != Compares::as_policy) {
        if (exported.compares == Compares::one_list) {
            choose_list(exported, remarks);
        }
        if (remarks.errors.empty()) {
            note_unknown_levels(exported, remarks);
            leave_out_pins(format, exported, remarks);
        }
        check_use(format, exported, remarks);
        note_guarding(format, exported, remarks);
        note_losses(format, exported, remarks);
    }
    if (remarks.errors.empty() && !exported.allow_mismatch) {
        chains.check(exported, remarks);
    }
}

}  // namespace

std::string judged_text(const ExportFormat& format, const ServedChains& chains, Export& exported, Remarks& remarks)
{
    judge(format, chains, exported, remarks);
    std::string text = remarks.errors.empty() ? format.write(exported, remarks) : "";
    return remarks.errors.empty() ? text : "";
}

}  // namespace hpkp::cli
