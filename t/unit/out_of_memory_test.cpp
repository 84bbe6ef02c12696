// Memory that runs out anywhere in a load: the door says so, and nothing thrown comes out.
#include "hpkp.h"

#include "failing_new.hpp"
#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct OutOfMemory : testing::Test {
    OutOfMemory()
    {
        file = dir.write("pins.yaml", policy_file({good_policy()}));
        dir.write("notes.txt", private_key(pki().backup_3));
        facts.conf_file = {"nginx.conf", 10};
        facts.names = &name;
        facts.names_n = 1;
        facts.listens = &listen;
        facts.listens_n = 1;
        policy.file = {file.data(), file.size()};
        facts.policies = &policy;
        facts.policies_n = 1;
    }

    /// A load of which every allocation fails after so many. False where none did.
    bool fails_after(long allocations, hpkp_status_t& status)
    {
        allocation_failed = false;
        allocations_left = allocations;
        hpkp_session_t* session = hpkp_session_run(&facts, 1, kNow, 0);
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
        ASSERT_EQ(answer, 0) << "after " << n << " allocations";
    }
    FAIL() << "it never had enough";
}

}  // namespace
