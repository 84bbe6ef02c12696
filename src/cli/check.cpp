// hpkp check: what nginx would say of a policy and the chains that it is to serve, before nginx sees them.
#include "command.hpp"
#include "input.hpp"
#include "objects/key_proof.hpp"
#include "output.hpp"
#include "server_input.hpp"
#include "trust_option.hpp"

#include "hpkp.h"
#include "policy_reader.hpp"
#include "session.hpp"

#include <algorithm>
#include <ctime>
#include <iostream>

namespace hpkp::cli {

namespace {

struct Options {
    Format format;
    std::string policy;
    std::vector<std::string> names;
    std::vector<std::string> chains;
    std::vector<std::string> hosts;
    std::vector<std::string> trust;
    std::string ledger;
    std::string at;
    std::string key;
    std::string passin;
    bool strict = false;
};

std::string counted(std::size_t n, const char* word)
{
    return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
}

void print_text(const LoadResult& result, const std::vector<ServerBlock>& blocks)
{
    print_findings(std::cout, result.findings);
    const std::string counts = counted(count(result.findings, Severity::error), "error") + ", "
                               + counted(count(result.findings, Severity::warning), "warning");
    if (result.refused) {
        std::cout << counts << ": nginx would refuse this\n";
        return;
    }
    const Emission& emission = result.emissions.servers.front();
    const auto& chains = blocks.front().certificates;
    for (const EmissionLeaf& leaf : emission.leaves) {
        const auto chain = std::find_if(chains.begin(), chains.end(),
                                        [&](const Chain& from) { return from.leaf().get() == leaf.x509; });
        // No pin: a mismatch is allowed, nothing is asked any more, or the pin is of a certificate off the path.
        if (chain != chains.end() && !leaf.pin.empty()) {
            std::cout << printable("policy " + emission.policy + " matches " + chain->text() + " by pin \"" + leaf.pin
                                   + "\"")
                      << '\n';
        }
    }
    std::cout << counts << ": nginx would accept this\n";
}

/// Whether the key of --key is pinned by the policies that are checked; those that are not to be had are findings
/// already.
KeyProof proof_of(const Options& options, const PolicyFile& file, const std::vector<Chain>& chains)
{
    std::vector<const Policy*> policies;
    for (const std::string& name : options.names) {
        if (const Policy* policy = file.find(name)) {
            policies.push_back(policy);
        }
    }
    if (options.names.empty() && file.policies.size() == 1) {
        policies.push_back(&file.policies.front());
    }
    PassPhrase pass_phrase(options.passin);
    return prove_key(options.key, read_key(options.key, pass_phrase), policies, chains);
}

int check(const Options& options)
{
    LoadOptions load;
    load.now = options.at.empty() ? std::time(nullptr) : read_time(options.at);
    load.strict = options.strict;
    load.trust = trust_of(options.trust);
    const LedgerChoice ledger = choose_ledger(options.ledger);
    if (ledger.missing) {
        std::cerr << "hpkp: there is no ledger " << printable(ledger.path)
                  << ": what clients hold is not known (if nginx has it elsewhere: --ledger FILE)\n";
    }
    load.ledger = ledger.path;
    load.asks_only = true;
    require_policy(options.policy);
    const std::vector<ServerBlock> blocks = server_blocks(options.policy, options.names, options.chains, options.hosts);
    const LoadResult result = judge(blocks, load);
    Findings known;  // those of judge(), once more
    const PolicyFile file = read_policy_file(options.policy, load.now, known);
    std::optional<KeyProof> proof;
    if (!options.key.empty()) {
        proof = proof_of(options, file, blocks.front().certificates);
    }
    if (options.format.json()) {
        print_json(std::cout, {{"accepted", !result.refused},
                               {"ledger-known", !ledger.path.empty() && !ledger.missing},
                               {"findings", json_of(result.findings)},
                               {"key", proof ? json_of(*proof) : nlohmann::json()}});
    } else {
        print_text(result, blocks);
        if (proof) {
            print_text(std::cout, *proof);
        }
    }
    return result.refused || (proof && !proof->pinned()) ? kFindings : kFine;
}

}  // namespace

void add_check(CLI::App& program, int& exit_code)
{
    auto options = std::make_shared<Options>();
    CLI::App* command =
        program.add_subcommand("check", "What nginx would say of a policy and a chain, before it sees them");
    command->add_option("POLICY", options->policy, "The policy file")->type_name("FILE")->required();
    command->add_option("--name", options->names, "The policy in it, as in hpkp_policy FILE NAME; may repeat")
        ->type_name("NAME");
    command->add_option("--chain", options->chains, "What nginx would serve: a PEM file, leaf first; may repeat")
        ->type_name("FILE")
        ->required();
    command->add_option("--host", options->hosts, "The server's names; left out: those of the certificates")
        ->type_name("NAME");
    command->add_option("--ledger", options->ledger, "What clients may still hold; off: ask none")
        ->type_name("FILE")
        ->default_str(HPKP_LEDGER);
    add_trust(*command, options->trust, "those in the policy");
    CLI::Option* key =
        command->add_option("--key", options->key, "A private or public key: is it one of the policy's pins?")
            ->type_name("FILE");
    add_passin(*command, options->passin)->needs(key);
    command->add_option("--at", options->at, "Judge as at this time, such as 2027-06-01, not as of now")
        ->type_name("DATE");
    command->add_flag("--strict", options->strict, "Warnings refuse too, as with hpkp_strict on");
    add_format(*command, options->format);
    command->footer(
        "One server is looked at. What another server of the same nginx conflicts with, nginx -t alone can see.\n\n"
        "Example:\n    hpkp check pins.yaml --chain fullchain.pem --host www.example.com");
    command->callback([options, &exit_code] { exit_code = check(*options); });
}

}  // namespace hpkp::cli
