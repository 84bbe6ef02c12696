#include "gather.hpp"

#include "policy_reader.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace hpkp {

namespace {

class Gatherer {
public:
    Gatherer(Site& site, const TrustStores& trust, bool remembering, Findings& findings)
        : site_(site), trust_(trust), remembering_(remembering), findings_(findings)
    {
    }

    void run();

private:
    void add_address_names(std::size_t index);
    void resolve_policies(Server& server);
    const Policy* resolve(const PolicyRef& ref, const Server& server);
    void check_one_header_each(const Server& server);
    std::vector<const ServerBlock*> presenting_blocks(const Server& server) const;
    void resolve_chains(Server& server);
    void add_certificate_names(Server& server);
    void use_policies(const Server& server);
    void replace_trust(PolicyFile& file);
    void read_stores(const PolicyFile& file);
    const Chain* intern(const Chain& chain);
    const std::vector<Chain>& read_served_chain(const std::string& file, const Server& server);

    struct ChainFile {
        std::vector<Chain> chains;
        std::size_t finding = 0;  // index + 1 of the finding, 0 for none
    };

    Site& site_;
    const TrustStores& trust_;
    bool remembering_;
    Findings& findings_;
    std::map<std::string, PolicyFile*> policy_files_;
    std::map<std::string, std::size_t> unreadable_;  // file, to the index of its finding
    std::map<std::string, std::size_t> unresolved_;  // file and name, to the index of its finding
    std::map<std::string, ChainFile> chain_files_;
    std::map<std::vector<Fingerprint>, const Chain*> chains_;
    std::map<const Policy*, std::size_t> uses_;
    std::map<std::pair<const Policy*, const Chain*>, std::size_t> pairs_;
};

void Gatherer::run()
{
    site_.servers.resize(site_.blocks.size());
    for (std::size_t i = 0; i < site_.blocks.size(); i++) {
        Server& server = site_.servers[i];
        const ServerBlock& block = site_.blocks[i];
        server.block = &block;
        server.tls = !block.reject_handshake
                     && std::any_of(block.listens.begin(), block.listens.end(), [](const Listen& l) { return l.tls; });
        for (const ServerName& name : block.names) {
            for (HostPattern& pattern : parse_server_name(name.text, name.regex)) {
                server.names.push_back(std::move(pattern));
            }
        }
        add_address_names(i);
    }
    for (Server& server : site_.servers) {
        resolve_policies(server);
    }
    // Without a policy, and with none that clients may remember, there is nothing to prove.
    if (!remembering_ && std::all_of(site_.servers.begin(), site_.servers.end(), [](const Server& s) {
            return s.policies.empty();
        })) {
        return;
    }
    for (Server& server : site_.servers) {
        resolve_chains(server);
        add_certificate_names(server);
        use_policies(server);
    }
}

void Gatherer::add_address_names(std::size_t index)
{
    const Server& server = site_.servers[index];
    for (const Listen& listen : server.block->listens) {
        AddressNames& names = site_.addresses[listen.address];
        for (const HostPattern& pattern : server.names) {
            names.add(pattern, index);
        }
    }
}

void Gatherer::resolve_policies(Server& server)
{
    for (const PolicyRef& ref : server.block->policies) {
        // An inherited policy is ignored where nothing is served over TLS; one that stands there is a finding
        // (server-not-tls), and is resolved so that its other mistakes are found too.
        if (!ref.own && !server.covered()) {
            continue;
        }
        const Policy* policy = resolve(ref, server);
        const bool known = std::find(server.policies.begin(), server.policies.end(), policy) != server.policies.end();
        if (policy != nullptr && !known) {
            server.policies.push_back(policy);
        }
    }
    check_one_header_each(server);
}

const Policy* Gatherer::resolve(const PolicyRef& ref, const Server& server)
{
    PolicyFile*& file = policy_files_[ref.file];
    if (file == nullptr) {
        site_.files.push_back(read_policy_file(ref.file, site_.now, findings_));
        file = &site_.files.back();
        if (!trust_.empty()) {
            replace_trust(*file);
        }
        if (file->sources.empty()) {
            unreadable_.emplace(ref.file, findings_.size() - 1);
        }
        read_stores(*file);
    }
    if (const auto unreadable = unreadable_.find(ref.file); unreadable != unreadable_.end()) {
        findings_[unreadable->second].servers.push_back(server.block->place);
    }
    if (!file->parsed) {
        return nullptr;
    }

    // One that is there and could not be read is a finding already.
    std::string what;
    if (ref.name) {
        const Policy* policy = file->find(*ref.name);
        if (policy != nullptr || file->has(*ref.name)) {
            return policy;
        }
        what = "the policy file has no policy \"" + *ref.name + "\"";
    } else if (file->names.size() == 1) {
        return file->policies.empty() ? nullptr : &file->policies.front();
    } else {
        what = "the policy file has several policies, and hpkp_policy names none";
    }

    const auto [known, is_new] = unresolved_.emplace(ref.file + '\0' + ref.name.value_or(""), findings_.size());
    if (is_new) {
        findings_.emplace_back(FindingId::unknown_policy, file->policies_place, what,
                               "write hpkp_policy FILE NAME with one of its names: " + names_of(*file));
    }
    findings_[known->second].servers.push_back(server.block->place);
    return nullptr;
}

void Gatherer::replace_trust(PolicyFile& file)
{
    const auto stores = std::make_shared<const TrustStores>(trust_);
    for (Policy& policy : file.policies) {
        policy.stores = stores;
    }
    file.trust.clear();
    for (const auto& [name, path] : trust_) {
        file.trust.push_back({name, path, Place{path, 0, 0}});
    }
}

/// Each store is read here, once for all the policy files that name it.
void Gatherer::read_stores(const PolicyFile& file)
{
    for (const StoreRef& ref : file.trust) {
        const TrustStore& store = site_.finder->store(ref.path);
        if (!store.ok()) {
            findings_.emplace_back(FindingId::trust_unreadable, ref.place,
                                   "trust store \"" + ref.name + "\": " + ref.path + " " + store.error,
                                   "name a PEM bundle or a hashed directory of certificates");
        }
    }
}

/// Clients read only the first header of a kind, so two policies cannot both send one.
void Gatherer::check_one_header_each(const Server& server)
{
    const Policy* enforcing = nullptr;
    const Policy* reporting = nullptr;
    const auto take = [&](const Policy*& first, const Policy* policy, const char* header) {
        if (first == nullptr) {
            first = policy;
            return;
        }
        Finding finding(FindingId::bad_value, policy->place,
                        std::string("two policies of one server send ") + header + ": \"" + first->name + "\" and \""
                            + policy->name + "\"",
                        "keep one hpkp_policy for each header; others may only guard");
        finding.servers.push_back(server.block->place);
        findings_.push_back(std::move(finding));
    };
    for (const Policy* policy : server.policies) {
        if (policy->enforce) {
            take(enforcing, policy, "Public-Key-Pins");
        }
        if (policy->report_only) {
            take(reporting, policy, "Public-Key-Pins-Report-Only");
        }
    }
}

const std::vector<Chain>& Gatherer::read_served_chain(const std::string& file, const Server& server)
{
    const auto [known, is_new] = chain_files_.try_emplace(file);
    ChainFile& entry = known->second;
    if (is_new) {
        std::string error;
        entry.chains = read_chain_file(file, error);
        if (entry.chains.empty()) {
            findings_.emplace_back(FindingId::served_chain_unreadable, Place{file, 0, 0}, "the chain file " + error,
                                   "name a PEM file with the chain that clients see, leaf first");
            entry.finding = findings_.size();
        }
    }
    if (entry.finding != 0) {
        findings_[entry.finding - 1].servers.push_back(server.block->place);
    }
    return entry.chains;
}

/// hpkp_served_chain says what clients see; else a server's own certificates; without any, a server answers with those
/// of its addresses' default servers.
std::vector<const ServerBlock*> Gatherer::presenting_blocks(const Server& server) const
{
    const ServerBlock& block = *server.block;
    if (!block.served_chains.empty()) {
        return {&block};
    }
    if (!server.tls) {
        return {};
    }
    if (!block.certificates.empty() || block.variable_certificates) {
        return {&block};
    }
    std::vector<const ServerBlock*> defaults;
    for (const Listen& listen : block.listens) {
        const ServerBlock* by_default = &site_.blocks[listen.default_server];
        if (listen.tls && std::find(defaults.begin(), defaults.end(), by_default) == defaults.end()) {
            defaults.push_back(by_default);
        }
    }
    return defaults;
}

void Gatherer::resolve_chains(Server& server)
{
    const auto add = [&](const Chain& chain) {
        const Chain* served = intern(chain);
        if (std::find(server.chains.begin(), server.chains.end(), served) == server.chains.end()) {
            server.chains.push_back(served);
        }
    };
    server.presenting = presenting_blocks(server);
    for (const ServerBlock* block : server.presenting) {
        for (const std::string& file : block->served_chains) {
            const auto& chains = read_served_chain(file, server);
            server.chain_unreadable = server.chain_unreadable || chains.empty();
            std::for_each(chains.begin(), chains.end(), add);
        }
        if (block->served_chains.empty()) {
            server.chain_unknown = server.chain_unknown || block->variable_certificates;
            std::for_each(block->certificates.begin(), block->certificates.end(), add);
        }
    }
}

const Chain* Gatherer::intern(const Chain& chain)
{
    std::vector<Fingerprint> key;
    key.reserve(chain.sent.size());
    for (const Certificate& certificate : chain.sent) {
        key.push_back(certificate.fingerprint());
    }
    const Chain*& known = chains_[key];
    if (known == nullptr) {
        site_.chains.push_back(chain);
        known = &site_.chains.back();
    }
    return known;
}

/// A client that comes to a default server with a name of its certificate, which nobody else there answers to, gets
/// this server's header.
void Gatherer::add_certificate_names(Server& server)
{
    const auto index = static_cast<std::size_t>(&server - site_.servers.data());
    std::set<std::string> seen;
    for (const Listen& listen : server.block->listens) {
        if (!server.presents_at(listen) || listen.default_server != index || !server.covered()) {
            continue;
        }
        const AddressNames& names = site_.addresses[listen.address];
        for (const Chain* chain : server.chains) {
            for (const std::string& name : chain->leaf().dns_names()) {
                for (HostPattern& pattern : parse_server_name(name, false)) {
                    pattern.one_label = pattern.kind == HostPattern::Kind::wildcard;
                    if (!names.answers(pattern.example()) && seen.insert(name).second) {
                        server.certificate_names.push_back(std::move(pattern));
                    }
                }
            }
        }
    }
}

void Gatherer::use_policies(const Server& server)
{
    if (!server.covered()) {
        return;
    }
    for (const Policy* policy : server.policies) {
        const auto [use, is_first] = uses_.emplace(policy, site_.uses.size());
        if (is_first) {
            site_.uses.push_back({policy, {}});
        }
        site_.uses[use->second].servers.push_back(&server);

        for (const Chain* chain : server.chains) {
            const auto [known, is_new] = pairs_.emplace(std::make_pair(policy, chain), site_.pairs.size());
            if (is_new) {
                site_.pairs.push_back({policy, chain, &site_.paths(*policy, *chain), {}});
            }
            site_.pairs[known->second].servers.push_back(&server);
        }
    }
}

}  // namespace

Site gather(std::vector<ServerBlock> blocks, const LoadOptions& options, bool remembering, Findings& findings)
{
    Site site;
    site.now = options.now;
    site.finder = std::make_unique<TrustPathFinder>(options.now, options.system_bundle);
    site.blocks = std::move(blocks);
    Gatherer(site, options.trust, remembering, findings).run();
    return site;
}

}  // namespace hpkp
