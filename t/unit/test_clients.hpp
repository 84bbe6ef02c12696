// A model of all possible clients, for the property test of the ledger: which pins some client may hold for which
// names, and which servers it may meet. It shares no rule with the core.
#pragma once

#include "test_pki.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace hpkp::test {

/// Public keys by number: the index in cast().
using Keys = std::set<int>;

/// A chain as its clients see it.
struct ClientChain {
    std::string text;
    Chain chain;
    std::vector<Keys> paths;
    Keys sent;
    int leaf = 0;
    std::vector<std::string> names;  // of the certificate; "*." covers one label
};

struct ClientPolicy {
    std::string name;
    Keys pins;
    bool chain = true, sent = false, leaf = false;  // how its clients compare
    bool enforce = false, report = false;
    bool subdomains = false;
    std::vector<std::pair<std::int64_t, std::int64_t>> ramp;  // for, value; of the last one "for" is not used
    std::int64_t guard_days = 0;                              // of "until", from the epoch on; 0: no guard
    bool guard_subdomains = false;

    std::int64_t max_age_after(std::int64_t seconds) const;
    bool accepts(const ClientChain& served) const;
};

struct ClientServer {
    std::vector<std::string> names;  // exact, "*.example.com" or ".example.com"
    std::vector<const ClientChain*> chains;
    std::string policy;   // empty: none
    std::set<int> ports;  // the first server at a port is its default server
};

struct ClientSite {
    std::map<std::string, ClientPolicy> policies;
    std::vector<ClientServer> servers;

    /// The names, of those that the model has clients for, which this server answers to.
    std::set<std::string> answered(std::size_t server) const;
    std::string text() const;
};

/// Values of a header from some second on.
using Schedule = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// Who sent what. Two bounds of what clients hold: what they got for certain, and what they may have got as far as can
/// be known after a crash, with five minutes in which old workers still answer.
class AllClients {
public:
    static constexpr std::int64_t kOpen = INT64_MAX;

    /// An nginx begins to serve a site: `schedules` has a header's values for each of its servers, empty where none is
    /// sent.
    void begin(const std::string& instance, int master, const ClientSite& site, const std::vector<Schedule>& schedules,
               std::int64_t now);
    /// It was about to, and was killed: it may have.
    void may_have_begun(const std::string& instance, const ClientSite& site, std::int64_t now);
    /// A master serves its site no more.
    void end(const std::string& instance, int master, std::int64_t now);
    /// And that is known: of this instance, whatever was not known.
    void known_ended(const std::string& instance, std::int64_t now);

    /// A client that this site would lock out at this moment, in words; empty if there is none.
    std::string locked_out(const ClientSite& site, std::int64_t now, bool for_certain) const;

private:
    struct Sent {
        std::string instance;
        int master = 0;  // 0: nobody knows whether it was sent at all
        std::set<std::string> names;
        ClientPolicy policy;
        bool guard = false;
        Schedule schedule;
        std::int64_t began = 0;
        std::int64_t ended = kOpen, known_ended = kOpen;
    };
    void add(const std::string& instance, int master, const ClientSite& site, const std::vector<Schedule>* schedules,
             std::int64_t now);
    std::int64_t held_until(const Sent& sent, std::int64_t now, bool for_certain) const;

    std::vector<Sent> sent_;
    std::map<std::string, std::int64_t> first_enforced_;  // by the policy's name
};

}  // namespace hpkp::test
