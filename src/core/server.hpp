// What nginx's configuration says (ServerBlock), and what follows from it for the checks (Site).
#pragma once

#include "chain.hpp"
#include "host_name.hpp"
#include "ledger/entry.hpp"
#include "paths/trust_paths.hpp"
#include "policy.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace hpkp {

/// An address:port that a server listens on.
struct Listen {
    std::size_t address = 0;         // the same number for the same address:port
    bool tls = false;                // over TLS or QUIC: any server's "ssl" on the address makes it so
    std::size_t default_server = 0;  // index of the address's default server
};

/// One hpkp_policy that holds in a server.
struct PolicyRef {
    std::string file;
    std::optional<std::string> name;
    bool own = false;  // stands in that very server block, is not inherited
};

struct ServerName {
    std::string text;
    bool regex = false;
};

/// One "server { ... }", as nginx has it after merging: facts only.
struct ServerBlock {
    Place place;
    std::vector<ServerName> names;
    std::vector<Listen> listens;
    std::vector<Chain> certificates;         // of its SSL_CTX
    bool variable_certificates = false;      // ssl_certificate with variables
    bool reject_handshake = false;           // ssl_reject_handshake on
    bool secure = false;                     // hpkp_secure holds in it or in a location
    bool own_secure = false;                 // and stands there, is not inherited
    std::vector<std::string> served_chains;  // files of hpkp_served_chain
    std::vector<PolicyRef> policies;
};

/// A server as clients meet it.
struct Server {
    const ServerBlock* block = nullptr;
    bool tls = false;                            // a TLS server: some address is, and it does not reject the handshake
    std::vector<const Chain*> chains;            // what its clients see
    std::vector<const ServerBlock*> presenting;  // the blocks whose chains these are: its own, or default servers
    bool chain_unknown = false;                  // certificates by variable, and no hpkp_served_chain
    bool chain_unreadable = false;               // a file of hpkp_served_chain is a finding already
    std::vector<const Policy*> policies;         // those that hold here and exist
    std::vector<HostPattern> names;              // server_name
    // Of a default server: those of its certificates' names that nobody else there answers to.
    std::vector<HostPattern> certificate_names;

    /// The hosts whose clients get its headers and chains.
    std::vector<const HostPattern*> hosts() const;

    /// Whether clients that come to this address see a chain of this server.
    bool presents_at(const Listen& listen) const { return listen.tls || !block->served_chains.empty(); }

    /// Whether its policies apply: over TLS, or where hpkp_served_chain says what clients see.
    bool covered() const { return tls || !block->served_chains.empty(); }
};

/// A chain that clients of a policy see, and the servers that serve it with that policy.
struct Pair {
    const Policy* policy;
    const Chain* chain;
    const TrustPaths* paths;  // of the chain, in the policy's stores
    std::vector<const Server*> servers;
};

/// A policy and the servers where it holds.
struct PolicyUse {
    const Policy* policy;
    std::vector<const Server*> servers;
};

/// Which server answers a host at an address, by nginx's rules: an exact name, the longest wildcard, the longest tail.
class AddressNames {
public:
    void add(const HostPattern& pattern, std::size_t server);
    /// Empty: no name fits (a regular expression might).
    std::optional<std::size_t> answers(const std::string& host) const;

private:
    using Map = std::unordered_map<std::string, std::size_t>;
    Map exact_;
    Map wildcards_;
    Map tails_;
};

/// A policy that clients of a name may still hold, and a server that answers to that name.
struct Remembered {
    std::shared_ptr<const Entry> entry;
    const Server* server;
    std::string name;
    bool perhaps = false;  // only if a regular expression of server_name fits, which nginx alone can say
};

/// A host that a server's certificate says it may answer to.
struct CertificateHost {
    HostPattern host;
    bool perhaps;  // only if a regular expression of server_name fits, which nginx alone can say
};

/// What the ledger knows about the hosts of a site.
struct Memory {
    std::string path;            // of the ledger
    bool known = false;          // there is a ledger, and it could be read
    std::int64_t newest = 0;     // the newest time in it
    std::int64_t judged_at = 0;  // what is held at this time counts
    std::vector<Remembered> remembered;
    std::map<std::string, std::vector<History>> history;  // by host_key(), what was sent before this load
    std::set<std::string> key_changed;                    // host_key()s that have lived through a change of key
};

/// All that the checks look at. Built by gather(), then constant.
struct Site {
    std::deque<PolicyFile> files;
    std::vector<ServerBlock> blocks;
    std::deque<Chain> chains;     // each once, for all the servers that serve it
    std::vector<Server> servers;  // servers[i].block is &blocks[i]
    std::vector<PolicyUse> uses;  // policies that hold somewhere, each once
    std::vector<Pair> pairs;
    std::unordered_map<std::size_t, AddressNames> addresses;
    std::time_t now = 0;
    std::unique_ptr<TrustPathFinder> finder;
    Memory memory;

    /// The paths of a chain for clients of this policy: found at the first call, as scope decides who meets whom.
    const TrustPaths& paths(const Policy& policy, const Chain& chain) const
    {
        return finder->find(chain, policy.stores.get());
    }

    /// Whether this server answers to this host at one of the addresses where clients see its chain.
    bool answers(const Server& server, const std::string& host) const;

    /// Whether no name but a regular expression answers to this host at some address of this server.
    bool unanswered(const Server& server, const std::string& host) const;

    /// Hosts of a server whose names are tails or regular expressions: those in its certificates that nobody else
    /// answers to, but for hosts(). No client comes with success by a name that the certificate does not have.
    std::vector<CertificateHost> certificate_hosts(const Server& server) const;
};

}  // namespace hpkp
