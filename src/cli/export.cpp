// hpkp export: the pins of a policy in the form that each client reads.
#include "command.hpp"
#include "input.hpp"
#include "output.hpp"
#include "output_file.hpp"
#include "server_input.hpp"

#include "checks/checks.hpp"
#include "exports/request.hpp"
#include "hpkp.h"
#include "policy_reader.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace hpkp::cli {

namespace {

struct Options {
    Format format;
    std::string policy;
    std::string name;
    std::string to;
    std::vector<std::string> chains;
    std::string output;
    std::string at;
    ExportRequest request;
    bool force = false;
};

/// What came of it. With `exported` false there is no content.
struct Result {
    bool exported = false;
    std::string policy;
    ExportMode mode = ExportMode::guard;
    std::string content;
    Findings findings;
    Remarks remarks;
};

const ExportFormat& format_of(const std::string& name)
{
    const auto& formats = export_formats();
    return *std::find_if(formats.begin(), formats.end(),
                         [&](const ExportFormat& format) { return format.name == name; });
}

std::vector<std::string> format_names()
{
    std::vector<std::string> names;
    for (const ExportFormat& format : export_formats()) {
        names.emplace_back(format.name);
    }
    return names;
}

/// The formats and what each is, for --help.
std::string formats_text()
{
    constexpr std::size_t kIndent = 11;
    std::string text = "Formats:\n";
    for (const ExportFormat& format : export_formats()) {
        std::string name = std::string("  ") + format.name;
        name.resize(kIndent, ' ');
        text += name + format.what + (format.needs_host ? "; wants --host" : "") + "\n";
    }
    return text
           + "\nWhat a format cannot say is told on standard error. What would lock its clients out is an error, and "
             "nothing is exported.";
}

const Policy& policy_of(const PolicyFile& file, const std::string& name)
{
    if (name.empty() && file.policies.size() == 1) {
        return file.policies.front();
    }
    const Policy* policy = file.find(name);
    if (policy == nullptr) {
        throw InputError(file.path + (name.empty() ? " has several policies" : " has no policy \"" + name + "\"")
                         + ": say --name with one of " + printable(names_of(file)));
    }
    return *policy;
}

/// An option that the format does not take is a mistake, not a wish to be ignored.
void check_options(const CLI::App& command, const ExportFormat& format)
{
    for (const char* option : {"--expiration", "--platform", "--level", "--port"}) {
        const bool takes = std::any_of(format.options.begin(), format.options.end(),
                                       [&](const std::string& name) { return name == option; });
        if (!takes && command.get_option(option)->count() != 0) {
            throw InputError(std::string(option) + " means nothing to --to " + format.name);
        }
    }
}

void check_counts(const PolicyFile& file, const Policy& policy, Findings& findings)
{
    Site site;
    PolicyFile& only = site.files.emplace_back();
    only.path = file.path;
    only.policies.push_back(policy);
    check_pin_count(site, findings);
}

Result run(const Options& options, const ExportFormat& format)
{
    Result result;
    ExportRequest request = options.request;
    request.now = options.at.empty() ? std::time(nullptr) : read_time(options.at);
    const LedgerChoice ledger = choose_ledger(request.ledger);
    if (ledger.missing && ledger.given) {
        throw InputError("there is no ledger " + printable(ledger.path) + "; --ledger off: ask none");
    }
    request.ledger = ledger.missing ? "" : ledger.path;
    require_policy(options.policy);
    const PolicyFile file = read_policy_file(options.policy, request.now, result.findings);
    if (count(result.findings, Severity::error) != 0) {
        return result;
    }
    const Policy& policy = policy_of(file, options.name);
    result.policy = policy.name;
    check_counts(file, policy, result.findings);
    if (count(result.findings, Severity::error) != 0) {
        return result;
    }
    const ServedChains chains(options.chains, policy, request.now);
    Export what = make_export(policy, request, format, chains, result.remarks);
    result.mode = what.mode;
    result.content = judged_text(format, chains, what, result.remarks);
    result.exported = result.remarks.errors.empty();
    return result;
}

nlohmann::json document_of(const Result& result, const ExportFormat& format)
{
    nlohmann::json document = {{"to", format.name},
                               {"exported", result.exported},
                               {"policy", nullptr},
                               {"mode", nullptr},
                               {"content", nullptr},
                               {"findings", json_of(result.findings)},
                               {"errors", result.remarks.errors},
                               {"notes", result.remarks.notes}};
    if (!result.policy.empty()) {
        document["policy"] = result.policy;
    }
    if (result.exported) {
        document["mode"] = text_of(result.mode);
        document["content"] = result.content;
    }
    return document;
}

void print_remarks(const Result& result)
{
    print_findings(std::cerr, result.findings);
    if (result.exported) {
        for (const std::string& note : result.remarks.notes) {
            std::cerr << "note: " << note << '\n';
        }
    }
    for (const std::string& error : result.remarks.errors) {
        std::cerr << "error: " << error << '\n';
    }
    if (!result.exported) {
        std::cerr << "nothing is exported\n";
    }
}

int export_policy(const Options& options, const CLI::App& command)
{
    const ExportFormat& format = format_of(options.to);
    check_options(command, format);
    refuse_to_overwrite(options.output, options.policy, "the policy file");
    const Result result = run(options, format);
    std::ostringstream text;
    if (options.format.json()) {
        print_json(text, document_of(result, format));
    } else {
        print_remarks(result);
        text << result.content;
    }
    OutputFile output(result.exported ? options.output : "", options.force);
    output.stream() << text.str();
    output.commit();
    return result.exported ? kFine : kFindings;
}

}  // namespace

void add_export(CLI::App& program, int& exit_code)
{
    auto options = std::make_shared<Options>();
    ExportRequest& request = options->request;
    CLI::App* command = program.add_subcommand("export", "The pins of a policy in the form that each client reads");
    command->add_option("POLICY", options->policy, "The policy file")->type_name("FILE")->required();
    command->add_option("--name", options->name, "The policy in it; may be left out where there is one")
        ->type_name("NAME");
    command->add_option("--to", options->to, "The format, see below")->required()->check(CLI::IsMember(format_names()));
    command->add_option("--host", request.hosts, "A host that is pinned, such as www.example.com; may repeat")
        ->type_name("NAME");
    command
        ->add_option("--chain", options->chains,
                     "What nginx serves, a PEM file, leaf first: shows which pins are of leaves and which of "
                     "authorities, and that clients accept it; may repeat")
        ->type_name("FILE");
    command
        ->add_option("--mode", request.mode,
                     "Which part of the policy; left out: its guard, else enforce, else report-only; for header, "
                     "wget2 and json the guard last")
        ->check(CLI::IsMember({"guard", "enforce", "report-only"}));
    command
        ->add_option("--level", request.level,
                     "ios, curl, envoy, tlsa, json: what the keys are of, where no --chain shows it")
        ->check(CLI::IsMember({"leaf", "ca"}));
    command
        ->add_option("--expiration", request.expiration,
                     "android, trustkit: the day from whose start on clients ignore the pins; left out: the day after "
                     "the guard's \"until\", or never")
        ->type_name("DATE");
    command->add_option("--platform", request.platform, "trustkit: ios, or android")
        ->check(CLI::IsMember({"ios", "android"}))
        ->default_str("ios");
    command->add_option("--port", request.port, "tlsa: the port of the service")
        ->type_name("PORT")
        ->check(CLI::Range(1, 65535))
        ->capture_default_str();
    command
        ->add_option("--ledger", request.ledger,
                     "header, wget2, json: since when a max-age that is a ramp has run; off: since now")
        ->type_name("FILE")
        ->default_str(HPKP_LEDGER);
    command->add_option("--at", options->at, "Export as at this time, such as 2027-06-01, not as of now")
        ->type_name("DATE");
    command->add_option("--output", options->output, "Write to this file, not to standard output")->type_name("FILE");
    command->add_flag("--force", options->force, "Replace the output file if there is one");
    add_format(*command, options->format);
    command->footer(formats_text());
    command->callback([options, command, &exit_code] { exit_code = export_policy(*options, *command); });
}

}  // namespace hpkp::cli
