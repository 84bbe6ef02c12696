// The network, by libcurl: nothing that a server says is verified here, and everything has a time limit.
#pragma once

#include "chain.hpp"
#include "host_port.hpp"

#include <string>

namespace hpkp::cli {

/// The chain that the TLS server at `host`:`port` sends, leaf first, by TLS 1.2 or 1.3. `sni` is the name asked for;
/// empty: `host`, if that is a name. It is the chain even where the handshake fails after it, as where the server wants
/// a certificate from its clients. Throws InputError: no such name, refused, no answer in `seconds`, no TLS there.
Chain served_chain(const std::string& host, unsigned port, const std::string& sni, int seconds);

}  // namespace hpkp::cli
