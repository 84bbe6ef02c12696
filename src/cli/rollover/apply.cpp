#include "apply.hpp"

#include "../input.hpp"
#include "../output.hpp"
#include "replace_file.hpp"

#include "file.hpp"
#include "pin_source.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace hpkp::cli::rollover {

namespace {

using Role = KnownPin::Role;
using Kind = Step::Kind;

/// The pin of a backup's file, whatever kind of file it is.
Pin read_backup(const std::string& path)
{
    const FileContent file = read_file(path);
    if (!file.ok()) {
        throw InputError("the backup " + path + " " + file.error);
    }
    if (!private_key_pins(file.bytes, 1).empty() || file.bytes.find("PRIVATE KEY-----") != std::string::npos) {
        throw InputError("the backup " + path
                         + " is a private key, which belongs offline: give its CSR (openssl req -new "
                           "-key "
                         + path + " -subj /CN=backup -out backup.csr)");
    }
    for (const PinSourceKind kind : {PinSourceKind::csr, PinSourceKind::certificate, PinSourceKind::public_key}) {
        if (const PinSource read = read_pin_source(kind, path); read.pin) {
            return *read.pin;
        }
    }
    if (file.bytes.find(" REQUEST-----") != std::string::npos) {
        throw InputError("the backup " + read_pin_source(PinSourceKind::csr, path).error);
    }
    throw InputError("the backup " + path + " is no CSR, certificate or public key");
}

const KnownPin* find(const State& state, const Pin& pin)
{
    const auto found =
        std::find_if(state.pins.begin(), state.pins.end(), [&](const KnownPin& known) { return known.pin.pin == pin; });
    return found == state.pins.end() ? nullptr : &*found;
}

/// A name that no pin of the policy or of `added` has: "backup", "backup 2".
std::string fresh_name(const std::string& wanted, const State& state, const std::vector<NewPin>& added)
{
    const auto taken = [&](const std::string& name) {
        return std::any_of(state.pins.begin(), state.pins.end(), [&](const KnownPin& p) { return p.pin.name == name; })
               || std::any_of(added.begin(), added.end(), [&](const NewPin& pin) { return pin.name == name; });
    };
    std::string name = wanted;
    for (int number = 2; taken(name); number++) {
        name = wanted + " " + std::to_string(number);
    }
    return name;
}

std::vector<NewPin> new_pins(const Edit& edit, const Answer& answer)
{
    if (edit.backups.empty()) {
        throw InputError("--apply add-backup wants --backup FILE: a CSR, certificate or public key of the new key");
    }
    if (!edit.pin.empty() && edit.backups.size() > 1) {
        throw InputError("--pin names one new backup, and there are several");
    }
    std::vector<NewPin> added;
    for (const std::string& path : edit.backups) {
        const Pin pin = read_backup(path);
        if (const KnownPin* known = find(answer.state, pin)) {
            throw InputError("the key of " + path + " is pinned already, as \"" + printable(known->pin.label()) + "\"");
        }
        if (answer.served.count(pin) != 0) {
            throw InputError("the key of " + path + " is in the chain served now: that is no backup");
        }
        const bool twice =
            std::any_of(added.begin(), added.end(), [&](const NewPin& other) { return other.pin == pin; });
        if (twice) {
            throw InputError("the key of " + path + " is given twice");
        }
        const std::string stem = std::filesystem::path(path).stem().string();
        added.push_back({fresh_name(printable(edit.pin.empty() ? stem : edit.pin), answer.state, added), pin});
    }
    return added;
}

/// The pins that --pin names, or else those of this role.
std::vector<const PolicyPin*> chosen(const Edit& edit, const State& state, Role role)
{
    std::vector<const PolicyPin*> found;
    std::string names;
    for (const KnownPin& known : state.pins) {
        const bool wanted =
            edit.pin.empty() ? known.is(role) : known.pin.name == edit.pin || known.pin.pin.base64() == edit.pin;
        if (wanted) {
            found.push_back(&known.pin);
        }
        names += (names.empty() ? "\"" : ", \"") + printable(known.pin.label()) + "\"";
    }
    const std::string step = kind_text(edit.kind);
    if (found.empty() && edit.pin.empty()) {
        throw InputError(std::string("nothing to ") + step + ": "
                         + (role == Role::old ? "the ledger knows no pin here whose key was in use before"
                                              : "no retired pin is out of use")
                         + "; name one with --pin: " + names);
    }
    if (found.empty()) {
        throw InputError(state.owner + " has no pin \"" + printable(edit.pin) + "\"; it has " + names);
    }
    if (!edit.pin.empty() && found.size() > 1) {
        throw InputError("several pins are called \"" + printable(edit.pin)
                         + "\": give --pin the base64 of the one meant");
    }
    return found;
}

std::vector<Place> places(const std::vector<const PolicyPin*>& pins)
{
    std::vector<Place> all;
    all.reserve(pins.size());
    for (const PolicyPin* pin : pins) {
        all.push_back(pin->place);
    }
    return all;
}

/// Judged beside the real file, and told of the real file.
void rename_in(Finding& finding, const std::string& from, const std::string& to)
{
    const auto replace = [&](std::string& text) {
        for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
            text.replace(at, from.size(), to);
        }
    };
    if (finding.place) {
        replace(finding.place->file);
    }
    replace(finding.what);
    std::for_each(finding.details.begin(), finding.details.end(), replace);
    replace(finding.remedy);
}

void judge_edited(const Question& question, const Answer& before, Applied& applied)
{
    if (::access(directory_of(question.policy).c_str(), W_OK | X_OK) != 0) {
        return;  // --output: whoever may not write here may still see what it would be
    }
    const FileBeside edited(question.policy, applied.text, false);
    Question again = question;
    again.policy = edited.path();
    applied.after = read_state(again);
    std::set<std::pair<FindingId, std::string>> known;
    for (const Finding& finding : before.findings) {
        known.emplace(finding.id, finding.what);
    }
    for (Finding finding : applied.after->findings) {
        rename_in(finding, edited.path(), question.policy);
        if (finding.severity == Severity::note || known.count({finding.id, finding.what}) != 0) {
            continue;
        }
        (finding.severity == Severity::error ? applied.new_errors : applied.new_warnings).push_back(std::move(finding));
    }
}

}  // namespace

Kind edit_of(const std::string& step)
{
    for (const Kind kind : {Kind::add_backup, Kind::retire, Kind::drop}) {
        if (step == kind_text(kind)) {
            return kind;
        }
    }
    if (step == "reload") {
        throw InputError("reload is nginx's own: nginx -t && nginx -s reload");
    }
    if (step.rfind("serve", 0) == 0) {
        throw InputError("serve is done in nginx's configuration: ssl_certificate and ssl_certificate_key");
    }
    throw InputError("\"" + printable(step) + "\" is no step that can be applied: add-backup, retire or drop");
}

Applied apply(const Edit& edit, const Question& question, const Answer& answer, const std::string& text)
{
    if (edit.kind != Kind::add_backup && !edit.backups.empty()) {
        throw InputError("--backup belongs to --apply add-backup");
    }
    Applied applied;
    PolicyEditor editor(question.policy, text, answer.list);
    if (edit.kind == Kind::add_backup) {
        const std::vector<NewPin> pins = new_pins(edit, answer);
        editor.add(pins);
        for (const NewPin& pin : pins) {
            applied.pins.push_back(pin.name);
        }
    } else {
        const bool retires = edit.kind == Kind::retire;
        const auto pins = chosen(edit, answer.state, retires ? Role::old : Role::retired);
        for (const PolicyPin* pin : pins) {
            if (retires && pin->retired) {
                throw InputError("\"" + printable(pin->label()) + "\" is retired already");
            }
            applied.pins.push_back(pin->label());
        }
        retires ? editor.retire(places(pins)) : editor.drop(places(pins));
    }
    applied.text = editor.text();
    judge_edited(question, answer, applied);
    return applied;
}

}  // namespace hpkp::cli::rollover
