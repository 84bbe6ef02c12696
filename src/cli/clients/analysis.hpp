// All that hpkp analyse has to say of one response.
#pragma once

#include "client.hpp"
#include "header_checks.hpp"

#include "../net/fetch.hpp"

#include <nlohmann/json.hpp>

#include <ctime>
#include <ostream>
#include <string>
#include <vector>

namespace hpkp::cli {

/// Not to be copied: `seen` refers to what `site` owns.
struct Analysis {
    Url url;
    Response response;
    Site site;  // empty without TLS
    Observation seen;
    PinsHeaders headers;
    std::vector<Verdict> verdicts;  // of all_clients(), in that order
    Findings findings;
    std::vector<std::string> advice;

    bool any_header() const { return headers.enforced || headers.report_only; }
    /// A client would be locked out, a client of RFC 7469 ignores the header that is there, or a finding is an error.
    bool harmful() const;
};

/// `stores`: --trust; empty: the system's bundle. Throws InputError if one of them cannot be read.
Analysis analyse(const Url& url, Response response, const TrustStores& stores, std::time_t now);

void print_text(std::ostream& out, const Analysis& analysis);
nlohmann::json json_of(const Analysis& analysis);

/// Where a pin of the header stands: the names of the certificates that have its key.
struct PinPlace {
    std::vector<std::string> on_paths;
    std::vector<std::string> off_paths;  // sent, but on no path

    bool backup() const { return on_paths.empty(); }
};
PinPlace place_of(const Pin& pin, const Observation& seen);

}  // namespace hpkp::cli
