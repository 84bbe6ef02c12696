#include "server_input.hpp"

#include "hpkp.h"
#include "input.hpp"
#include "output.hpp"
#include "pem.hpp"

#include <filesystem>

namespace hpkp::cli {

Chain read_chain(const std::string& file)
{
    std::string bytes;
    try {
        bytes = read_input(file);
    }
    catch (const InputError& error) {
        throw InputError(std::string("the chain file ") + error.what());
    }
    std::string error;
    Chain chain;
    chain.sent = read_pem_certificates(bytes, error);
    if (chain.sent.empty()) {
        throw InputError("the chain file " + printable(file) + " " + error);
    }
    return chain;
}

std::vector<ServerBlock> server_blocks(const std::string& policy, const std::vector<std::string>& names,
                                       const std::vector<std::string>& chains, const std::vector<std::string>& hosts)
{
    std::vector<ServerBlock> blocks(2);
    ServerBlock& server = blocks[0];
    ServerBlock& other = blocks[1];
    const Listen listen{0, true, hosts.empty() ? std::size_t{0} : std::size_t{1}};
    for (const std::string& host : hosts) {
        if (host.front() == '~' || parse_server_name(host, false).empty()) {
            throw InputError("--host \"" + printable(host) + "\" is no host name");
        }
        server.names.push_back({host, false});
    }
    server.listens = other.listens = {listen};
    other.reject_handshake = true;
    for (const std::string& file : chains) {
        server.certificates.push_back(read_chain(file));
    }
    for (const std::string& name : names) {
        server.policies.push_back({policy, name, true});
    }
    if (names.empty()) {
        server.policies.push_back({policy, std::nullopt, true});
    }
    return blocks;
}

void require_policy(const std::string& policy)
{
    if (policy == "-") {
        throw InputError("the policy is a file: what it names is found from where it is");
    }
    read_input(policy);
}

LedgerChoice choose_ledger(const std::string& option)
{
    if (option == "off") {
        return {};
    }
    LedgerChoice choice{option.empty() ? HPKP_LEDGER : option, !option.empty(), false};
    std::error_code error;
    choice.missing = !std::filesystem::exists(choice.path, error) && !error;
    return choice;
}

}  // namespace hpkp::cli
