// What several commands are told of a server: POLICY, --chain, --host and --ledger.
#pragma once

#include "server.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hpkp::cli {

/// A host name as it may stand in every format: lower case, A-labels of letters, digits and hyphens. Throws InputError
/// for an IP address, a wildcard and whatever else is no host name.
std::string valid_host(const std::string& text);

/// The same for what may stand in server_name: wildcards, addresses, regular expressions, underscores, and what is no
/// name, "_", too.
ServerName valid_server_name(const std::string& text);

/// The chain of a PEM file ("-": standard input), leaf first, as of ssl_certificate, so that findings read as nginx's.
/// Throws InputError.
Chain read_chain(const std::string& file);

/// The server that has these chains and names and the policies `names` of a file, or its only one. Names that nobody
/// gave belong to another server, so that the ledger is asked for these hosts and no others; without any, or with
/// "_" alone, those of the certificates count, as in a default server. Throws InputError.
std::vector<ServerBlock> server_blocks(const std::string& policy, const std::vector<std::string>& names,
                                       const std::vector<std::string>& chains, const std::vector<std::string>& hosts);

/// Throws InputError where POLICY cannot be read. It is a file: what it names is found from where it is.
void require_policy(const std::string& policy);

struct LedgerChoice {
    std::string path;      // empty: --ledger off
    bool given = false;    // else it is the default
    bool missing = false;  // there is no such file
};

/// Throws InputError where the user may not read it: nginx might.
LedgerChoice choose_ledger(const std::string& option);

}  // namespace hpkp::cli
