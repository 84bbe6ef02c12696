#include "test_site.hpp"

#include "ledger/memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hpkp::test {

namespace {

template <typename Wanted>
std::string listed_ids(const Findings& findings, Wanted wanted)
{
    std::vector<std::string> all;
    for (const Finding& finding : findings) {
        if (wanted(finding.severity)) {
            all.emplace_back(id_text(finding.id));
        }
    }
    std::sort(all.begin(), all.end());
    std::string text;
    for (const std::string& id : all) {
        text += (text.empty() ? "" : " ") + id;
    }
    return text;
}

}  // namespace

std::string ids(const Findings& findings)
{
    return listed_ids(findings, [](Severity severity) { return severity != Severity::note; });
}

std::string notes(const Findings& findings)
{
    return listed_ids(findings, [](Severity severity) { return severity == Severity::note; });
}

std::size_t count_of(const Findings& findings, FindingId id)
{
    return static_cast<std::size_t>(
        std::count_if(findings.begin(), findings.end(), [&](const Finding& f) { return f.id == id; }));
}

const Finding& only(const Findings& findings, FindingId id)
{
    static const Finding none(FindingId::policy_unreadable, std::nullopt, "(no such finding)", "");
    EXPECT_EQ(count_of(findings, id), 1U) << id_text(id) << " among: " << ids(findings);
    const auto found = std::find_if(findings.begin(), findings.end(), [&](const Finding& f) { return f.id == id; });
    return found == findings.end() ? none : *found;
}

std::string text_of(const Finding& finding)
{
    std::string text;
    for (const Line& line : render(finding)) {
        text += line.text + "\n";
    }
    return text;
}

std::vector<unsigned> lines_of(const Finding& finding)
{
    std::vector<unsigned> lines;
    for (const Place& place : finding.servers) {
        lines.push_back(place.line);
    }
    return lines;
}

std::string written(const Pin& pin, const std::string& more)
{
    return "{pin-sha256: \"" + pin.base64() + "\"" + (more.empty() ? "" : ", " + more) + "}";
}

std::string retired(const Pin& pin)
{
    return written(pin, "retired: true");
}

std::string PolicyText::text() const
{
    std::string text = "  " + name + ":\n";
    if (!pins.empty()) {
        text += "    pins:\n";
    }
    for (const std::string& pin : pins) {
        text += "      - " + pin + "\n";
    }
    for (const std::string& mode : modes) {
        text += "    " + mode + "\n";
    }
    return text;
}

PolicyText good_policy()
{
    PolicyText policy;
    policy.pins = {written(pki().www_key.pin()), written(pki().backup_1.pin()), written(pki().backup_2.pin())};
    return policy;
}

std::string policy_file(const std::vector<PolicyText>& policies, const TrustStores& trust)
{
    std::string text = "version: 1\npolicies:\n";
    for (const PolicyText& policy : policies) {
        text += policy.text();
    }
    text += trust.empty() ? "" : "trust:\n";
    for (const auto& [name, path] : trust) {
        text += "  " + name + ": " + path + "\n";
    }
    return text;
}

const std::string& unrelated_bundle()
{
    static const TempDir dir;
    static const Entity nobody("Root of nobody here");
    static const std::string path = dir.write("bundle.pem", pem(ca(nobody, nobody)));
    return path;
}

const std::string& World::policies(const std::vector<PolicyText>& policies, const TrustStores& trust)
{
    return policy_text(policy_file(policies, trust));
}

TrustStores World::bundles(const Stores& stores) const
{
    TrustStores paths;
    for (const auto& [name, certificates] : stores) {
        paths[name] = dir.write("stores/" + name + ".pem", pem(certificates));
    }
    return paths;
}

const std::string& World::policy_text(const std::string& text, mode_t mode)
{
    policy_path_ = dir.write("pins.yaml", text, mode);
    return policy_path_;
}

void World::listen(ServerBlock& block, std::size_t address, bool tls)
{
    const auto index = static_cast<std::size_t>(
        std::find_if(blocks_.begin(), blocks_.end(), [&](const ServerBlock& b) { return &b == &block; })
        - blocks_.begin());
    const auto [known, is_new] = default_servers_.emplace(address, index);
    block.listens.push_back({address, tls, known->second});
    static_cast<void>(is_new);
}

ServerBlock& World::server(unsigned line, std::vector<std::string> names, std::vector<Chain> chains,
                           std::size_t address)
{
    ServerBlock& block = plain(line, std::move(names), address);
    block.listens.back().tls = true;
    block.certificates = std::move(chains);
    return block;
}

ServerBlock& World::pinned(unsigned line, std::vector<std::string> names, std::vector<Chain> chains,
                           const std::string& policy, std::size_t address)
{
    ServerBlock& block = server(line, std::move(names), std::move(chains), address);
    block.policies.push_back(ref(policy));
    return block;
}

ServerBlock& World::plain(unsigned line, std::vector<std::string> names, std::size_t address)
{
    ServerBlock block;
    block.place = {"nginx.conf", line, 0};
    for (std::string& name : names) {
        const bool regex = !name.empty() && name.front() == '~';
        block.names.push_back({regex ? name.substr(1) : std::move(name), regex});
    }
    blocks_.push_back(std::move(block));
    listen(blocks_.back(), address, false);
    return blocks_.back();
}

LoadResult World::judge(bool strict) const
{
    return judge(options(strict));
}

LoadResult World::judge(const LoadOptions& options) const
{
    return hpkp::judge({blocks_.begin(), blocks_.end()}, options);
}

LoadOptions World::options(bool strict) const
{
    LoadOptions options;
    options.now = now;
    options.strict = strict;
    options.system_bundle = system_bundle;
    options.ledger = dir / "hpkp.ledger";
    options.load = {new_ledger_id(), "/nginx.conf", now, true};

    std::vector<HostPattern> hosts;
    for (const Sending& sending : sendings_of(gather())) {
        hosts.push_back(sending.host);
    }
    rehearse(options.ledger, hosts, now);
    return options;
}

Site World::gather(Findings& findings) const
{
    LoadOptions options;
    options.now = now;
    options.system_bundle = system_bundle;
    return hpkp::gather({blocks_.begin(), blocks_.end()}, options, false, findings);
}

Site World::gather() const
{
    Findings findings;
    return gather(findings);
}

Findings judge_one(const PolicyText& policy, const Chain& chain, std::time_t now)
{
    World world;
    world.now = now;
    world.policies({policy});
    world.pinned(12, {"www.example.com"}, {chain}, policy.name);
    return world.findings();
}

Findings judge_for(const Stores& stores, const PolicyText& policy, const Chain& chain)
{
    World world;
    world.policies({policy}, world.bundles(stores));
    world.pinned(12, {"www.example.com"}, {chain}, policy.name);
    return world.findings();
}

std::string fast_directory()
{
    const char* memory = "/dev/shm";
    return ::access(memory, W_OK | X_OK) == 0 ? memory : std::filesystem::temp_directory_path().string();
}

void rehearse(const std::string& path, const std::vector<HostPattern>& hosts, std::time_t now)
{
    SentPolicy before;
    before.kind = SentPolicy::Kind::reported;
    before.name = "rehearsal";
    const auto policy = std::make_shared<const SentPolicy>(before);
    const auto content = std::make_shared<const std::string>(before.to_text());
    std::vector<Sending> sent;
    std::vector<Showing> first, second;
    for (const HostPattern& host : hosts) {
        sent.push_back({host, {}, policy, content});
        first.push_back({host, {pki().backup_1.pin()}});
        second.push_back({host, {pki().backup_2.pin()}});
    }
    ::unlink(path.c_str());
    Ledger ledger(path, Database::Access::create);
    ledger.begin(true);
    LedgerLoad load{"0000000000000001", "/rehearsal", now - 100 * kDay, true};
    ledger.record(sent, first, load);
    ledger.settle(load);
    load = {"0000000000000002", "/rehearsal", now - 99 * kDay, true};
    ledger.record({}, second, load);
    ledger.settle(load);
    ledger.commit();
}

PinSet pin_set(const std::vector<Pin>& pins)
{
    PinSet set;
    set.owner = "policy \"www\"";
    for (const Pin& pin : pins) {
        set.pins.push_back({pin, "", false, false, {}});
    }
    return set;
}

// HPKP_COUNTED: t/coverage.sh, whose build is not optimised and counts every branch.
#if defined(__SANITIZE_ADDRESS__) || defined(HPKP_COUNTED)
constexpr unsigned kSlower = 4;
#else
constexpr unsigned kSlower = 1;
#endif

bool ends_within(unsigned seconds, const std::function<void()>& work)
{
    const pid_t child = ::fork();
    if (child == 0) {
        // Either kills the child, and nobody else. What waits for ever takes no processor time; a busy machine does not
        // take more of it.
        const rlimit limit{seconds * kSlower, seconds * kSlower};
        ::setrlimit(RLIMIT_CPU, &limit);
        ::alarm(10 * seconds);
        try {
            work();
        }
        catch (...) {
            ::_exit(2);
        }
        ::_exit(0);
    }
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace hpkp::test
