// Whether clients that hold some pins accept a chain: the one place of this rule.
#pragma once

#include "server.hpp"

#include <vector>

namespace hpkp {

/// The pin of the set that this path contains, the first in the set's order; null if none. RFC 7469 2.6.
const PolicyPin* matching_pin(const Path& path, const PinSet& pins);

/// Every path contains a pin. A chain without any path matches nothing.
bool matches_every_path(const TrustPaths& paths, const PinSet& pins);

/// One of the certificates sent has a pin, on a path or not (GNU Wget2).
bool matches_sent(const Chain& chain, const PinSet& pins);

/// The leaf has a pin.
bool matches_leaf(const Chain& chain, const PinSet& pins);

/// All the kinds of clients that the policy names accept the chain, which has these paths.
bool accepted_by(const Clients& clients, const Chain& chain, const TrustPaths& paths, const PinSet& pins);

/// The pins of the set that may serve as backups of a policy at these servers: not retired, on no path of any chain
/// that they serve.
std::vector<const PolicyPin*> backups(const Site& site, const PolicyUse& use, const PinSet& pins);

/// Whether a key is in a chain as clients see it; of a chain without any path, in what is sent.
bool stands_in(const Chain& chain, const TrustPaths& paths, const Pin& pin);

/// Whether a header with these pins may go out on a connection that presented this chain, which no load has checked:
/// its issuer line has a pinned key, and some pin is off that line (RFC 7469 2.5 would have a client note it).
/// `matched` gets the index of the pin.
bool may_be_noted(const Chain& chain, const std::vector<Pin>& pins, std::size_t& matched);

}  // namespace hpkp
