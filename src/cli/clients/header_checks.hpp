// The core's checks, held against a server as a client meets it instead of one in nginx's configuration.
#pragma once

#include "header_parser.hpp"
#include "observation.hpp"
#include "server.hpp"

#include <ctime>
#include <optional>
#include <string>

namespace hpkp::cli {

/// The headers that count: the first of each name (RFC 7469 2.3.1).
struct PinsHeaders {
    std::optional<ParsedHeader> enforced;
    std::optional<ParsedHeader> report_only;
};
PinsHeaders read_headers(const Observation& seen);

/// The pins of a header, each once, as far as they can be read; `owner` is its name.
PinSet pin_set_of(const ParsedHeader& header, const std::string& owner);

/// The server as a site of one: a policy made of its headers, its chain, and the paths of that in `stores` (empty: the
/// system's bundle).
Site site_of(const std::string& host, const Chain& chain, const PinsHeaders& headers, const TrustStores& stores,
             std::time_t now);

/// What the core's checks say of that site, and of pins and report-uris that no policy file could have. A finding has
/// no place, since the headers stand in no file.
Findings check_headers(const Observation& seen, const PinsHeaders& headers, Site& site);

/// The part of it that needs no chain.
Findings check_header_values(const PinsHeaders& headers);

}  // namespace hpkp::cli
