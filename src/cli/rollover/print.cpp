#include "print.hpp"

#include "../output.hpp"

#include "duration.hpp"

#include <algorithm>

namespace hpkp::cli::rollover {

namespace {

using nlohmann::json;
using Kind = Step::Kind;

std::string labels_of(const PinSet& pins)
{
    std::string all;
    for (const PolicyPin& pin : pins.pins) {
        all += (all.empty() ? "" : ", ") + printable(pin.label());
    }
    return all;
}

Findings errors_of(const Findings& findings)
{
    Findings errors;
    std::copy_if(findings.begin(), findings.end(), std::back_inserter(errors),
                 [](const Finding& finding) { return finding.severity == Severity::error; });
    return errors;
}

void print_state(std::ostream& out, const State& state)
{
    out << printable(state.owner) << ":\n";
    for (const KnownPin& known : state.pins) {
        const std::string role = role_text(known.role);
        out << "  " << role << std::string(9 - role.size(), ' ') << printable(known.pin.label()) << '\n';
    }
    out << "clients may hold:\n";
    for (const HeldPolicy& held : state.held) {
        const Entry& entry = *held.entry;
        const std::int64_t until = entry.held_until(state.now);
        out << "  " << printable(entry.policy->pins.owner) << ", of " << printable(hosts_text(held)) << ", until "
            << time_text(until) << " (" << distance_text(until, state.now)
            << (entry.open ? ", if it is sent no more from now" : "") << "): " << labels_of(entry.policy->pins) << '\n';
    }
    if (state.held.empty()) {
        out << (state.ledger_known ? "  nothing\n" : "  what nobody knows: there is no ledger\n");
    }
}

std::string when_text(const Step& step, std::int64_t now)
{
    if (!step.after.empty()) {
        return "after " + step.after;
    }
    if (!step.earliest) {
        return "no date can be given";
    }
    if (*step.earliest <= now) {
        return "now";
    }
    std::string text = "from " + time_text(*step.earliest) + " (" + distance_text(*step.earliest, now) + ")";
    if (step.same_issuer) {
        text += "; by the issuers served now: "
                + (*step.same_issuer <= now ? "now" : "from " + time_text(*step.same_issuer));
    }
    return text;
}

void print_step(std::ostream& out, const Step& step, std::int64_t now)
{
    const std::string head = printable(step.text()) + ": " + when_text(step, now);
    out << (step.next ? "> " + coloured(Severity::warning, head) : "  " + head) << '\n';
    out << "      " << printable(step.what) << '\n';
    for (const std::string& why : step.why) {
        out << "      - " << printable(why) << '\n';
    }
    // What to type: for the step that is due, and for no other, so that it stands out.
    for (const std::string& command : step.next ? step.commands : std::vector<std::string>{}) {
        out << "        " << printable(command) << '\n';
    }
}

json json_of_step(const Step& step)
{
    json made = {{"step", kind_text(step.kind)},
                 {"next", step.next},
                 {"what", step.what},
                 {"why", step.why},
                 {"commands", step.commands}};
    made["pin"] = step.pin == nullptr ? json() : json(step.pin->label());
    made["pin-sha256"] = step.pin == nullptr ? json() : json(step.pin->pin.base64());
    made["chain"] = step.chain.empty() ? json() : json(step.chain);
    made["earliest"] = step.earliest ? json(*step.earliest) : json();
    made["earliest-same-issuer"] = step.same_issuer ? json(*step.same_issuer) : made["earliest"];
    made["after"] = step.after.empty() ? json() : json(step.after);
    return made;
}

json json_of_held(const HeldPolicy& held, std::int64_t now)
{
    const Entry& entry = *held.entry;
    json pins = json::array();
    for (const PolicyPin& pin : entry.policy->pins.pins) {
        pins.push_back(pin.pin.base64());
    }
    return {{"ids", held.ids},     {"policy", entry.policy->name},
            {"hosts", held.hosts}, {"instance", entry.instance},
            {"open", entry.open},  {"held-until", entry.held_until(now)},
            {"pins", pins}};
}

}  // namespace

void print_text(std::ostream& out, const Question& question, const Answer& answer, const Plan& plan)
{
    print_findings(out, errors_of(answer.findings));
    if (!answer.plannable) {
        out << "no plan: mend these first (hpkp check says the same)\n";
        return;
    }
    const State& state = answer.state;
    print_state(out, state);
    out << "plan of " << printable(question.policy) << " as of " << time_text(state.now) << ":\n";
    for (const Step& step : plan.steps) {
        print_step(out, step, state.now);
    }
    for (const std::string& note : plan.notes) {
        out << "note: " << printable(note) << '\n';
    }
    if (!answer.new_chain_findings.empty()) {
        out << "whatever the date, nginx would refuse the new chain with this policy:\n";
        print_findings(out, answer.new_chain_findings);
    }
}

json json_of(const Question& question, const Answer& answer, const Plan& plan)
{
    const State& state = answer.state;
    json pins = json::array();
    for (const KnownPin& known : state.pins) {
        pins.push_back({{"name", known.pin.name},
                        {"pin-sha256", known.pin.pin.base64()},
                        {"role", role_text(known.role)},
                        {"line", known.pin.place.line},
                        {"column", known.pin.place.column}});
    }
    json held = json::array();
    for (const HeldPolicy& policy : state.held) {
        held.push_back(json_of_held(policy, state.now));
    }
    json steps = json::array();
    for (const Step& step : plan.steps) {
        steps.push_back(json_of_step(step));
    }
    Findings findings = answer.findings;
    findings.insert(findings.end(), answer.new_chain_findings.begin(), answer.new_chain_findings.end());
    return {{"file", question.policy},
            {"policy", state.name},
            {"now", state.now},
            {"ledger-known", state.ledger_known},
            {"sent", state.sent && state.stale.empty()},
            {"pins", pins},
            {"held", held},
            {"steps", steps},
            {"notes", plan.notes},
            {"findings", cli::json_of(findings)}};
}

void print_text(std::ostream& out, const Edit& edit, const Applied& applied, const Answer& before,
                const std::string& written)
{
    const bool refused = !applied.new_errors.empty();
    print_findings(out, applied.new_warnings);
    print_findings(out, applied.new_errors);
    if (refused) {
        out << kind_text(edit.kind) << " was not done: nginx would refuse the policy after it\n";
        return;
    }
    const char* done = edit.kind == Kind::add_backup ? "added to"
                       : edit.kind == Kind::retire   ? "retired in"
                                                     : "dropped from";
    for (const std::string& pin : applied.pins) {
        out << printable(written) << ": \"" << printable(pin) << "\" " << done << " "
            << (before.list.report_only ? "report-only of " : "") << printable(before.state.owner) << '\n';
    }
    if (before.state.other_pins) {
        out << "report-only has pins of its own: those are as they were\n";
    }
    if (!applied.after) {
        out << "it could not be judged, since its directory cannot be written to: hpkp check says what nginx would "
               "say\n";
        return;
    }
    const Plan plan = make_plan(applied.after->state);
    if (const Step* next = plan.next()) {
        out << "next: " << printable(next->text()) << ": " << when_text(*next, applied.after->state.now) << '\n';
    }
}

json json_of(const Edit& edit, const Applied& applied, const std::string& written)
{
    Findings findings = applied.new_errors;
    findings.insert(findings.end(), applied.new_warnings.begin(), applied.new_warnings.end());
    json next;
    if (applied.after) {
        const Plan plan = make_plan(applied.after->state);
        next = plan.next() == nullptr ? json() : json_of_step(*plan.next());
    }
    return {{"applied", kind_text(edit.kind)},
            {"written", applied.new_errors.empty()},
            {"file", written},
            {"pins", applied.pins},
            {"findings", cli::json_of(findings)},
            {"next", next}};
}

}  // namespace hpkp::cli::rollover
