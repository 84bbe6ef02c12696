// Memory that runs out anywhere in a load: the door says so, and nothing thrown comes out.
#include "hpkp.h"

#include "child_process.hpp"
#include "failing_new.hpp"
#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct OutOfMemory : testing::Test {
    OutOfMemory()
    {
        // For clients with stores of their own, so that the system's bundle is not read thousands of times.
        const std::string bundle = dir.write("bundle.pem", pem({pki().root, pki().intermediate}));
        dir.write("hashed/01234567.0", pem(pki().other_root));
        dir.write("hashed/89abcdef.0", pem(ca(pki().root_key, pki().root_key)));
        file = dir.write("pins.yaml", policy_file({good_policy()}, {{"bundle", bundle}, {"hashed", dir / "hashed"}}));
        dir.write("notes.txt", private_key(pki().backup_3));
        facts.conf_file = {"nginx.conf", 10};
        facts.names = &name;
        facts.names_n = 1;
        facts.listens = &listen;
        facts.listens_n = 1;
        options.now = kNow;
        policy.file = {file.data(), file.size()};
        facts.policies = &policy;
        facts.policies_n = 1;
    }

    /// A load of which every allocation fails after so many. False where none did.
    bool fails_after(long allocations, hpkp_status_t& status)
    {
        allocation_failed = false;
        allocations_left = allocations;
        hpkp_session_t* session = hpkp_session_run(&facts, 1, &options);
        allocations_left = -1;
        status = session == nullptr ? HPKP_FAILED : hpkp_session_status(session);
        if (session != nullptr && status == HPKP_FAILED) {
            EXPECT_STREQ(hpkp_session_failure(session), "out of memory") << allocations;
        }
        hpkp_session_free(session);
        return status == HPKP_FAILED;  // it failed in the child that judges
    }

    TempDir dir;
    std::string file;
    hpkp_name_t name{{"www.example.com", 15}, 0};
    hpkp_listen_t listen{0, 1, 0};
    hpkp_policy_ref_t policy{{nullptr, 0}, {"www", 3}, 1};
    hpkp_server_t facts{};
    hpkp_options_t options{};
    ContextPtr good = context({{pki().www_chain, pki().www_key}});
    ContextPtr bad = context({{pki().other_chain, pki().other_key}});
};

TEST_F(OutOfMemory, OfALoadThatWouldPass)
{
    facts.ssl_ctx = good.get();
    hpkp_status_t status = HPKP_FAILED;
    long n = 0;
    for (; n < 100000 && fails_after(n, status); n++) {
        ASSERT_EQ(status, HPKP_FAILED) << "after " << n << " allocations";
    }
    EXPECT_EQ(status, HPKP_ACCEPTED);
    EXPECT_GT(n, 100);
}

TEST_F(OutOfMemory, OfALoadThatWouldBeRefused)
{
    facts.ssl_ctx = bad.get();
    hpkp_status_t status = HPKP_FAILED;
    long n = 0;
    for (; n < 100000 && fails_after(n, status); n++) {
        ASSERT_EQ(status, HPKP_FAILED) << "after " << n << " allocations";
    }
    EXPECT_EQ(status, HPKP_REFUSED);
}

/// A single failure that is swallowed somewhere would take a check out of the load.
TEST_F(OutOfMemory, OfOneAllocationAlone)
{
    SharedMemory memory(4096);
    auto* failures = memory.make<AllocationFailures>(1);
    shared_failures = failures;
    allocation_fails_once = true;
    for (const bool passes : {true, false}) {
        facts.ssl_ctx = (passes ? good : bad).get();
        hpkp_status_t status = HPKP_FAILED;
        long n = -1;
        do {
            n++;
            *failures = {};
            fails_after(n, status);
            const hpkp_status_t expected = failures->thrown ? HPKP_FAILED : passes ? HPKP_ACCEPTED : HPKP_REFUSED;
            EXPECT_EQ(status, expected) << "after " << n << " allocations";
        } while (failures->any && n < 100000 && !HasFailure());
        EXPECT_GT(n, 500);
    }
    allocation_fails_once = false;
    shared_failures = nullptr;
}

/// Judges with ever more memory until it suffices. Returns how many times it did not.
long starved(const World& world, LoadResult& result)
{
    const LoadOptions options = world.options();
    for (long n = 0; n < 100000; n++) {
        allocation_failed = false;
        allocations_left = n;
        try {
            result = world.judge(options);
            allocations_left = -1;
            return n;
        }
        catch (const std::bad_alloc&) {
            allocations_left = -1;
        }
        EXPECT_TRUE(allocation_failed) << n;
    }
    return -1;
}

TEST_F(OutOfMemory, OfPathsOfEveryKind)
{
    // Valid, outdated and rejected ones, to two stores; a chain that reaches neither; and a private PKI's.
    CertOptions constrained = authority();
    constrained.name_constraints = "critical,permitted;DNS:example.org";
    const Entity middle("Middle");
    const Chain crossed =
        chain({pki().www, pki().intermediate, certify(pki().intermediate_key, pki().other_root_key, constrained),
               ca(pki().intermediate_key, middle), certify(middle, pki().other_root_key, authority_until(kNow - 1))});
    const Entity nobody("Root of nobody");
    const Chain lost = chain({leaf(pki().other_key, nobody), ca(nobody, nobody)});
    World world;
    world.policies(
        {good_policy()},
        world.bundles({{"a", {pki().root, pki().intermediate}},
                       {"b", {certify(pki().other_root_key, pki().other_root_key, authority_until(kNow - 1))}}}));
    world.pinned(12, {"www.example.com"}, {crossed});
    world.pinned(30, {"example.com"}, {lost});
    PolicyText app = good_policy();
    app.modes = {"guard: {}"};
    app.pins[0] = written(nobody.pin());
    world.server(44, {"app.test"}, {lost}, 8443).policies = {
        {world.dir.write("app.yaml", policy_file({app})), "www", true}};

    LoadResult result;
    EXPECT_TRUE(ends_within(120, [&] { starved(world, result); }));
    const long failures = starved(world, result);
    EXPECT_GT(failures, 500);
    const LoadResult expected = world.judge();
    ASSERT_EQ(result.lines.size(), expected.lines.size()) << "as if nothing had happened before";
    for (std::size_t i = 0; i < expected.lines.size(); i++) {
        EXPECT_EQ(result.lines[i].text, expected.lines[i].text);
    }
    EXPECT_EQ(count_of(result.findings, FindingId::untrusted_chain), 1U) << ids(result.findings);
    EXPECT_EQ(notes(result.findings), "private-pki");
}

TEST_F(OutOfMemory, OfAnAnswerAtRunTime)
{
    const ConnectionPtr connection(SSL_new(good.get()));
    const std::vector<Pin> pins = {pki().www_key.pin(), pki().backup_1.pin()};
    const auto* bytes = reinterpret_cast<const std::uint8_t(*)[32]>(pins.data());
    std::size_t matched = 0;
    for (long n = 0; n < 10000; n++) {
        allocation_failed = false;
        allocations_left = n;
        const int answer = hpkp_may_be_noted(connection.get(), bytes, pins.size(), &matched);
        allocations_left = -1;
        if (!allocation_failed) {
            EXPECT_EQ(answer, 1);
            return;
        }
        ASSERT_EQ(answer, -1) << "after " << n << " allocations";
    }
    FAIL() << "it never had enough";
}

}  // namespace
