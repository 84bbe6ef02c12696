// The ledger's part in a load: when it is read, when it is written to, and what is said where it cannot be.
#include "test_ledger.hpp"

#include "ledger/memory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <unistd.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct LedgerSession : SiteLoads {
    LedgerSession() { serve(good_policy(), pki().www_chain); }

    LoadOptions options()
    {
        LoadOptions options = load_options(file.path, now);
        options.writes = writes;
        options.strict = strict;
        return options;
    }
    LoadResult load() { return file.load(*world, options()); }
    bool exists() const { return ::access(file.path.c_str(), F_OK) == 0; }
    /// Neither the file nor its directory can be written, by root neither.
    void unwritable(const std::function<void()>& work)
    {
        make_readable({dir.path(), world->dir.path(), file.path});
        EXPECT_TRUE(as_nobody(work));
    }

    bool writes = true, strict = false;
};

TEST_F(LedgerSession, TheFirstLoadMakesIt)
{
    const LoadResult result = load();
    EXPECT_FALSE(result.refused);
    EXPECT_TRUE(result.recorded);
    EXPECT_EQ(ids(result.findings), "never-report-only");
    EXPECT_EQ(file.entries(), "example.com www 1795000000-, www.example.com www 1795000000-");
}

TEST_F(LedgerSession, ALoadThatIsAcceptedAgainWritesThatItIsTheLastAndNoMore)
{
    load();
    now += 100;
    const LoadResult result = load();
    EXPECT_EQ(ids(result.findings), "");
    EXPECT_TRUE(result.recorded);
    EXPECT_EQ(file.with([](Ledger& ledger) { return ledger.newest(); }), kNow);
    EXPECT_EQ(file.entries(), "example.com www 1795000000-, www.example.com www 1795000000-");
}

TEST_F(LedgerSession, ATestWritesNothing)
{
    writes = false;
    EXPECT_FALSE(load().recorded);
    EXPECT_FALSE(exists());
    writes = true;
    load();
    const std::vector<std::string> before = file.exported();
    PolicyText longer = good_policy();
    longer.modes = {"enforce: {max-age: 2d}"};
    serve(longer, pki().www_chain);
    writes = false;
    EXPECT_FALSE(load().recorded);
    EXPECT_EQ(file.exported(), before);
}

TEST_F(LedgerSession, ARefusedLoadWritesNothing)
{
    serve(good_policy(), pki().other_chain);
    EXPECT_TRUE(load().refused);
    EXPECT_FALSE(exists());
    serve(good_policy(), pki().www_chain);
    load();
    const std::vector<std::string> before = file.exported();
    serve(good_policy(), pki().other_chain);
    now += 10;
    const LoadResult result = load();
    EXPECT_TRUE(result.refused);
    EXPECT_FALSE(result.recorded);
    EXPECT_EQ(file.exported(), before);
}

TEST_F(LedgerSession, UnderStrictAWarningWritesNothing)
{
    strict = true;
    EXPECT_TRUE(load().refused);
    EXPECT_FALSE(exists());
}

TEST_F(LedgerSession, WhereNothingIsSentNoneIsMade)
{
    serve_without_policy(pki().www_chain);
    load();
    EXPECT_FALSE(exists());
    PolicyText policy = good_policy();
    for (const char* mode : {"guard: {}", "enforce: {max-age: 0}"}) {
        policy.modes = {mode};
        serve(policy, pki().www_chain);
        EXPECT_FALSE(load().refused);
        EXPECT_FALSE(exists()) << mode;
    }
    policy.modes = {"report-only: {report-uri: \"https://reports.test/\"}"};
    serve(policy, pki().www_chain);
    load();
    EXPECT_TRUE(exists()) << "report-only is remembered";
    ::unlink(file.path.c_str());
    policy.modes = {"guard: {until: 2027-06-01}"};
    serve(policy, pki().www_chain);
    load();
    EXPECT_TRUE(exists()) << "and a guard with its last day";
}

TEST_F(LedgerSession, WhereOneExistsItIsObeyedWithoutAnyPolicy)
{
    load();
    now += 100;
    serve_without_policy(pki().other_chain);
    EXPECT_EQ(ids(load().findings), "locks-out-clients");
    serve_without_policy(pki().www_chain);
    EXPECT_EQ(ids(load().findings), "");
    EXPECT_EQ(file.entries(), "example.com www 1795000000-1795000100, www.example.com www 1795000000-1795000100");
    now += 86400 + 300 - 1;
    serve_without_policy(pki().other_chain);
    EXPECT_EQ(ids(load().findings), "locks-out-clients");
    now++;
    EXPECT_EQ(ids(load().findings), "") << "100 + 1 day + 5 minutes";
}

TEST_F(LedgerSession, Off)
{
    LoadOptions off = options();
    off.ledger.clear();
    LoadResult result = world->judge(off);
    const Finding& finding = only(result.findings, FindingId::ledger_off);
    EXPECT_EQ(ids(result.findings), "ledger-off");
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_FALSE(result.recorded);
    PolicyText policy = good_policy();
    for (const char* mode : {"guard: {}", "enforce: {max-age: 0}", "report-only: {report-uri: \"https://r.test/\"}"}) {
        policy.modes = {mode};
        serve(policy, pki().www_chain);
        EXPECT_EQ(ids(world->judge(off).findings), "") << mode;
    }
    policy.modes = {"enforce: {max-age: {ramp: [{for: 1d, value: 5m}, {value: 1h}]}}"};
    serve(policy, pki().www_chain);
    EXPECT_EQ(ids(world->judge(off).findings), "bad-value ledger-off") << "a ramp is counted from what it knows";
}

TEST_F(LedgerSession, UnwritableItRefusesWhatIsNewAndNoMore)
{
    load();
    unwritable([&] {
        LoadResult result = load();
        EXPECT_FALSE(result.refused) << "nothing new: a server must come up again";
        EXPECT_EQ(only(result.findings, FindingId::ledger_unwritable).severity, Severity::warning);
        serve_without_policy(pki().www_chain);
        result = load();
        EXPECT_FALSE(result.refused);
        EXPECT_EQ(only(result.findings, FindingId::ledger_unwritable).severity, Severity::warning) << "an end";
        PolicyText longer = good_policy();
        longer.modes = {"enforce: {max-age: 2d}"};
        serve(longer, pki().www_chain);
        for (const bool serves : {true, false}) {
            writes = serves;
            result = load();
            EXPECT_TRUE(result.refused);
            EXPECT_FALSE(result.recorded);
            EXPECT_EQ(only(result.findings, FindingId::ledger_unwritable).severity, Severity::error)
                << "nginx -t says it too";
        }
    });
    EXPECT_EQ(file.entries(), "example.com www 1795000000-, www.example.com www 1795000000-");
}

TEST_F(LedgerSession, WithoutItsDirectoryTheLoadIsRefused)
{
    file.path = dir / "no/such/directory/ledger";
    for (const bool serves : {true, false}) {
        writes = serves;
        const LoadResult result = load();
        EXPECT_TRUE(result.refused);
        EXPECT_EQ(only(result.findings, FindingId::ledger_unwritable).severity, Severity::error);
    }
    serve_without_policy(pki().www_chain);
    EXPECT_EQ(ids(load().findings), "");
}

TEST_F(LedgerSession, BrokenItRefuses)
{
    dir.write("hpkp.ledger", "this is no ledger, but a text of more than sixteen bytes", 0600);
    for (const bool serves : {true, false}) {
        writes = serves;
        const LoadResult result = load();
        EXPECT_TRUE(result.refused);
        EXPECT_EQ(only(result.findings, FindingId::ledger_corrupt).severity, Severity::error);
    }
    serve_without_policy(pki().other_chain);
    writes = true;
    const LoadResult result = load();
    EXPECT_TRUE(result.refused) << "whom this chain locks out is not known";
    EXPECT_EQ(only(result.findings, FindingId::ledger_corrupt).severity, Severity::error);
    PolicyText guard = good_policy();
    guard.modes = {"guard: {}"};
    serve(guard, pki().www_chain);
    EXPECT_TRUE(load().refused) << "though nothing is sent";
}

TEST_F(LedgerSession, ARampIsHeldByItsValueOfTheTime)
{
    PolicyText ramp = good_policy();
    ramp.modes = {"enforce: {max-age: {ramp: [{for: 1d, value: 5m}, {value: 30d}]}}"};
    serve(ramp, pki().www_chain);
    load();
    now += 1000;
    serve_without_policy(pki().www_chain);
    load();
    now += 599;
    serve_without_policy(pki().other_chain);
    EXPECT_EQ(ids(load().findings), "locks-out-clients");
    now += 1;
    EXPECT_EQ(ids(load().findings), "") << "five minutes, and five";
}

TEST_F(LedgerSession, AfterACrashAReadOnlyLedgerLetsTheServerComeUpAgain)
{
    load();
    file.kill_a_writer();
    make_readable({file.path + "-journal"});
    unwritable([&] {
        for (const bool serves : {false, true}) {
            writes = serves;
            const LoadResult result = load();
            EXPECT_FALSE(result.refused) << (serves ? "a start" : "nginx -t") << ", " << ids(result.findings)
                                         << ": nothing new would be sent, and a copy can be read";
        }
    });
}

TEST_F(LedgerSession, ATrustStoreIsRecordedAsTheKernelFindsIt)
{
    // The policy file's directory is a symbolic link, as releases are deployed, and the store is beside the release.
    namespace fs = std::filesystem;
    fs::create_directories(dir / "releases/5");
    fs::create_directories(dir / "etc");
    fs::create_directory_symlink(dir / "releases/5", dir / "etc/current");
    dir.write("releases/store.pem", "");
    const std::string named = dir / "etc/current/../store.pem";
    ASSERT_TRUE(fs::exists(named));
    world = std::make_unique<World>();
    const TrustStores bundles = world->bundles({{"clients", {pki().root}}});
    fs::copy_file(bundles.at("clients"), dir / "releases/store.pem", fs::copy_options::overwrite_existing);
    world->policies({good_policy()}, {{"clients", named}});
    world->pinned(12, {"www.example.com"}, {pki().www_chain});
    const Site site = world->gather();
    bool any = false;
    for (const Sending& sending : sendings_of(site)) {
        for (const auto& [name, path] : sending.policy->stores) {
            any = true;
            EXPECT_EQ(path.front(), '/');
            EXPECT_TRUE(fs::exists(path)) << path << ": later loads would judge by the system's bundle";
        }
    }
    EXPECT_TRUE(any);
}

TEST_F(LedgerSession, ATrustStoreIsRecordedByItsAbsolutePath)
{
    // "nginx -p .": the policy file's own path is relative, and so is what it names.
    namespace fs = std::filesystem;
    world = std::make_unique<World>();
    const std::string bundle = world->bundles({{"clients", {pki().root}}}).at("clients");
    world->policies({good_policy()}, {{"clients", fs::path(bundle).lexically_relative(world->dir.path()).string()}});
    ServerBlock& block = world->pinned(12, {"www.example.com"}, {pki().www_chain});
    const auto stores = [&] {
        const Site site = world->gather();
        const std::vector<Sending> sent = sendings_of(site);
        return sent.empty() ? TrustStores() : sent.front().policy->stores;
    };
    EXPECT_EQ(stores(), (TrustStores{{"clients", bundle}}));
    const fs::path before = fs::current_path();
    fs::current_path(world->dir.path());
    block.policies.front().file = "./" + fs::path(block.policies.front().file).filename().string();
    EXPECT_EQ(stores(), (TrustStores{{"clients", bundle}}));
    fs::current_path(before);
}

TEST_F(LedgerSession, ARampIsNoLeaveToSendItsEndUnrecorded)
{
    PolicyText policy = good_policy();
    policy.modes = {"enforce: {max-age: {ramp: [{for: 10d, value: 5m}, {value: 30d}]}}"};
    serve(policy, pki().www_chain);
    load();
    now += 100;
    policy.modes = {"enforce: {max-age: 30d}"};
    serve(policy, pki().www_chain);
    unwritable([&] {
        const LoadResult result = load();
        EXPECT_TRUE(result.refused) << ids(result.findings) << ": 30 days would be sent, and 5 minutes are recorded";
    });
}

TEST_F(LedgerSession, TwoLoadsAtOnceAreNoClockThatWentBack)
{
    // nginx takes the time, then waits for its turn at the ledger; another nginx has begun a second later and was
    // first.
    load();
    file.take({sending(host("new.test"), enforced(60))}, now + 101, "/other.conf");
    now += 100;
    strict = true;
    const LoadResult result = load();
    EXPECT_FALSE(result.refused) << ids(result.findings);
}

TEST_F(LedgerSession, ARampClimbsWhateverThePolicyIsCalled)
{
    for (const char* name : {"www", "w\\x7Fww"}) {
        ::unlink(file.path.c_str());
        now = kNow;
        PolicyText ramp = good_policy();
        ramp.name = std::string("\"") + name + "\"";
        ramp.modes = {"enforce: {max-age: {ramp: [{for: 1d, value: 5m}, {value: 30d}]}}"};
        world = std::make_unique<World>();
        world->policies({ramp});
        world->pinned(12, {"www.example.com"}, {pki().www_chain}, name[1] == '\\' ? std::string("w\x7F") + "ww" : name);
        load();
        now += 2 * kDay;
        const LoadResult result = load();
        ASSERT_EQ(result.emissions.headers.size(), 1U) << ids(result.findings);
        EXPECT_EQ(result.emissions.headers[0].values.front().text.substr(0, 15), "max-age=2592000") << name;
    }
}

}  // namespace
