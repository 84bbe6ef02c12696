// The analysis for people.
#include "analysis.hpp"

#include "drawing.hpp"
#include "duration.hpp"

#include "../output.hpp"

#include <algorithm>

namespace hpkp::cli {

namespace {

std::string listed(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

void print_response(std::ostream& out, const Analysis& analysis)
{
    const Response& response = analysis.response;
    out << printable(analysis.url.text) << '\n' << "    " << response.http_version << ' ' << response.status;
    out << (response.address.empty() ? " by a proxy" : " from " + response.address);
    out << (analysis.seen.tls ? ", " + response.tls_version : ", not encrypted") << '\n';
    if (!response.redirect.empty()) {
        out << "    leads to " << printable(response.redirect) << ", which is another answer: analyse it too\n";
    }
    for (const char* name : {kPinsHeader, kReportOnlyHeader}) {
        for (const std::string& value : analysis.seen.values(name)) {
            out << name << ": " << printable(value) << '\n';
        }
    }
}

void print_pins(std::ostream& out, const ParsedHeader& header, const Analysis& analysis)
{
    for (const PolicyPin& pin : pin_set_of(header, "").pins) {
        const PinPlace place = place_of(pin.pin, analysis.seen);
        out << "    pin-sha256=\"" << pin.pin.base64() << "\"  ";
        if (!analysis.seen.tls) {
            out << "there is no chain to hold it against\n";
        } else if (!place.backup()) {
            out << printable(listed(place.on_paths)) << '\n';
        } else if (!place.off_paths.empty()) {
            out << printable(listed(place.off_paths)) << ", which is sent but on no path: a backup at best\n";
        } else {
            out << (analysis.seen.trusted() ? "a backup: on no path\n" : "no certificate sent has this key\n");
        }
    }
}

/// The chain, with marks on what the header that counts most pins.
std::vector<std::string> drawing_of(const Analysis& analysis)
{
    PinSet pins;
    if (analysis.headers.enforced) {
        pins = pin_set_of(*analysis.headers.enforced, kPinsHeader);
    } else if (analysis.headers.report_only) {
        pins = pin_set_of(*analysis.headers.report_only, kReportOnlyHeader);
    }
    return draw(*analysis.seen.chain, *analysis.seen.paths, pins);
}

void print_chain(std::ostream& out, const Observation& seen, const std::vector<std::string>& drawing)
{
    out << (seen.trusted() ? "\nthe chain, as clients may verify it:\n"
                           : "\nthe chain, which clients do not accept:\n");
    for (const std::string& line : drawing) {
        out << "    " << printable(line) << '\n';
    }
}

/// Without the details that would show the same chain once more.
void print_findings_on(std::ostream& out, Findings findings, const std::vector<std::string>& drawing)
{
    for (Finding& finding : findings) {
        if (finding.details == drawing) {
            finding.details.clear();
        }
    }
    print_findings(out, findings);
}

std::string verdict_text(const Verdict& verdict)
{
    const std::string age = verdict.max_age ? duration_text(*verdict.max_age) : "";
    switch (verdict.action) {
    case Action::note:
        return coloured(Severity::note, "notes the pins") + " for " + age
               + (verdict.include_subdomains ? ", for all subdomains too" : "") + ": ";
    case Action::ignore:
        return coloured(Severity::error, "ignores the header") + ": ";
    case Action::forget:
        return coloured(Severity::warning, "forgets the pins that it has") + ": ";
    case Action::locked_out:
        return coloured(Severity::error, "locks itself out") + " for " + age + ": ";
    case Action::nothing:
        break;
    }
    return "";
}

void print_verdict(std::ostream& out, std::string title, const Verdict& verdict)
{
    if (verdict.action != Action::nothing) {
        out << "    " << title << "  " << verdict_text(verdict) << printable(verdict.why) << '\n';
        title.assign(title.size(), ' ');
    }
    if (!verdict.report_only.empty()) {
        out << "    " << title << "  Report-Only: " << printable(verdict.report_only) << '\n';
    }
}

void print_clients(std::ostream& out, const Analysis& analysis)
{
    const auto& verdicts = analysis.verdicts;
    out << "\nwhat clients do:\n";
    if (std::all_of(verdicts.begin(), verdicts.end(), [&](const Verdict& v) { return v == verdicts.front(); })) {
        print_verdict(out, "each of them", verdicts.front());
        return;
    }
    std::size_t width = 0;
    for (const Client& client : all_clients()) {
        width = std::max(width, std::string(client.title).size());
    }
    for (std::size_t i = 0; i < verdicts.size(); i++) {
        std::string title = all_clients()[i].title;
        title.resize(width, ' ');
        print_verdict(out, title, verdicts[i]);
    }
}

}  // namespace

void print_text(std::ostream& out, const Analysis& analysis)
{
    print_response(out, analysis);
    std::vector<std::string> drawing;
    if (analysis.seen.tls) {
        drawing = drawing_of(analysis);
        print_chain(out, analysis.seen, drawing);
    }
    for (const auto& [name, header] : {std::pair(kPinsHeader, &analysis.headers.enforced),
                                       std::pair(kReportOnlyHeader, &analysis.headers.report_only)}) {
        if (*header && !(*header)->sha256().empty()) {
            out << "\nthe pins of " << name << ":\n";
            print_pins(out, **header, analysis);
        }
    }
    const bool any = std::any_of(analysis.verdicts.begin(), analysis.verdicts.end(), [](const Verdict& v) {
        return v.action != Action::nothing || !v.report_only.empty();
    });
    if (any) {
        print_clients(out, analysis);
    }
    if (!analysis.findings.empty()) {
        out << '\n';
        print_findings_on(out, analysis.findings, drawing);
    }
    out << (analysis.advice.empty() ? "" : "\n");
    for (const std::string& sentence : analysis.advice) {
        out << "advice: " << printable(sentence) << '\n';
    }
}

}  // namespace hpkp::cli
