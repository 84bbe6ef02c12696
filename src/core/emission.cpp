#include "emission.hpp"

#include "header.hpp"
#include "ledger/memory.hpp"
#include "match.hpp"

#include <algorithm>
#include <map>

namespace hpkp {

namespace {

/// When a policy of this name was first enforced for the hosts of a server: of several, the last, whose clients are to
/// get the lower value.
std::int64_t ramp_begin(const Site& site, const Policy& policy, const Server& server)
{
    std::int64_t begin = 0;
    for (const HostPattern* host : server.hosts()) {
        if (!has_clients(site, server, *host)) {
            continue;  // nobody is sent anything by it: it would begin now, at every load
        }
        std::int64_t first = std::max<std::int64_t>(site.now, site.memory.newest);
        const auto history = site.memory.history.find(host_key(*host));
        if (history != site.memory.history.end()) {
            for (const History& past : history->second) {
                first = past.enforced && past.name == recorded_name(policy.name) ? past.first_sent : first;
            }
        }
        begin = std::max(begin, first);
    }
    return begin == 0 ? site.now : begin;
}

class Renderer {
public:
    explicit Renderer(const Site& site) : site_(site) {}

    Emissions run()
    {
        result_.servers.reserve(site_.servers.size());
        for (const Server& server : site_.servers) {
            result_.servers.push_back(emission_of(server));
        }
        return std::move(result_);
    }

private:
    Emission emission_of(const Server& server)
    {
        Emission emission;
        if (server.policies.empty() || !server.covered()) {
            return emission;
        }
        emission.has_policy = true;
        const PinSet* pins = nullptr;
        const Policy* pins_policy = nullptr;
        bool guards = false;
        for (const Policy* policy : server.policies) {
            emission.policy += (emission.policy.empty() ? "" : ", ") + policy->name;
            guards = guards || policy->guard.has_value();
            for (const PinSet& set : policy->pin_sets) {
                if (set.enforced) {
                    emission.enforce = enforced_index(*policy, set, server, emission.max_age);
                }
                if (set.reported) {
                    emission.report_only =
                        header_index(set, kReportOnly, {{site_.now, report_only_header(*policy->report_only, set)}});
                }
                // $hpkp_pin goes by the enforced pins where there are any.
                if (pins == nullptr || (set.enforced && !pins->enforced)) {
                    pins = &set;
                    pins_policy = policy;
                }
            }
        }
        emission.mode = emission.enforce && emission.report_only ? "both"
                        : emission.enforce                       ? "enforce"
                        : emission.report_only                   ? "report-only"
                        : guards                                 ? "guard"
                                                                 : "";
        for (const Chain* chain : server.chains) {
            std::string label;
            if (pins != nullptr) {
                const TrustPaths& paths = site_.paths(*pins_policy, *chain);
                const PolicyPin* pin = paths.paths.empty() ? nullptr : matching_pin(paths.paths.front(), *pins);
                label = pin == nullptr ? "" : pin->label();
            }
            add_leaf(emission, *chain, label, server);
        }
        return emission;
    }

    /// Servers whose ramps began at different times send different headers. `now` gets the max-age in force.
    std::size_t enforced_index(const Policy& policy, const PinSet& set, const Server& server, std::int64_t& now)
    {
        const MaxAge& max_age = policy.enforce->max_age;
        const std::int64_t begin = max_age.is_ramp() ? ramp_begin(site_, policy, server) : 0;
        now = max_age.at(site_.now - begin);
        std::vector<HeaderValue> values = {{site_.now, enforce_header(*policy.enforce, now, set)}};
        std::int64_t from = begin;
        for (std::size_t i = 1; i < max_age.steps.size(); i++) {
            from += max_age.steps[i - 1].duration;
            if (from > site_.now) {
                values.push_back({from, enforce_header(*policy.enforce, max_age.steps[i].value, set)});
            }
        }
        const std::size_t index = header_index(set, begin, std::move(values));
        result_.headers[index].ramp = max_age.is_ramp();
        return index;
    }

    std::size_t header_index(const PinSet& set, std::int64_t kind, std::vector<HeaderValue> values)
    {
        const auto [known, is_new] = headers_.emplace(std::make_pair(&set, kind), result_.headers.size());
        if (is_new) {
            Header header;
            header.values = std::move(values);
            for (const PolicyPin& pin : set.pins) {
                header.pins.push_back(pin.pin);
                header.labels.push_back(pin.label());
            }
            result_.headers.push_back(std::move(header));
        }
        return known->second;
    }

    static void add_leaf(Emission& emission, const Chain& served, const std::string& label, const Server& server)
    {
        const Fingerprint& fingerprint = served.leaf().fingerprint();
        const auto add = [&](const X509* x509) {
            const bool known =
                std::any_of(emission.leaves.begin(), emission.leaves.end(), [&](const EmissionLeaf& leaf) {
                    return leaf.x509 == x509 && leaf.fingerprint == fingerprint;
                });
            if (!known) {
                emission.leaves.push_back({x509, fingerprint, label});
            }
        };
        for (const ServerBlock* block : server.presenting) {
            if (!block->served_chains.empty()) {
                add(nullptr);
                continue;
            }
            // The chain is kept once for all servers, but each SSL_CTX may hold an X509 of its own.
            for (const Chain& chain : block->certificates) {
                if (chain.leaf().fingerprint() == fingerprint) {
                    add(chain.leaf().get());
                }
            }
        }
    }

    const Site& site_;
    Emissions result_;
    /// By the pins and when their ramp began; kReportOnly for the other header.
    static constexpr std::int64_t kReportOnly = -1;
    std::map<std::pair<const PinSet*, std::int64_t>, std::size_t> headers_;
};

}  // namespace

Emissions render_emissions(const Site& site)
{
    return Renderer(site).run();
}

}  // namespace hpkp
