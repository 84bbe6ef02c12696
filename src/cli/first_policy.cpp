#include "first_policy.hpp"

#include "input.hpp"
#include "output.hpp"

#include "file.hpp"

#include "duration.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

namespace hpkp::cli {

namespace {

/// The certificate of the path that stands at the level. Throws InputError if there is none.
const Certificate& certificate_at(Level level, const Path& path)
{
    const Certificate& leaf = path.certificates.front();
    const Certificate* root = path.root();
    const std::string of = "the chain of " + printable(leaf.short_name());
    switch (level) {
    case Level::leaf:
        return leaf;
    case Level::intermediate:
        if (path.certificates.size() < 2) {
            throw InputError(of + " has no intermediate: give the whole chain, or take --level leaf");
        }
        if (&path.certificates[1] == root) {
            throw InputError(of + " has no intermediate on the path to " + printable(root->short_name())
                             + ": take --level root or --level leaf");
        }
        return path.certificates[1];
    case Level::root:
        break;
    }
    if (root == nullptr) {
        throw InputError(of + " reaches no root: name the store that has it with --trust NAME=FILE, or take --level "
                         + (path.certificates.size() > 1 ? "intermediate" : "leaf"));
    }
    return *root;
}

std::string origin_of(const Object& object)
{
    return object.key + (object.not_after ? ", valid until " + time_text(*object.not_after) : "");
}

/// As a YAML string, whatever is in it.
std::string quoted(const std::string& text)
{
    YAML::Emitter emitter;
    emitter << YAML::DoubleQuoted << text;
    return emitter.c_str();
}

std::string joined(const std::vector<std::string>& words, const char* between)
{
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : between) + printable(word);
    }
    return text;
}

const char* risk_of(Level level)
{
    switch (level) {
    case Level::leaf:
        return "      # The key in use, which is yours alone: no authority's mistake can hurt. But whatever comes "
               "after\n"
               "      # it must be pinned before it is served: renew with this key, or with that of a backup.\n";
    case Level::intermediate:
        return "      # The authority that signed the leaf, on every path: renewals by it may have any key. But it "
               "signs\n"
               "      # for others too, and it may change without notice: then only the backups are left.\n";
    case Level::root:
        break;
    }
    return "      # The root of every path: renewals by this authority may have any key and any intermediate. But all\n"
           "      # that it signs for others matches too, and clients that look at nothing but what is sent (GNU\n"
           "      # Wget2) find no pin: roots are not sent.\n";
}

void write_steps(std::ostream& out, const FirstPolicy& policy)
{
    std::vector<std::string> steps;
    if (policy.example_uri) {
        steps.push_back("Replace report-uri, which is an example's, by an address of yours.");
    }
    std::string arguments = shell_word(policy.file);
    for (const std::string& chain : policy.chains) {
        arguments += " --chain " + shell_word(chain);
    }
    arguments = printable(arguments);
    steps.push_back("hpkp check " + arguments);
    steps.push_back("In nginx.conf, in the server's block: hpkp_policy " + printable(absolute_path(policy.file))
                    + "; then nginx -t and nginx -s reload.");
    steps.push_back("Watch the reports that clients send, and live through a renewal of the certificate.");
    steps.push_back("Enforce, with a low max-age: \"enforce\" below. From then on clients that came are bound.");
    steps.push_back("Raise max-age step by step: 5m, 1h, 1d, 7d, 30d. Over 60d, clients cap it.");
    steps.push_back("Before any key changes: hpkp rollover " + arguments);

    out << "# What to do next:\n";
    for (std::size_t i = 0; i < steps.size(); i++) {
        out << "#   " << i + 1 << ". " << steps[i] << '\n';
    }
}

void write_pin(std::ostream& out, const FirstPin& pin)
{
    out << "      - name: " << quoted(pin.name) << "  # " << pin.origin << "\n        pin-sha256: \""
        << pin.pin.base64() << "\"\n";
}

void write_policy(std::ostream& out, const FirstPolicy& policy)
{
    out << "policies:\n"
        << "  # The ledger remembers a policy by this name; hpkp_policy may name it after the file.\n"
        << "  " << quoted(policy.name) << ":\n"
        << "    # A client takes a chain if one of these keys is in it.\n"
        << "    pins:\n"
        << risk_of(policy.level);
    for (const FirstPin& pin : policy.pins) {
        write_pin(out, pin);
    }
    out << "      # Backups: keys in no chain yet, for the day when the others are lost. Their private keys belong\n"
        << "      # offline, in two places, and on no server.\n";
    for (const FirstPin& pin : policy.backups) {
        write_pin(out, pin);
    }
    out << "    report-only:\n"
        << "      # Sent as Public-Key-Pins-Report-Only: clients report a chain that does not match, and take it.\n";
    if (policy.example_uri) {
        out << "      # REPLACE this. It should be on another domain: a domain that is locked out gets no reports.\n";
    } else {
        out << "      # Where the reports go; on another domain than the pinned one, which may be locked out.\n";
    }
    out << "      report-uri: " << quoted(policy.report_uri) << '\n'
        << "    # To enforce, put this in place of report-only:\n"
        << "    # enforce:\n"
        << "    #   max-age: 5m               # how long clients hold to the pins after each answer\n"
        << "    #   includeSubDomains: false  # true: every subdomain must match as well\n"
        << "    #   report-uri: " << quoted(policy.report_uri) << '\n';
}

}  // namespace

const char* level_text(Level level)
{
    return level == Level::leaf ? "leaf" : level == Level::intermediate ? "intermediate" : "root";
}

void add_pins(Level level, const Chain& chain, const TrustPaths& paths, std::vector<FirstPin>& pins)
{
    if (paths.paths.empty()) {
        throw InputError("no client would accept " + printable(chain.text())
                         + (paths.rejected.empty() ? ": it reaches no root of the stores; see --trust NAME=FILE"
                                                   : ": " + printable(paths.rejected.front().reason)));
    }
    for (const Path& path : paths.paths) {
        const Certificate& certificate = certificate_at(level, path);
        const auto object = object_of(certificate);
        if (!object) {
            throw InputError("the key of " + printable(certificate.short_name()) + " cannot be pinned");
        }
        if (std::none_of(pins.begin(), pins.end(), [&](const FirstPin& p) { return p.pin == object->pin; })) {
            pins.push_back({object->name, level_text(level) + (", " + origin_of(*object)), object->pin});
        }
    }
}

FirstPin backup_of(const Objects& objects, const std::string& file, std::size_t number, bool& private_key)
{
    const std::string named = printable(file);
    if (!objects.errors.empty()) {
        throw InputError(named + " " + objects.errors.front());
    }
    const Object& first = objects.found.front();
    for (const Object& object : objects.found) {
        if (object.pin != first.pin) {
            throw InputError(named + " has several keys: give a file with one for each --backup");
        }
        if (!object.problem.empty()) {
            throw InputError(named + " has a CSR that proves nothing, as " + object.problem
                             + "; make it anew: openssl req -new -key KEY -out FILE");
        }
        private_key = private_key || object.kind == Object::Kind::private_key;
    }
    const std::string base = file.substr(file.rfind('/') + 1);
    return {"backup " + std::to_string(number) + (file == "-" ? "" : " (" + printable(base) + ")"),
            std::string("from a ") + first.kind_text() + (first.name.empty() ? "" : ", " + first.name) + ", "
                + origin_of(first),
            first.pin};
}

std::string yaml_of(const FirstPolicy& policy)
{
    std::ostringstream out;
    out << "# Pins for " << printable(policy.name)
        << ". As hpkp init made them they are report-only, and lock nobody out.\n"
        << "# Made by hpkp init from " << joined(policy.chains, ", ") << ", --level " << level_text(policy.level)
        << ".\n#\n";
    write_steps(out, policy);
    out << "\nversion: 1\n\n";
    if (!policy.trust.empty()) {
        out << "# The roots that clients trust. The chains served must match by every path to them.\ntrust:\n";
        for (const auto& [name, path] : policy.trust) {
            out << "  " << quoted(name) << ": " << quoted(path) << '\n';
        }
        out << '\n';
    }
    write_policy(out, policy);
    return out.str();
}

}  // namespace hpkp::cli
