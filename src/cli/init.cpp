// hpkp init: a first policy from the chain that nginx serves and from backups, report-only.
#include "command.hpp"
#include "first_policy.hpp"
#include "input.hpp"
#include "output.hpp"
#include "output_file.hpp"
#include "server_input.hpp"
#include "trust_option.hpp"

#include "file.hpp"
#include "pem.hpp"
#include "report_uri.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <deque>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

namespace hpkp::cli {

namespace {

constexpr const char* kExampleUri = "https://reports.example.net/hpkp";
constexpr std::size_t kAdvisedBackups = 2;

struct Options {
    Format format;
    std::vector<std::string> chains;
    std::string level;
    std::vector<std::string> backups;
    std::string passin;
    std::string name;
    std::string report_uri;
    std::vector<std::string> trust;
    std::string output;
    bool force = false;
};

/// What the user should know: said on standard error at once, and part of the JSON.
class Notes {
public:
    void add(const std::string& text)
    {
        std::cerr << "hpkp: " << text << '\n';
        all_.push_back(text);
    }
    const std::vector<std::string>& all() const { return all_; }

private:
    std::vector<std::string> all_;
};

TrustStores stores_of(const Options& options, TrustPathFinder& finder)
{
    TrustStores stores = trust_of(options.trust);
    for (auto& [name, path] : stores) {
        path = absolute_path(path);
        if (path != printable(path, path.size())) {
            throw InputError(
                "the trust store " + printable(path)
                + " has a name that cannot be written into a policy file: control characters, or no UTF-8");
        }
        if (!finder.store(path).ok()) {
            throw InputError("the trust store " + path + " " + finder.store(path).error);
        }
    }
    if (stores.empty() && !finder.system_bundle().ok()) {
        throw InputError("the system's bundle " + finder.system_bundle().path + " " + finder.system_bundle().error
                         + ": name a store with --trust NAME=FILE");
    }
    return stores;
}

void note_basis(const Chain& chain, const TrustPaths& paths, Notes& notes)
{
    if (paths.basis == TrustPaths::Basis::sent) {
        notes.add(printable(chain.text())
                  + " reaches no root of the system's bundle: it is taken for a private PKI's, and the "
                    "certificates sent for its path (--trust NAME=FILE names the roots of its clients)");
    }
    if (paths.basis == TrustPaths::Basis::outdated) {
        notes.add(printable(chain.text()) + " is expired, or not valid yet");
    }
    if (paths.limits.any()) {
        notes.add(printable(chain.text()) + " has more paths than are looked for: there may be others to pin");
    }
}

/// The backups that are in no chain. Throws InputError if there is none.
std::vector<FirstPin> read_backups(const Options& options, const std::deque<Chain>& chains,
                                   const std::vector<const TrustPaths*>& paths, Notes& notes)
{
    PassPhrase pass_phrase(options.passin);
    std::vector<FirstPin> backups;
    for (const std::string& file : options.backups) {
        bool private_key = false;
        const Objects objects = read_objects(read_input(file), printable(file), pass_phrase);
        FirstPin backup = backup_of(objects, file, backups.size() + 1, private_key);
        if (private_key) {
            notes.add(printable(file)
                      + " is a private key: a backup's belongs offline, in two places; give "
                        "its CSR or public key here");
        }
        const auto in_chain = [&](const Chain& chain) {
            return std::any_of(chain.sent.begin(), chain.sent.end(),
                               [&](const Certificate& c) { return c.pin() == backup.pin; });
        };
        if (std::any_of(chains.begin(), chains.end(), in_chain)
            || std::any_of(paths.begin(), paths.end(), [&](const TrustPaths* p) { return p->contains(backup.pin); })) {
            notes.add(printable(file) + " is in the chain already and so no backup: it is left out");
        } else if (std::any_of(backups.begin(), backups.end(),
                               [&](const FirstPin& b) { return b.pin == backup.pin; })) {
            notes.add(printable(file) + " has the same key as another backup: it is left out");
        } else {
            backups.push_back(std::move(backup));
        }
    }
    if (backups.empty()) {
        throw InputError(
            "there is no backup, a key that is in no chain yet. Make one and keep its private key offline:\n"
            "    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out backup.key\n"
            "    openssl req -new -key backup.key -subj /CN=backup -out backup.csr\n"
            "then give --backup backup.csr");
    }
    if (backups.size() < kAdvisedBackups) {
        notes.add("there is one backup: two are the advice, kept in two places");
    }
    return backups;
}

void choose_report_uri(const Options& options, const std::deque<Chain>& chains, FirstPolicy& policy, Notes& notes)
{
    policy.example_uri = options.report_uri.empty();
    policy.report_uri = policy.example_uri ? kExampleUri : options.report_uri;
    std::string error;
    const auto uri = parse_report_uri(policy.report_uri, error);
    if (!uri) {
        throw InputError("--report-uri \"" + printable(options.report_uri) + "\" " + error);
    }
    if (policy.example_uri) {
        notes.add(std::string("report-uri is ") + kExampleUri
                  + ", an example: replace it by an address of yours, on another domain");
    }
    if (uri->scheme == "https"
        && std::any_of(chains.begin(), chains.end(), [&](const Chain& c) { return c.leaf().covers(uri->host); })) {
        notes.add("report-uri is on the host that is pinned: once enforced, no report of a lock-out can arrive; "
                  "take another domain");
    }
}

FirstPolicy make_policy(const Options& options, Notes& notes)
{
    std::deque<Chain> chains;
    for (const std::string& file : options.chains) {
        chains.push_back(read_chain(file));
    }
    FirstPolicy policy{};
    TrustPathFinder finder(std::time(nullptr), kSystemBundle);

    policy.chains = options.chains;
    policy.file = options.output.empty() ? "pins.yaml" : options.output;
    for (const Level level : {Level::leaf, Level::intermediate, Level::root}) {
        policy.level = level_text(level) == options.level ? level : policy.level;
    }
    policy.name = options.name.empty() ? printable(chains.front().leaf().short_name()) : options.name;
    if (policy.name != printable(policy.name, 200)) {
        throw InputError("--name is for people: no control characters, and at most 200 bytes");
    }
    policy.trust = stores_of(options, finder);

    std::vector<const TrustPaths*> paths;
    for (const Chain& chain : chains) {
        paths.push_back(&finder.find(chain, policy.trust.empty() ? nullptr : &policy.trust));
        add_pins(policy.level, chain, *paths.back(), policy.pins);
        note_basis(chain, *paths.back(), notes);
    }
    policy.backups = read_backups(options, chains, paths, notes);
    choose_report_uri(options, chains, policy, notes);
    return policy;
}

nlohmann::json json_of(const std::vector<FirstPin>& pins)
{
    nlohmann::json list = nlohmann::json::array();
    for (const FirstPin& pin : pins) {
        list.push_back({{"name", pin.name}, {"origin", pin.origin}, {"pin-sha256", pin.pin.base64()}});
    }
    return list;
}

int init(const Options& options)
{
    if (std::count(options.backups.begin(), options.backups.end(), "-")
            + std::count(options.chains.begin(), options.chains.end(), "-") + (options.passin == "stdin" ? 1 : 0)
        > 1) {
        throw InputError("only one of --chain, --backup and --passin can be standard input");
    }
    Notes notes;
    const FirstPolicy policy = make_policy(options, notes);
    const std::string yaml = yaml_of(policy);
    if (!options.output.empty()) {
        OutputFile file(options.output, options.force);
        file.stream() << yaml;
        file.commit();
    }
    if (options.format.json()) {
        print_json(std::cout, {{"name", policy.name},
                               {"level", options.level},
                               {"pins", json_of(policy.pins)},
                               {"backups", json_of(policy.backups)},
                               {"report-uri", policy.report_uri},
                               {"notes", notes.all()},
                               {"policy", yaml},
                               {"output", options.output.empty() ? nlohmann::json() : nlohmann::json(options.output)}});
    } else if (options.output.empty()) {
        std::cout << yaml;
    } else {
        std::cout << "written: " << printable(options.output) << " (what to do next is at its top)\n";
    }
    return kFine;
}

}  // namespace

void add_init(CLI::App& program, int& exit_code)
{
    auto options = std::make_shared<Options>();
    CLI::App* command = program.add_subcommand("init", "A first policy for a chain: report-only, with comments");
    command->add_option("--chain", options->chains, "What nginx serves: a PEM file, leaf first; may repeat")
        ->type_name("FILE")
        ->required();
    command
        ->add_option("--level", options->level,
                     "What to pin, on every trusted path of the chain:\n"
                     "leaf: your own key; each new key must have been pinned before it is served\n"
                     "intermediate: who signed the leaf; may be replaced without notice, and signs for others too\n"
                     "root: the whole authority; GNU Wget2 and others that see no root find no pin")
        ->required()
        ->check(CLI::IsMember({"leaf", "intermediate", "root"}));
    command
        ->add_option(
            "--backup", options->backups,
            "A key in no chain yet: its CSR or public key, or another authority's certificate; may repeat, and "
            "two are the advice")
        ->type_name("FILE")
        ->required();
    add_passin(*command, options->passin);
    command->add_option("--name", options->name, "The policy's name; left out: the leaf's")->type_name("NAME");
    command->add_option("--report-uri", options->report_uri, "Where clients send reports, on another domain")
        ->type_name("URI");
    add_trust(*command, options->trust, "the system's bundle, written into the policy");
    command->add_option("--output", options->output, "Where to write; left out: standard output")->type_name("FILE");
    command->add_flag("--force", options->force, "Replace the output file if there is one");
    add_format(*command, options->format);
    command->footer("Example:\n    hpkp init --chain fullchain.pem --level leaf --backup a.csr b.csr --report-uri "
                    "https://reports.example.net/pkp --output pins.yaml");
    command->callback([options, &exit_code] { exit_code = init(*options); });
}

}  // namespace hpkp::cli
