#include "emission.hpp"

#include "header.hpp"
#include "match.hpp"

#include <algorithm>
#include <map>

namespace hpkp {

namespace {

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
        for (const Policy* policy : server.policies) {
            emission.policy += (emission.policy.empty() ? "" : ", ") + policy->name;
            for (const PinSet& set : policy->pin_sets) {
                if (set.enforced) {
                    emission.enforce = header_index(set, true, enforce_header(*policy->enforce, set));
                }
                if (set.reported) {
                    emission.report_only = header_index(set, false, report_only_header(*policy->report_only, set));
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
                                                                 : "guard";
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

    std::size_t header_index(const PinSet& set, bool enforce, std::string value)
    {
        const auto [known, is_new] = headers_.emplace(std::make_pair(&set, enforce), result_.headers.size());
        if (is_new) {
            Header header;
            header.value = std::move(value);
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
    std::map<std::pair<const PinSet*, bool>, std::size_t> headers_;
};

}  // namespace

Emissions render_emissions(const Site& site)
{
    return Renderer(site).run();
}

}  // namespace hpkp
