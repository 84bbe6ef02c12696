#include "server_input.hpp"

#include "file.hpp"
#include "hpkp.h"
#include "input.hpp"
#include "output.hpp"
#include "pem.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>

namespace hpkp::cli {

namespace {

constexpr std::size_t kLongestLabel = 63;

/// `underscores`: no host is called so, but DNS has them, and nginx takes them.
bool is_label(std::string_view label, bool underscores)
{
    return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-'
           && std::all_of(label.begin(), label.end(), [&](unsigned char c) {
                  return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-' || (underscores && c == '_');
              });
}

constexpr std::size_t kLongestName = 253;

bool are_labels(std::string_view name, bool underscores)
{
    while (true) {
        const std::size_t dot = name.find('.');
        if (!is_label(name.substr(0, dot), underscores)) {
            return false;
        }
        if (dot == std::string_view::npos) {
            // URL parsers take a name that ends in a number for an address.
            return std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) == 0; });
        }
        name.remove_prefix(dot + 1);
    }
}

std::string valid_name(const std::string& text, bool underscores)
{
    std::string host = text;
    std::transform(host.begin(), host.end(), host.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string named = "--host " + printable(text, kLongestName);
    if (is_ip_address(host)) {
        throw InputError(named + " is an address: clients pin names alone (RFC 7469 2.3.3)");
    }
    if (host.find('*') != std::string::npos) {
        throw InputError(named + " is a wildcard: name the domain, and write includeSubDomains into the policy");
    }
    if (std::any_of(host.begin(), host.end(), [](unsigned char c) { return c >= 0x80; })) {
        throw InputError(named + " is not in ASCII: write its A-label, xn--..., as the command idn2 prints it");
    }
    if (host.size() > kLongestName || !are_labels(host, underscores)) {
        throw InputError(named + " is no host name: write it as in www.example.com");
    }
    return host;
}

}  // namespace

std::string valid_host(const std::string& text)
{
    return valid_name(text, false);
}

ServerName valid_server_name(const std::string& text)
{
    if (text.rfind('~', 0) == 0) {
        return {text.substr(1), true};
    }
    const bool no_name = text.find_first_not_of("_-") == std::string::npos;
    if (no_name || is_ip_address(text)) {
        return {text, false};
    }
    std::string exact = text;
    const bool below = exact.rfind("*.", 0) == 0 || exact.rfind('.', 0) == 0;
    exact.erase(0, below ? exact.find('.') + 1 : 0);
    const bool tail = !below && exact.size() > 2 && exact.compare(exact.size() - 2, 2, ".*") == 0;
    exact.resize(exact.size() - (tail ? 2 : 0));
    const std::string pattern = text.substr(0, text.size() - exact.size() - (tail ? 2 : 0));
    return {pattern + valid_name(exact, true) + (tail ? ".*" : ""), false};
}

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
    bool named = false;
    for (const std::string& host : hosts) {
        server.names.push_back(valid_server_name(host));
        named = named || !parse_server_name(server.names.back().text, server.names.back().regex).empty();
    }
    // Without a name it is looked at as the default server, which answers to those of its certificates.
    const Listen listen{0, true, named ? std::size_t{1} : std::size_t{0}};
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
    if (const FileContent file = read_file(policy); !file.ok()) {
        throw InputError(policy + " " + file.error);
    }
}

LedgerChoice choose_ledger(const std::string& option)
{
    if (option == "off") {
        return {};
    }
    LedgerChoice choice{option.empty() ? HPKP_LEDGER : option, !option.empty(), false};
    std::error_code error;
    choice.missing = !std::filesystem::exists(choice.path, error) && !error;
    if (!choice.missing && ::access(choice.path.c_str(), R_OK) != 0 && errno == EACCES) {
        throw InputError("you may not read the ledger " + printable(choice.path)
                         + ": ask as the user who starts nginx (sudo)");
    }
    return choice;
}

}  // namespace hpkp::cli
