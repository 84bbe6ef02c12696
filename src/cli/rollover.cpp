// hpkp rollover: the plan of a key change, and the edits of the policy file that it asks for.
#include "command.hpp"
#include "input.hpp"
#include "output.hpp"
#include "output_file.hpp"
#include "rollover/apply.hpp"
#include "rollover/print.hpp"
#include "rollover/replace_file.hpp"
#include "rollover/state.hpp"
#include "server_input.hpp"
#include "trust_option.hpp"

#include "file.hpp"
#include "hpkp.h"

#include <ctime>
#include <iostream>

namespace hpkp::cli {

namespace {

using namespace rollover;

struct Options {
    Format format;
    std::string policy;
    std::string name;
    std::vector<std::string> chains;
    std::vector<std::string> new_chains;
    std::vector<std::string> hosts;
    std::vector<std::string> trust;
    std::string ledger;
    std::string at;
    std::string apply;
    std::string pin;
    std::vector<std::string> backups;
    std::string output;
    bool force = false;
};

/// The arguments that every further call needs.
std::string arguments_of(const Options& options, const std::vector<std::string>& chains)
{
    std::string all = shell_word(options.policy);
    const auto add = [&](const char* option, const std::vector<std::string>& values) {
        for (const std::string& value : values) {
            all += std::string(" ") + option + " " + shell_word(value);
        }
    };
    add("--name", options.name.empty() ? std::vector<std::string>{} : std::vector{options.name});
    add("--chain", chains);
    add("--host", options.hosts);
    add("--ledger", options.ledger.empty() ? std::vector<std::string>{} : std::vector{options.ledger});
    add("--trust", options.trust);
    return printable(all);
}

Question question_of(const Options& options)
{
    Question question;
    question.policy = options.policy;
    if (!options.name.empty()) {
        question.name = options.name;
    }
    question.chains = options.chains;
    question.new_chains = options.new_chains;
    question.hosts = options.hosts;
    const LedgerChoice ledger = choose_ledger(options.ledger);
    if (ledger.missing) {
        std::cerr << "hpkp: there is no ledger " << printable(ledger.path)
                  << ": give the one that nginx's hpkp_ledger names with --ledger\n";
    }
    question.ledger = ledger.path;
    question.trust = trust_of(options.trust);
    question.now = options.at.empty() ? std::time(nullptr) : read_time(options.at);
    question.arguments = arguments_of(options, options.chains);
    question.check_arguments = arguments_of(options, {});
    return question;
}

int print_plan(const Options& options, const Question& question, const Answer& answer)
{
    const Plan plan = answer.plannable ? make_plan(answer.state) : Plan{};
    if (options.format.json()) {
        print_json(std::cout, json_of(question, answer, plan));
    } else {
        print_text(std::cout, question, answer, plan);
    }
    const bool errors = count(answer.findings, Severity::error) != 0 || !answer.new_chain_findings.empty();
    return errors ? kFindings : kFine;
}

int apply_step(const Options& options, const Question& question, const Answer& answer, const std::string& text)
{
    const Edit edit{edit_of(options.apply), options.pin, options.backups};
    if (!answer.readable) {
        print_findings(std::cout, answer.findings);
        std::cout << "nothing was changed: mend these first\n";
        return kFindings;
    }
    const Applied applied = apply(edit, question, answer, text);
    const bool refused = !applied.new_errors.empty();
    if (!refused && options.output.empty()) {
        replace_file(question.policy, text, applied.text);
    } else if (!refused) {
        OutputFile file(options.output, options.force);
        file.stream() << applied.text;
        file.commit();
    }
    const std::string written = options.output.empty() ? question.policy : options.output;
    if (options.format.json()) {
        print_json(std::cout, json_of(edit, applied, written));
    } else {
        print_text(options.output == "-" ? std::cerr : std::cout, edit, applied, answer, written);
    }
    return refused ? kFindings : kFine;
}

int rollover_command(const Options& options)
{
    if (options.apply.empty() && (!options.output.empty() || !options.pin.empty() || !options.backups.empty())) {
        throw InputError("--output, --pin and --backup belong to --apply");
    }
    if (options.output == "-" && options.format.json()) {
        throw InputError("--output - and --format json both want the output: name a file");
    }
    if (options.policy == "-") {
        throw InputError("the policy must be a file: what it names is found from where it lies");
    }
    const std::string text = read_input(options.policy);
    const Question question = question_of(options);
    const Answer answer = read_state(question);
    return options.apply.empty() ? print_plan(options, question, answer) : apply_step(options, question, answer, text);
}

}  // namespace

void add_rollover(CLI::App& program, int& exit_code)
{
    auto options = std::make_shared<Options>();
    CLI::App* command = program.add_subcommand(
        "rollover", "The plan of a key change: which key to serve from when on, what to pin, what to drop, and why");
    command->add_option("POLICY", options->policy, "The policy file")->type_name("FILE")->required();
    command->add_option("--name", options->name, "The policy in it, where it has several")->type_name("NAME");
    command
        ->add_option("--chain", options->chains,
                     "What nginx serves now with this policy: a PEM file, leaf first; may repeat")
        ->type_name("FILE")
        ->required();
    command
        ->add_option("--new-chain", options->new_chains,
                     "A chain to be served next: from when on it is accepted; may repeat")
        ->type_name("FILE");
    command->add_option("--host", options->hosts, "The server's names; left out: those of the certificates")
        ->type_name("NAME");
    command->add_option("--ledger", options->ledger, "What clients may still hold, as hpkp_ledger names it; off: none")
        ->type_name("FILE")
        ->default_str(HPKP_LEDGER);
    add_trust(*command, options->trust, "those in the policy");
    command->add_option("--at", options->at, "Plan as at this time, such as 2027-06-01, not as of now")
        ->type_name("DATE");
    command
        ->add_option("--apply", options->apply,
                     "Do a step to the policy file, comments kept: add-backup, retire or drop")
        ->type_name("STEP");
    command
        ->add_option("--backup", options->backups,
                     "Of add-backup: the new key's CSR, certificate or public key; may repeat")
        ->type_name("FILE");
    command
        ->add_option("--pin", options->pin,
                     "Of retire and drop: the pin meant, by name or base64; of add-backup: the new pin's name")
        ->type_name("NAME");
    command
        ->add_option("--output", options->output,
                     "Write the edited policy to this file, not in place; - for the output")
        ->type_name("FILE");
    command->add_flag("--force", options->force, "Replace the output file if there is one");
    add_format(*command, options->format);
    command->footer(
        "A plan is of one policy. A guard without an end that the same server has besides, nginx -t alone can see.\n\n"
        "Examples:\n    hpkp rollover pins.yaml --chain fullchain.pem\n    hpkp rollover pins.yaml --chain "
        "fullchain.pem --apply add-backup --backup new.csr");
    command->callback([options, &exit_code] { exit_code = rollover_command(*options); });
}

}  // namespace hpkp::cli
