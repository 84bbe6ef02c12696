// Host names as nginx's server_name writes them, and which hosts they answer to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpkp {

struct HostPattern {
    enum class Kind {
        exact,     // www.example.com
        wildcard,  // *.example.com: any host below, at any depth
        tail,      // www.example.*
        regex,     // ~^www\d+\.example\.com$
    };

    Kind kind = Kind::exact;
    std::string text;        // as written, lower case; for messages
    std::string domain;      // exact: the host; wildcard: what follows "*."; tail: what precedes ".*"
    bool one_label = false;  // of a wildcard in a certificate: it covers no more than one label

    /// A host that this pattern answers to and, of two overlapping ones, the other pattern only if it is no more
    /// specific: the host itself, or for a wildcard a label that nobody has. Empty for a regex.
    std::string example() const;
};

/// A name right below a host that nobody has.
std::string any_below(const std::string& host);

/// The hosts of one server_name: ".example.com" is two patterns. "", "_" and the like are no names and give none; nor
/// is what has a space or a control character, with which no client can come.
std::vector<HostPattern> parse_server_name(std::string name, bool is_regex);

/// A dotted quad, or an IPv6 address with or without brackets.
bool is_ip_address(const std::string& host);

/// "www.example.com" below "example.com", at any depth; not itself.
bool is_subdomain(std::string_view host, std::string_view domain);

/// The name without its first label; empty after the last.
std::string_view parent_domain(std::string_view host);

/// The name without its last label, as a tail has it; empty before the first.
std::string_view without_last_label(std::string_view host);

}  // namespace hpkp
