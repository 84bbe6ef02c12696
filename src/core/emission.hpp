// What the workers need of a site that passed: rendered headers and the leaves they may go out with.
#pragma once

#include "server.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hpkp {

/// What a header says from some second on, since the epoch.
struct HeaderValue {
    std::int64_t from;
    std::string text;
};

struct Header {
    std::vector<HeaderValue> values;  // in the order of time; the first is in force, further ones are a ramp's
    bool ramp = false;                // its max-age is a ramp, be it the last value that is in force
    std::vector<Pin> pins;
    std::vector<std::string> labels;
};

struct EmissionLeaf {
    const X509* x509;  // null where the chain came from a file
    Fingerprint fingerprint;
    std::string pin;
};

struct Emission {
    bool has_policy = false;
    std::string policy;
    std::string mode;
    std::optional<std::size_t> enforce;  // index into Emissions::headers
    std::int64_t max_age = 0;            // of that one, in force now
    std::optional<std::size_t> report_only;
    std::vector<EmissionLeaf> leaves;
};

struct Emissions {
    std::vector<Header> headers;
    std::vector<Emission> servers;  // one for each server of the site
};

Emissions render_emissions(const Site& site);

}  // namespace hpkp
