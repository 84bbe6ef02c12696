// A host and a port as people type them.
#pragma once

#include <string>

namespace hpkp::cli {

struct HostPort {
    std::string host;  // without brackets
    unsigned port;

    /// "host:port", an IPv6 address in brackets.
    std::string text() const;
};

/// "www.example.com", "www.example.com:8443", "192.0.2.1:443", "[2001:db8::1]:443". Throws InputError.
HostPort parse_host_port(const std::string& text, unsigned default_port);

}  // namespace hpkp::cli
