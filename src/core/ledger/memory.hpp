// The ledger and a site: what clients of its hosts may remember, and what a load of it would send.
#pragma once

#include "../server.hpp"
#include "ledger.hpp"

#include <vector>

namespace hpkp {

/// Hosts that clients can pin and whose scope can be told.
bool can_be_recorded(const HostPattern& host);

/// Of one of a server's hosts: clients come to the server by it (another one may answer to it everywhere), and what
/// they are sent is recorded.
bool has_clients(const Site& site, const Server& server, const HostPattern& host);

/// What the ledger knows about the hosts of this site, held at Ledger::judged_at() of the site's time.
Memory recall(const Site& site, Ledger& ledger);

/// The policies that this site sends, for each host that answers to them.
std::vector<Sending> sendings_of(const Site& site);

/// The leaf keys that clients of each host with a policy see.
std::vector<Showing> showings_of(const Site& site);

}  // namespace hpkp
