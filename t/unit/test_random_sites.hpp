// Random sites for the property test of the ledger, made of one small PKI.
#pragma once

#include "test_clients.hpp"
#include "test_site.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace hpkp::test {

/// Keys by number, and the chains that they make: two roots, two issuers, of which the first is certified by both
/// roots; leaves, and backups that are in no chain.
struct Cast {
    Cast();

    TempDir dir;
    std::string roots;  // a bundle of both
    std::vector<Entity> keys;
    std::vector<ClientChain> chains;       // to those roots
    std::vector<ClientChain> private_pki;  // the same where nobody has the roots
};

const Cast& cast();

class RandomSites {
public:
    explicit RandomSites(unsigned seed) : with_roots(seed % 4 == 0), random(seed) {}

    /// Whether clients have the roots.
    const bool with_roots;
    /// Whether some names are tails ("example.*"), and some hosts are called "any".
    bool more_names = false;
    const std::vector<ClientChain>& chains() const { return with_roots ? cast().chains : cast().private_pki; }

    bool chance(int percent) { return static_cast<int>(random() % 100) < percent; }
    template <typename T>
    T one_of(const std::vector<T>& all)
    {
        return all[random() % all.size()];
    }

    ClientServer server();
    /// Mostly one that the site's chains fit, since the others teach nothing.
    ClientPolicy policy(const std::string& name, const ClientSite& site, std::int64_t now);
    /// The site after some change of its configuration.
    ClientSite changed(ClientSite site, std::int64_t now);

    std::mt19937 random;
};

/// The site as nginx's configuration and a policy file.
void build(World& world, const ClientSite& site);

}  // namespace hpkp::test
