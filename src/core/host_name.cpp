#include "host_name.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>

namespace hpkp {

namespace {

/// No host name has it: "_" is no letter of a host name, and this one is unlikely even as a joke.
constexpr std::string_view kAnyLabel = "_hpkp_any_";

}  // namespace

std::string any_below(const std::string& host)
{
    return std::string(kAnyLabel) + "." + host;
}

std::string HostPattern::example() const
{
    switch (kind) {
    case Kind::exact:
        return domain;
    case Kind::wildcard:
        return any_below(domain);
    case Kind::tail:
        return domain + "." + std::string(kAnyLabel);
    case Kind::regex:
        break;
    }
    return "";
}

std::vector<HostPattern> parse_server_name(std::string name, bool is_regex)
{
    using Kind = HostPattern::Kind;
    if (is_regex) {
        return {{Kind::regex, "~" + name, "", false}};
    }
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; })) {
        return {};
    }
    // nginx's idiom for "no name": a name that is none, such as "_" or "--".
    if (std::none_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == ':'; })) {
        return {};
    }
    if (name.front() == '.') {
        const std::string domain = name.substr(1);
        return {{Kind::exact, domain, domain, false}, {Kind::wildcard, "*" + name, domain, false}};
    }
    if (name.substr(0, 2) == "*.") {
        return {{Kind::wildcard, name, name.substr(2), false}};
    }
    if (name.size() > 2 && name.substr(name.size() - 2) == ".*") {
        return {{Kind::tail, name, name.substr(0, name.size() - 2), false}};
    }
    return {{Kind::exact, name, name, false}};
}

bool is_ip_address(const std::string& host)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (::inet_pton(AF_INET, host.c_str(), address) == 1) {
        return true;
    }
    const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    const std::string bare = brackets ? host.substr(1, host.size() - 2) : host;
    return ::inet_pton(AF_INET6, bare.c_str(), address) == 1;
}

bool is_subdomain(std::string_view host, std::string_view domain)
{
    return host.size() > domain.size() + 1 && host.substr(host.size() - domain.size()) == domain
           && host[host.size() - domain.size() - 1] == '.';
}

std::string_view parent_domain(std::string_view host)
{
    const std::size_t dot = host.find('.');
    return dot == std::string_view::npos ? std::string_view() : host.substr(dot + 1);
}

std::string_view without_last_label(std::string_view host)
{
    const std::size_t dot = host.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : host.substr(0, dot);
}

}  // namespace hpkp
