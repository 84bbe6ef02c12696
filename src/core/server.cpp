#include "server.hpp"

#include <algorithm>
#include <set>

namespace hpkp {

std::vector<const HostPattern*> Server::hosts() const
{
    std::vector<const HostPattern*> all;
    for (const auto* list : {&names, &certificate_names}) {
        for (const HostPattern& pattern : *list) {
            all.push_back(&pattern);
        }
    }
    return all;
}

void AddressNames::add(const HostPattern& pattern, std::size_t server)
{
    // As in nginx, the first server with a name has it.
    switch (pattern.kind) {
    case HostPattern::Kind::exact:
        exact_.emplace(pattern.domain, server);
        break;
    case HostPattern::Kind::wildcard:
        wildcards_.emplace(pattern.domain, server);
        break;
    case HostPattern::Kind::tail:
        tails_.emplace(pattern.domain, server);
        break;
    case HostPattern::Kind::regex:
        break;
    }
}

std::optional<std::size_t> AddressNames::answers(const std::string& host) const
{
    if (const auto found = exact_.find(host); found != exact_.end()) {
        return found->second;
    }
    for (std::string_view domain = parent_domain(host); !domain.empty(); domain = parent_domain(domain)) {
        if (const auto found = wildcards_.find(std::string(domain)); found != wildcards_.end()) {
            return found->second;
        }
    }
    if (tails_.empty()) {
        return std::nullopt;
    }
    for (std::string_view tail = without_last_label(host); !tail.empty(); tail = without_last_label(tail)) {
        if (const auto found = tails_.find(std::string(tail)); found != tails_.end()) {
            return found->second;
        }
    }
    return std::nullopt;
}

bool Site::answers(const Server& server, const std::string& host) const
{
    const auto index = static_cast<std::size_t>(&server - servers.data());
    return std::any_of(server.block->listens.begin(), server.block->listens.end(), [&](const Listen& listen) {
        const auto names = addresses.find(listen.address);
        if (!server.presents_at(listen) || names == addresses.end()) {
            return false;
        }
        const auto answering = names->second.answers(host);
        return answering ? *answering == index : listen.default_server == index;
    });
}

bool Site::unanswered(const Server& server, const std::string& host) const
{
    return std::any_of(server.block->listens.begin(), server.block->listens.end(), [&](const Listen& listen) {
        const auto names = addresses.find(listen.address);
        return server.presents_at(listen) && names != addresses.end() && !names->second.answers(host);
    });
}

std::vector<CertificateHost> Site::certificate_hosts(const Server& server) const
{
    const auto has = [&](HostPattern::Kind kind) {
        return std::any_of(server.names.begin(), server.names.end(),
                           [&](const HostPattern& name) { return name.kind == kind; });
    };
    std::vector<CertificateHost> result;
    const bool regex = has(HostPattern::Kind::regex);
    if (!regex && !has(HostPattern::Kind::tail)) {
        return result;
    }
    std::set<std::string> seen;
    for (const HostPattern* known : server.hosts()) {
        seen.insert(known->text);
    }
    for (const Chain* chain : server.chains) {
        for (const std::string& name : chain->leaf().dns_names()) {
            std::vector<HostPattern> hosts = parse_server_name(name, false);
            // Of a wildcard certificate's hosts, a tail ("www.example.*") answers to one: its first label, there.
            for (const HostPattern& tail : server.names) {
                if (tail.kind == HostPattern::Kind::tail && name.rfind("*.", 0) == 0) {
                    const std::string label = tail.domain.substr(0, tail.domain.find('.'));
                    const auto exact = parse_server_name(label + name.substr(1), false);
                    hosts.insert(hosts.end(), exact.begin(), exact.end());
                }
            }
            for (HostPattern& host : hosts) {
                host.one_label = host.kind == HostPattern::Kind::wildcard;
                const bool answering = answers(server, host.example());
                const bool perhaps = !answering && regex && unanswered(server, host.example());
                if ((answering || perhaps) && seen.insert(host.text).second) {
                    result.push_back({std::move(host), perhaps});
                }
            }
        }
    }
    return result;
}

}  // namespace hpkp
