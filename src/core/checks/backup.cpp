// Backups: pins of keys that are in no chain yet. Without one, a lost key locks every client out.
#include "checks.hpp"

#include "../drawing.hpp"
#include "../file.hpp"
#include "../match.hpp"
#include "../pin_source.hpp"
#include "pair_finding.hpp"

#include <dirent.h>

#include <algorithm>
#include <map>
#include <memory>

namespace hpkp {

namespace {

constexpr std::size_t kAdvisedBackups = 2;

bool any_chain(const std::vector<const Server*>& servers)
{
    return std::any_of(servers.begin(), servers.end(), [](const Server* server) { return !server->chains.empty(); });
}

/// Whether each chain has some pin: else that is a finding already (no-pin-in-chain).
bool in_every_chain(const Site& site, const PolicyUse& use, const PinSet& pins)
{
    return std::all_of(use.servers.begin(), use.servers.end(), [&](const Server* server) {
        return std::all_of(server->chains.begin(), server->chains.end(), [&](const Chain* chain) {
            const TrustPaths& paths = site.paths(*use.policy, *chain);
            return std::any_of(pins.pins.begin(), pins.pins.end(),
                               [&](const PolicyPin& pin) { return stands_in(*chain, paths, pin.pin); });
        });
    });
}

/// The files of a directory whose private keys can be read, by pin. Bounded, since it may be anybody's directory.
std::map<Pin, std::string> keys_in(const std::string& directory)
{
    constexpr std::size_t kMaxEntries = 1000;
    constexpr std::size_t kMaxKeyFile = std::size_t{64} << 10;
    constexpr std::size_t kMaxKeysInFile = 16;

    struct CloseDirectory {
        void operator()(DIR* open) const { ::closedir(open); }
    };
    std::map<Pin, std::string> keys;
    const std::unique_ptr<DIR, CloseDirectory> open(::opendir(directory.c_str()));
    for (std::size_t i = 0; open && i < kMaxEntries; i++) {
        const dirent* entry = ::readdir(open.get());
        if (entry == nullptr) {
            break;
        }
        const std::string path = directory + "/" + entry->d_name;
        const FileContent file = read_file(path, kMaxKeyFile);
        for (const Pin& pin : private_key_pins(file.bytes, kMaxKeysInFile)) {
            keys.emplace(pin, path);
        }
    }
    return keys;
}

/// The keys that nginx has loaded for its servers, by pin.
std::map<Pin, const Server*> loaded_keys(const Site& site)
{
    std::map<Pin, const Server*> keys;
    for (const Server& server : site.servers) {
        for (const Chain& chain : server.block->certificates) {
            if (chain.leaf().pin()) {
                keys.emplace(*chain.leaf().pin(), &server);
            }
        }
    }
    return keys;
}

}  // namespace

void check_no_backup_pin(const Site& site, Findings& findings)
{
    for_each_pinned_chain(site, [&](const Pair& pair, const PinSet& pins) {
        const auto all_in = [&](const auto& contains) {
            return std::all_of(pins.pins.begin(), pins.pins.end(),
                               [&](const PolicyPin& pin) { return pin.retired || contains(pin.pin); });
        };
        const auto& paths = pair.paths->paths;
        const bool without_backup =
            paths.empty() ? all_in([&](const Pin& pin) { return stands_in(*pair.chain, *pair.paths, pin); })
                          : std::any_of(paths.begin(), paths.end(), [&](const Path& path) {
                                return all_in([&](const Pin& pin) { return path.contains(pin); });
                            });
        // A pin that could not be read is a finding already, and may be the backup.
        if (pins.live() == 0 || pins.unreadable != 0 || !without_backup) {
            return;
        }
        Finding finding =
            pair_finding(FindingId::no_backup_pin, pair, pins,
                         "every pin of " + pins.owner + " that is not retired is in " + pair.chain->text()
                             + (pins.only_guarded() ? ": when its keys are lost, these clients are lost too"
                                                    : ": clients ignore a policy without a backup (RFC 7469 2.5)"),
                         "make a key, keep it offline, and pin it: openssl req -new -newkey rsa:2048 -keyout "
                         "backup.key -out backup.csr, then csr: backup.csr");
        finding.details = draw(*pair.chain, *pair.paths, pins);
        if (pins.only_guarded()) {
            finding.severity = Severity::warning;
        }
        findings.push_back(std::move(finding));
    });
}

void check_single_backup(const Site& site, Findings& findings)
{
    for (const PolicyUse& use : site.uses) {
        if (!any_chain(use.servers)) {
            continue;
        }
        for (const PinSet& pins : use.policy->pin_sets) {
            const std::size_t found = backups(site, use, pins).size() + pins.unreadable;
            if (found >= kAdvisedBackups) {
                continue;
            }
            Finding finding(FindingId::single_backup, pins.place,
                            pins.owner + " has " + (found == 0 ? "no backup" : "a single backup")
                                + ": a pin, not retired, that is in no chain served",
                            "pin two backups and keep their private keys offline, in two places");
            add_servers(finding, use.servers);
            findings.push_back(std::move(finding));
        }
    }
}

void check_backup_key_online(const Site& site, Findings& findings)
{
    const auto loaded = loaded_keys(site);
    std::map<std::string, std::map<Pin, std::string>> directories;

    for (const PolicyUse& use : site.uses) {
        const std::string directory = directory_of(use.policy->place.file);
        const auto [beside, is_new] = directories.try_emplace(directory);
        if (is_new) {
            beside->second = keys_in(directory);
        }
        for (const PinSet& pins : use.policy->pin_sets) {
            // With no chain known, or a wrong one, the key that clients hold would be taken for a backup.
            if (!any_chain(use.servers) || !in_every_chain(site, use, pins)) {
                continue;
            }
            for (const PolicyPin* pin : backups(site, use, pins)) {
                std::string where;
                const auto in_nginx = loaded.find(pin->pin);
                const auto in_file = beside->second.find(pin->pin);
                if (in_nginx != loaded.end()) {
                    where = "a file that nginx loads for the server in " + in_nginx->second->block->place.text();
                } else if (in_file != beside->second.end()) {
                    where = in_file->second + ", beside the policy";
                } else {
                    continue;
                }
                Finding finding(FindingId::backup_key_online, pin->place,
                                "the private key of the backup \"" + pin->label() + "\" is in " + where,
                                "move it offline: who breaks in here gets the key in use and the backup in one go");
                add_servers(finding, use.servers);
                findings.push_back(std::move(finding));
            }
        }
    }
}

}  // namespace hpkp
