// What a client has before it when it decides about pins: one response, and the connection that it came by.
#pragma once

#include "chain.hpp"
#include "paths/trust_paths.hpp"

#include <string>
#include <vector>

namespace hpkp::cli {

struct HeaderField {
    std::string name;   // as written
    std::string value;  // without the blanks around it
};

constexpr const char* kPinsHeader = "Public-Key-Pins";
constexpr const char* kReportOnlyHeader = "Public-Key-Pins-Report-Only";

struct Observation {
    bool tls = false;                 // https
    std::string host;                 // of the URL: lower case, A-labels, no final dot, no brackets
    bool address = false;             // the host is an IP address
    std::vector<HeaderField> fields;  // of the final response, in order, repeated ones too

    // With TLS; the owner is whoever observed.
    const Chain* chain = nullptr;
    const TrustPaths* paths = nullptr;
    bool name_covered = false;  // by the leaf
    bool built_in = false;      // a path ends in a root that the system's bundle has too, so that browsers ship it

    /// Valid paths lead to roots: the connection is one without an error, but for the name.
    bool trusted() const { return paths != nullptr && paths->basis == TrustPaths::Basis::trusted; }

    /// The values of a header, by its name in any case.
    std::vector<std::string> values(const std::string& name) const;
};

}  // namespace hpkp::cli
