// The C door and the ledger: what a load leaves there, and what becomes of it.
#include "hpkp.h"

#include "test_ledger.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>

#include <cstring>

using namespace hpkp;
using namespace hpkp::test;

namespace {

hpkp_str_t str(const std::string& text)
{
    return {text.data(), text.size()};
}

struct DoorLedger : testing::Test {
    DoorLedger()
    {
        policy_file = dir.write("pins.yaml", hpkp::test::policy_file({good_policy()}));
        policy = {str(policy_file), {nullptr, 0}, 1};
        facts.conf_file = str(conf);
        facts.conf_line = 12;
        facts.names = &name;
        facts.names_n = 1;
        facts.listens = &listen;
        facts.listens_n = 1;
        facts.policies = &policy;
        facts.policies_n = 1;
        facts.ssl_ctx = good.get();
        options.now = kNow;
        options.ledger = str(file.path);
        options.conf_file = str(conf_file);
        options.prefix = str(prefix);
        options.writes = 1;
        options.may_close = 1;
    }
    /// The status and the load's id of a session.
    hpkp_status_t run()
    {
        hpkp_session_t* session = hpkp_session_run(&facts, 1, &options);
        const hpkp_status_t status = hpkp_session_status(session);
        load = hpkp_session_load(session);
        hpkp_session_free(session);
        EXPECT_EQ(ERR_peek_error(), 0U);
        return status;
    }

    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
    std::string conf = "nginx.conf", conf_file = "/etc/nginx/nginx.conf", prefix = "/etc/nginx/", policy_file, load;
    char failure[256] = "";
    ContextPtr good = context({{pki().www_chain, pki().www_key}});
    ContextPtr bad = context({{pki().other_chain, pki().other_key}});
    hpkp_name_t name{{"www.example.com", 15}, 0};
    hpkp_listen_t listen{0, 1, 0};
    hpkp_policy_ref_t policy{};
    hpkp_server_t facts{};
    hpkp_options_t options{};
    const std::string open = "example.com www 1795000000-, www.example.com www 1795000000-";
};

TEST_F(DoorLedger, ALoadThatIsTaken)
{
    EXPECT_EQ(run(), HPKP_ACCEPTED);
    EXPECT_EQ(load.size(), 16U);
    EXPECT_EQ(file.entries(), open) << "before anybody can send it";
    EXPECT_EQ(hpkp_ledger_settle(options.ledger, load.c_str(), kNow, failure), 1) << failure;
    EXPECT_EQ(file.entries(), open);
    EXPECT_EQ(run(), HPKP_ACCEPTED);
    EXPECT_EQ(load.size(), 16U) << "it goes on sending what is open";
    EXPECT_EQ(file.entries(), open);
    facts.policies_n = 0;
    options.now = kNow + 50;
    EXPECT_EQ(run(), HPKP_ACCEPTED);
    EXPECT_EQ(file.entries(), open);
    EXPECT_EQ(hpkp_ledger_settle(options.ledger, load.c_str(), kNow + 60, failure), 1) << failure;
    EXPECT_EQ(file.entries(), "example.com www 1795000000-1795000060, www.example.com www 1795000000-1795000060");
}

TEST_F(DoorLedger, ALoadThatFailsAfterOurs)
{
    EXPECT_EQ(run(), HPKP_ACCEPTED);
    EXPECT_EQ(hpkp_ledger_withdraw(options.ledger, load.c_str(), kNow, failure), 1) << failure;
    EXPECT_EQ(file.entries(), "");
}

TEST_F(DoorLedger, AnNginxThatStops)
{
    run();
    hpkp_ledger_settle(options.ledger, load.c_str(), kNow, failure);
    const std::string drains = load;
    run();
    hpkp_ledger_settle(options.ledger, load.c_str(), kNow + 10, failure);
    EXPECT_EQ(hpkp_ledger_close(options.ledger, drains.c_str(), kNow + 70, 0, failure), 1) << failure;
    EXPECT_EQ(file.entries(), open) << "a later one of the same nginx goes on sending";
    EXPECT_EQ(hpkp_ledger_close(options.ledger, load.c_str(), kNow + 70, 0, failure), 1) << failure;
    EXPECT_EQ(file.entries(), "example.com www 1795000000-1795000070, www.example.com www 1795000000-1795000070");
}

TEST_F(DoorLedger, EveryOptionArrives)
{
    options.writes = 0;
    EXPECT_EQ(run(), HPKP_ACCEPTED);
    EXPECT_EQ(load, "");
    EXPECT_EQ(file.entries(), "");
    options.writes = 1;
    run();
    hpkp_ledger_settle(options.ledger, load.c_str(), kNow, failure);

    facts.policies_n = 0;
    facts.ssl_ctx = bad.get();
    EXPECT_EQ(run(), HPKP_REFUSED);
    EXPECT_EQ(load, "");
    options.may_close = 0;
    options.lockout_warns = 1;
    EXPECT_EQ(run(), HPKP_ACCEPTED);
    EXPECT_EQ(file.entries(), open) << "nothing may end";
    options.lockout_warns = 0;
    options.ledger = {nullptr, 0};
    EXPECT_EQ(run(), HPKP_ACCEPTED) << "hpkp_ledger off";
}

TEST_F(DoorLedger, ARampsValuesComeInTheOrderOfTime)
{
    PolicyText ramp = good_policy();
    ramp.modes = {"enforce: {max-age: {ramp: [{for: 1h, value: 60}, {for: 1d, value: 600}, {value: 7d}]}}"};
    dir.write("pins.yaml", hpkp::test::policy_file({ramp}));
    hpkp_session_t* session = hpkp_session_run(&facts, 1, &options);
    ASSERT_EQ(hpkp_session_status(session), HPKP_ACCEPTED);
    const hpkp_header_t* header = hpkp_session_header(session, hpkp_session_emission(session, 0)->enforce);
    ASSERT_EQ(header->values_n, 3U);
    const std::int64_t from[] = {kNow, kNow + 3600, kNow + 3600 + 86400};
    const char* begins[] = {"max-age=60;", "max-age=600;", "max-age=604800;"};
    for (std::size_t i = 0; i < 3; i++) {
        EXPECT_EQ(header->values[i].from, from[i]);
        EXPECT_EQ(std::string(header->values[i].text.data, std::strlen(begins[i])), begins[i]);
    }
    EXPECT_EQ(header->ramp, 1);
    hpkp_session_free(session);

    options.now = kNow + 2 * 86400;
    session = hpkp_session_run(&facts, 1, &options);
    ASSERT_EQ(hpkp_session_status(session), HPKP_ACCEPTED);
    header = hpkp_session_header(session, hpkp_session_emission(session, 0)->enforce);
    ASSERT_EQ(header->values_n, 1U);
    EXPECT_EQ(std::string(header->values[0].text.data, std::strlen(begins[2])), begins[2]);
    EXPECT_EQ(header->ramp, 1) << "at its end, by the clock of this load";
    hpkp_session_free(session);
}

TEST_F(DoorLedger, AFailureHasItsReason)
{
    const std::string missing = dir / "missing/ledger", rubbish = dir.write("rubbish", std::string(5000, 'x'));
    for (const std::string& path : {missing, rubbish, std::string("/"), std::string(100000, 'x')}) {
        for (int which = 0; which < 3; which++) {
            std::memset(failure, 'x', sizeof(failure));
            const int done = which == 0   ? hpkp_ledger_settle(str(path), "0123456789abcdef", kNow, failure)
                             : which == 1 ? hpkp_ledger_withdraw(str(path), "0123456789abcdef", kNow, failure)
                                          : hpkp_ledger_close(str(path), "0123456789abcdef", kNow, 0, failure);
            EXPECT_EQ(done, 0) << path.substr(0, 50);
            const std::size_t length = ::strnlen(failure, sizeof(failure));
            EXPECT_GT(length, 0U);
            EXPECT_LT(length, sizeof(failure));
        }
    }
    EXPECT_EQ(file.entries(), "");
}

}  // namespace
