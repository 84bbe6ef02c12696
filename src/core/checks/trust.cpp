// What a chain's paths stand on: roots of the stores, dates that are over, or nothing but the certificates sent.
#include "checks.hpp"

#include "../drawing.hpp"
#include "../duration.hpp"
#include "../match.hpp"
#include "pair_finding.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace hpkp {

namespace {

using Basis = TrustPaths::Basis;

std::string names_of_stores(const TrustStores& stores)
{
    std::string text;
    for (const auto& [name, path] : stores) {
        text += (text.empty() ? "" : ", ") + name;
    }
    return text;
}

/// The first certificate of a path whose dates are wrong; null if none. A root's own expiry asks nothing: clients hold
/// it as a key.
const Certificate* outdated_in(const Path& path, std::time_t now)
{
    const Certificate* root = path.root();
    const auto found =
        std::find_if(path.certificates.begin(), path.certificates.end(), [&](const Certificate& certificate) {
            return &certificate == root ? certificate.not_yet_valid_at(now) : !certificate.valid_at(now);
        });
    return found == path.certificates.end() ? nullptr : &*found;
}

std::string limits_text(const Limits& limits)
{
    std::string text;
    const auto add = [&](bool met, std::size_t limit, const char* what) {
        if (met) {
            text += (text.empty() ? "" : ", ") + std::to_string(limit) + " " + what;
        }
    };
    add(limits.depth, kMaxPathDepth, "certificates on a path");
    add(limits.paths, kMaxPaths, "paths");
    add(limits.signatures, kMaxSignatureChecks, "signature checks");
    add(limits.steps, kMaxSearchSteps, "steps of the search");
    return text;
}

}  // namespace

/// A chain without any path: no pin makes up for that, whatever the clients compare it with.
void check_chain_is_trusted(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        if (pair.paths->basis != Basis::none) {
            return;
        }
        const TrustStores* named = pair.policy->stores.get();
        std::string what = pair.chain->text();
        std::string remedy;
        if (!pair.paths->rejected.empty()) {
            what += " has no valid path to a root";
            remedy = "mend what makes its paths fail, or name under trust the stores of clients that accept it";
        } else if (pair.paths->limits.any()) {
            what += " has no path to a root within the limits of the search";
            remedy = "send only the certificates that clients need";
        } else {
            what += " leads to no root";
            remedy = "send the intermediates that are missing, or name the store that holds its root under trust";
        }
        what += named == nullptr ? " of the system's bundle"
                                 : " of any store that the policy file names (" + names_of_stores(*named) + ")";
        Finding finding = pair_finding(named == nullptr ? FindingId::no_pin_in_chain : FindingId::untrusted_chain, pair,
                                       pins, what + ": " + pins.owner + " matches nothing there", remedy);
        finding.details = draw(*pair.chain, *pair.paths, pins);
        findings.push_back(std::move(finding));
    });
}

/// Key identifiers that do not fit: OpenSSL refuses such a path, and others, which look at names and signatures, take
/// it.
void check_path_in_doubt(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        const auto& rejected = pair.paths->rejected;
        const auto missed = std::find_if(rejected.begin(), rejected.end(), [&](const Path& path) {
            return path.in_doubt && matching_pin(path, pins) == nullptr;
        });
        if (missed == rejected.end()) {
            return;
        }
        Finding finding =
            pair_finding(FindingId::path_in_doubt, pair, pins,
                         pins.owner + " pins nothing on a path of " + pair.chain->text()
                             + " that OpenSSL refuses for names or key identifiers alone, and other clients take",
                         "pin a certificate of that path too, or send certificates whose key identifiers fit");
        finding.details = draw(*pair.chain, *pair.paths, pins);
        findings.push_back(std::move(finding));
    });
}

void check_system_bundle(const Site& site, Findings& findings)
{
    Finding finding(FindingId::trust_unreadable, std::nullopt, "",
                    "install it (Debian: apt-get install ca-certificates), or name a store under trust");
    finding.severity = Severity::warning;
    for (const Pair& pair : site.pairs) {
        if (pair.policy->stores == nullptr && !site.finder->system_bundle().ok()) {
            add_servers(finding, pair.servers);
        }
    }
    if (finding.servers.empty()) {
        return;
    }
    const TrustStore& bundle = site.finder->system_bundle();
    finding.what = "the system's bundle " + bundle.path + " " + bundle.error
                   + ": no path to a root is known, and chains are judged by the certificates sent";
    findings.push_back(std::move(finding));
}

void check_private_pki(const Site& site, Findings& findings)
{
    Finding finding(FindingId::private_pki, std::nullopt, "",
                    "if the authority is your own, name its store under trust, and root pins are proved too; if it is "
                    "public, send the intermediate that is missing");
    std::set<const Chain*> chains;
    const Chain* first = nullptr;
    for (const Pair& pair : site.pairs) {
        if (pair.policy->stores != nullptr || pair.paths->basis != Basis::sent || !site.finder->system_bundle().ok()) {
            continue;
        }
        add_servers(finding, pair.servers);
        chains.insert(pair.chain);
        first = first == nullptr ? pair.chain : first;
    }
    if (chains.empty()) {
        return;
    }
    finding.what = first->text();
    if (chains.size() > 1) {
        finding.what += " (and " + std::to_string(chains.size() - 1) + " more)";
    }
    finding.what += " leads to no root of " + site.finder->system_bundle().path
                    + ": a private PKI, whose path is its issuer line among the certificates sent";
    findings.push_back(std::move(finding));
}

void check_chain_expired(const Site& site, Findings& findings)
{
    for (const Pair& pair : site.pairs) {
        const auto& paths = pair.paths->paths;
        const Certificate* first = nullptr;
        const bool all = std::all_of(paths.begin(), paths.end(), [&](const Path& path) {
            const Certificate* outdated = outdated_in(path, site.now);
            first = first == nullptr ? outdated : first;
            return outdated != nullptr;
        });
        if (!all || first == nullptr) {
            continue;
        }
        const auto expires = first->not_after();
        const bool over = expires && *expires <= site.now;
        Finding finding(FindingId::chain_expired, std::nullopt,
                        first->short_name() + " in " + pair.chain->text()
                            + (over ? " expired on " + time_text(*expires) : " is not valid yet") + " (it is "
                            + time_text(site.now) + " here)",
                        over ? "renew it, with the same key or a pinned backup's" : "set the clock, or wait");
        add_servers(finding, pair.servers);
        findings.push_back(std::move(finding));
    }
}

void check_anchor_expired(const Site& site, Findings& findings)
{
    std::map<Fingerprint, Finding> by_anchor;
    for (const Pair& pair : site.pairs) {
        for (const Path& path : pair.paths->paths) {
            const Certificate* root = path.root();
            const auto expires = root == nullptr ? std::nullopt : root->not_after();
            if (!path.anchored() || !expires || *expires > site.now) {
                continue;
            }
            const auto [finding, is_new] = by_anchor.try_emplace(
                root->fingerprint(), FindingId::anchor_expired, std::nullopt,
                "the root " + root->short_name() + ", to which " + pair.chain->text() + " has a path, expired on "
                    + time_text(*expires) + ": some clients take it all the same, so its paths count",
                "nothing, if the leaf or an intermediate is pinned; a pin of that root alone will not last");
            add_servers(finding->second, pair.servers);
        }
    }
    for (auto& [fingerprint, finding] : by_anchor) {
        findings.push_back(std::move(finding));
    }
}

/// Of every chain that was looked at for any policy, its server's own or one whose scope reaches it.
void check_path_limit(const Site& site, Findings& findings)
{
    site.finder->for_each([&](const Chain& chain, const TrustPaths& paths) {
        if (!paths.limits.any()) {
            return;
        }
        Finding finding(FindingId::path_limit, std::nullopt,
                        "not all paths of " + chain.text() + " were looked at: the limit of "
                            + limits_text(paths.limits) + " was met",
                        "send only the certificates that clients need");
        for (const Server& server : site.servers) {
            if (std::find(server.chains.begin(), server.chains.end(), &chain) != server.chains.end()) {
                add_servers(finding, {&server});
            }
        }
        findings.push_back(std::move(finding));
    });
}

}  // namespace hpkp
