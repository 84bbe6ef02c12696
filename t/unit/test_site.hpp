// Configurations for the tests: server blocks and policy files, from which judge() and gather() make findings.
#pragma once

#include "test_pki.hpp"

#include "finding.hpp"
#include "gather.hpp"
#include "server.hpp"
#include "session.hpp"

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hpkp::test {

/// The ids of the warnings and errors in alphabetical order, each as often as it comes: "bad-pin too-few-pins". Without
/// the notes, since most chains below are a private PKI's, and each load says so.
std::string ids(const Findings& findings);
/// The ids of the notes.
std::string notes(const Findings& findings);

std::size_t count_of(const Findings& findings, FindingId id);
inline bool has(const Findings& findings, FindingId id)
{
    return count_of(findings, id) != 0;
}

/// The only finding of that id; a failure and some other finding if there is not exactly one.
const Finding& only(const Findings& findings, FindingId id);

/// What a finding says, all of it, in one string.
std::string text_of(const Finding& finding);

/// The lines of the servers that a finding is about, in its order.
std::vector<unsigned> lines_of(const Finding& finding);

// Pins as they stand in a policy file's list.
std::string written(const Pin& pin, const std::string& more = "");
std::string retired(const Pin& pin);

/// A policy as text, two spaces indented. `pins` are items of its list; `modes` the rest, a line each.
struct PolicyText {
    std::string name = "www";
    std::vector<std::string> pins;
    std::vector<std::string> modes = {"enforce: {max-age: 1d}"};

    std::string text() const;
};

/// The usual good policy: www.example.com's leaf and two backups.
PolicyText good_policy();

/// A policy file with these policies; the first one stands at line 3, column 3.
/// "trust", where it names stores, comes last.
std::string policy_file(const std::vector<PolicyText>& policies, const TrustStores& trust = {});

/// A bundle with one root, which nothing in the tests leads to: it stands for the system's, whose 144 roots need not be
/// read for every test.
const std::string& unrelated_bundle();

/// Root programs by name: what each holds.
using Stores = std::map<std::string, std::vector<Certificate>>;

class World {
public:
    /// Writes the policy file that the servers below refer to.
    const std::string& policies(const std::vector<PolicyText>& policies, const TrustStores& trust = {});
    const std::string& policy_text(const std::string& text, mode_t mode = 0644);

    /// The same as a bundle each, for the second argument of policies().
    TrustStores bundles(const Stores& stores) const;

    /// A server that speaks TLS at the address, and is its default server if it is the first one there.
    ServerBlock& server(unsigned line, std::vector<std::string> names, std::vector<Chain> chains,
                        std::size_t address = 443);
    /// The same under a policy of policies().
    ServerBlock& pinned(unsigned line, std::vector<std::string> names, std::vector<Chain> chains,
                        const std::string& policy = "www", std::size_t address = 443);
    /// A server at an address without TLS.
    ServerBlock& plain(unsigned line, std::vector<std::string> names, std::size_t address = 80);

    void listen(ServerBlock& block, std::size_t address, bool tls);
    PolicyRef ref(const std::string& name, bool own = true) const { return {policy_path_, name, own}; }

    const std::deque<ServerBlock>& blocks() const { return blocks_; }
    /// Judges under a ledger of its own in which every host here has been rehearsed: what a ledger advises stands among
    /// the findings of those tests alone that are about it. Nothing is written.
    LoadResult judge(bool strict = false) const;
    /// The options of judge(), once that ledger has been made.
    LoadOptions options(bool strict = false) const;
    /// Judges under the ledger of these options, whatever is in it.
    LoadResult judge(const LoadOptions& options) const;
    /// The findings of judge().
    Findings findings() const { return judge().findings; }
    Site gather(Findings& findings) const;
    Site gather() const;

    TempDir dir;
    std::time_t now = kNow;
    std::string system_bundle = unrelated_bundle();

private:
    std::string policy_path_;
    std::deque<ServerBlock> blocks_;
    std::map<std::size_t, std::size_t> default_servers_;
};

/// The findings of one server, www.example.com, that serves this chain under this policy.
Findings judge_one(const PolicyText& policy, const Chain& chain, std::time_t now = kNow);
/// The same for clients of these root programs.
Findings judge_for(const Stores& stores, const PolicyText& policy, const Chain& chain);

/// A place for files that are synced often: memory, where the system has such a directory.
std::string fast_directory();

/// Makes a ledger at this path, in place of what is there: these hosts had a report-only policy and a change of key, a
/// hundred days before `now`, and nothing is held.
void rehearse(const std::string& path, const std::vector<HostPattern>& hosts, std::time_t now);

/// A set of pins for the functions that take one without its policy.
PinSet pin_set(const std::vector<Pin>& pins);

/// Runs `work` in a process of its own. False if it failed, crashed, or was not done after so many seconds of processor
/// time, or ten times as long by the clock: what never ends must not hang the tests.
bool ends_within(unsigned seconds, const std::function<void()>& work);

}  // namespace hpkp::test
