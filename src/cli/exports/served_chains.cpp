#include "served_chains.hpp"

#include "gather.hpp"
#include "match.hpp"
#include "output.hpp"
#include "server_input.hpp"

#include <algorithm>

namespace hpkp::cli {

namespace {

bool has_pin(const Certificate& certificate, const PinSet& pins)
{
    return certificate.pin() && pins.find(*certificate.pin()) != nullptr;
}

/// iOS's CA list: an authority of the chain has a pin. What it makes of a root that is not sent is open.
bool matches_issuers(const Chain& chain, const TrustPaths& paths, const PinSet& pins)
{
    const auto pinned = [&](const Certificate& certificate) {
        return has_pin(certificate, pins);
    };
    if (std::any_of(chain.sent.begin() + 1, chain.sent.end(), pinned)) {
        return true;
    }
    return !paths.paths.empty() && std::all_of(paths.paths.begin(), paths.paths.end(), [&](const Path& path) {
        return std::any_of(path.certificates.begin() + 1, path.certificates.end(), pinned);
    });
}

bool accepted(const Export& exported, const Chain& chain, const TrustPaths& paths, const PinSet& pins)
{
    switch (exported.compares) {
    case Compares::chain:
        return matches_every_path(paths, pins);
    case Compares::sent:
        return matches_sent(chain, pins);
    case Compares::leaf:
        return matches_leaf(chain, pins);
    case Compares::issuers:
        return matches_issuers(chain, paths, pins);
    case Compares::as_policy:
    case Compares::one_list:
        break;
    }
    return accepted_by(exported.policy->clients, chain, paths, pins);
}

}  // namespace

ServedChains::ServedChains(const std::vector<std::string>& files, const Policy& policy, std::int64_t now)
    : finder_(now, kSystemBundle)
{
    for (const std::string& file : files) {
        // Where it lives now is where it stays: the finder goes by addresses.
        Served& served = chains_.emplace_back();
        served.chain = read_chain(file);
        served.chain.file = file;  // remarks name it
        served.paths = &finder_.find(served.chain, policy.stores.get());
    }
}

PinLevel ServedChains::level_of(const Pin& pin) const
{
    for (const Served& served : chains_) {
        const auto is_it = [&](const Certificate& certificate) {
            return certificate.pin() == pin;
        };
        const auto& sent = served.chain.sent;
        if (is_it(sent.front())) {
            return PinLevel::leaf;
        }
        if (std::any_of(sent.begin() + 1, sent.end(), is_it)) {
            return PinLevel::issuer;
        }
        if (served.paths->contains(pin)) {
            return PinLevel::root;
        }
    }
    return PinLevel::unknown;
}

void ServedChains::check(const Export& exported, Remarks& remarks) const
{
    PinSet pins;
    for (const ExportPin& pin : exported.pins) {
        pins.pins.push_back(pin.pin);
    }
    for (const std::string& host : exported.hosts) {
        const bool covered = std::any_of(chains_.begin(), chains_.end(),
                                         [&](const Served& served) { return served.chain.leaf().covers(host); });
        if (!covered && !chains_.empty()) {
            remarks.notes.push_back("no --chain has a certificate for " + printable(host)
                                    + ": its clients would refuse them whatever is pinned");
        }
    }
    for (const Served& served : chains_) {
        if (served.paths->paths.empty()) {
            remarks.errors.push_back("no client trusts " + printable(served.chain.text())
                                     + ": hpkp check with the same --chain says why");
        } else if (!accepted(exported, served.chain, *served.paths, pins)) {
            remarks.errors.push_back("clients with these pins would refuse " + printable(served.chain.text())
                                     + ": pin the key that they compare, and deploy the chain that matches");
        }
    }
}

}  // namespace hpkp::cli
