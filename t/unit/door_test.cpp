// The C door: what comes out agrees with the session, and nothing thrown comes out at all.
#include "hpkp.h"

#include "test_site.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>

#include <cstring>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct FreeSession {
    void operator()(hpkp_session_t* session) const { hpkp_session_free(session); }
};
using SessionPtr = std::unique_ptr<hpkp_session_t, FreeSession>;

hpkp_str_t str(const std::string& text)
{
    return {text.data(), text.size()};
}
std::string text(const hpkp_str_t& str)
{
    return str.data == nullptr ? "" : std::string(str.data, str.len);
}

/// One server at one TLS address, and what its C form points to.
struct OneServer {
    explicit OneServer(SSL_CTX* ctx, const std::string& policy_file)
        : file(policy_file), c_name{str(name), 0}, listen{0, 1, 0}, policy{str(file), str(policy_name), 1}
    {
        facts.conf_file = str(conf);
        facts.conf_line = 12;
        facts.names = &c_name;
        facts.names_n = 1;
        facts.listens = &listen;
        facts.listens_n = 1;
        facts.policies = &policy;
        facts.policies_n = 1;
        facts.ssl_ctx = ctx;
    }
    OneServer(const OneServer&) = delete;

    std::string file, conf = "nginx.conf", name = "www.example.com", policy_name = "www";
    hpkp_name_t c_name;
    hpkp_listen_t listen;
    hpkp_policy_ref_t policy;
    hpkp_server_t facts{};
};

struct DoorTest : testing::Test {
    /// The policy, for clients whose root program has both of the test's roots: the system's is not read every time.
    std::string write(const PolicyText& policy)
    {
        const std::string roots = dir.write("roots.pem", pem({pki().root, pki().other_root}));
        return dir.write("pins.yaml", policy_file({policy}, {{"roots", roots}}));
    }
    hpkp_status_t check(const OneServer& server, int strict = 0) { return run({server.facts}, kNow, strict); }
    hpkp_status_t run(const std::vector<hpkp_server_t>& servers, std::int64_t now, int strict)
    {
        hpkp_options_t options{};
        options.now = now;
        options.strict = strict;
        options.ledger = str(ledger);
        options.conf_file = str(conf);
        options.prefix = str(prefix);
        session.reset(hpkp_session_run(servers.data(), servers.size(), &options));
        EXPECT_EQ(ERR_peek_error(), 0U);
        return hpkp_session_status(session.get());
    }
    std::string lines() const
    {
        std::string all;
        for (std::size_t i = 0; i < hpkp_session_lines(session.get()); i++) {
            all += text(hpkp_session_line(session.get(), i).text) + "\n";
        }
        return all;
    }

    /// With a ledger that has nothing to say of the certificate's names.
    DoorTest()
    {
        rehearse(ledger, {parse_server_name("www.example.com", false)[0], parse_server_name("example.com", false)[0]},
                 kNow);
    }

    TempDir dir;
    std::string ledger = dir / "hpkp.ledger", conf = "/nginx.conf", prefix = "/";
    ContextPtr good = context({{pki().www_chain, pki().www_key}});
    ContextPtr bad = context({{pki().other_chain, pki().other_key}});
    SessionPtr session;
};

TEST_F(DoorTest, AnAcceptedLoad)
{
    PolicyText policy = good_policy();
    policy.pins[0] = written(pki().www_key.pin(), "name: leaf 2026");
    policy.modes.push_back("report-only: {report-uri: \"https://reports.test/\"}");
    const OneServer server(good.get(), write(policy));
    ASSERT_EQ(check(server), HPKP_ACCEPTED) << lines();
    EXPECT_EQ(lines(), "");

    const hpkp_emission_t* emission = hpkp_session_emission(session.get(), 0);
    EXPECT_EQ(emission->has_policy, 1);
    EXPECT_EQ(text(emission->policy), "www");
    EXPECT_EQ(text(emission->mode), "both");
    ASSERT_EQ(hpkp_session_headers(session.get()), 2U);
    ASSERT_LT(emission->enforce, 2U);
    ASSERT_LT(emission->report_only, 2U);
    const hpkp_header_t* enforce = hpkp_session_header(session.get(), emission->enforce);
    EXPECT_EQ(enforce->ramp, 0);
    EXPECT_EQ(text(enforce->values[0].text).substr(0, 14), "max-age=86400;");
    EXPECT_EQ(text(hpkp_session_header(session.get(), emission->report_only)->values[0].text).substr(0, 11),
              "pin-sha256=");
    ASSERT_EQ(enforce->pins_n, 3U);
    EXPECT_EQ(std::memcmp(enforce->pins[0], pki().www_key.pin().bytes().data(), 32), 0);
    EXPECT_EQ(std::memcmp(enforce->pins[2], pki().backup_2.pin().bytes().data(), 32), 0);
    EXPECT_EQ(text(enforce->labels[0]), "leaf 2026");
    EXPECT_EQ(text(enforce->labels[2]), pki().backup_2.pin().base64());
    ASSERT_EQ(emission->leaves_n, 1U);
    EXPECT_EQ(emission->leaves[0].x509, pki().www.get());
    EXPECT_EQ(std::memcmp(emission->leaves[0].fingerprint, pki().www.fingerprint().data(), 32), 0);
    EXPECT_EQ(text(emission->leaves[0].pin), "leaf 2026");
}

TEST_F(DoorTest, AGuardAndAServerWithoutAPolicyHaveNoHeaders)
{
    PolicyText policy = good_policy();
    policy.modes = {"guard: {}"};
    const OneServer server(good.get(), write(policy));
    OneServer other(good.get(), server.file);
    other.facts.policies_n = 0;
    ASSERT_EQ(run({server.facts, other.facts}, kNow, 1), HPKP_ACCEPTED) << lines();
    EXPECT_EQ(hpkp_session_headers(session.get()), 0U);
    EXPECT_EQ(hpkp_session_emission(session.get(), 0)->enforce, HPKP_NONE);
    EXPECT_EQ(hpkp_session_emission(session.get(), 0)->report_only, HPKP_NONE);
    EXPECT_EQ(text(hpkp_session_emission(session.get(), 0)->mode), "guard");
    EXPECT_EQ(hpkp_session_emission(session.get(), 1)->has_policy, 0);
}

TEST_F(DoorTest, ARefusedLoadSaysWhatTheSessionSays)
{
    const OneServer server(bad.get(), write(good_policy()));
    EXPECT_EQ(check(server), HPKP_REFUSED);
    ServerBlock block;
    block.place = {"nginx.conf", 12, 0};
    block.names = {{"www.example.com", false}};
    block.listens = {{0, true, 0}};
    block.certificates = {pki().other_chain};
    block.policies = {{server.file, "www", true}};
    LoadOptions options;
    options.now = kNow;
    options.ledger = ledger;
    const LoadResult result = judge({block}, options);
    ASSERT_EQ(hpkp_session_lines(session.get()), result.lines.size());
    for (std::size_t i = 0; i < result.lines.size(); i++) {
        EXPECT_EQ(text(hpkp_session_line(session.get(), i).text), result.lines[i].text);
        EXPECT_EQ(hpkp_session_line(session.get(), i).severity, HPKP_ERROR);
    }
    EXPECT_NE(lines().find("no-pin-in-chain: " + server.file + ":3:3, in nginx.conf:12: "), std::string::npos)
        << lines();
}

TEST_F(DoorTest, SeveritiesAndStrict)
{
    PolicyText policy = good_policy();
    policy.modes = {"enforce: {max-age: 90d}"};
    const OneServer server(good.get(), write(policy));
    EXPECT_EQ(check(server), HPKP_ACCEPTED);
    EXPECT_EQ(hpkp_session_line(session.get(), 0).severity, HPKP_WARNING);
    EXPECT_EQ(check(server, 1), HPKP_REFUSED);
    EXPECT_NE(lines().find("because of hpkp_strict"), std::string::npos) << lines();
}

TEST_F(DoorTest, WithoutTrustTheSystemsBundleIsRead)
{
    const OneServer server(good.get(), dir.write("pins.yaml", policy_file({good_policy()})));
    EXPECT_EQ(check(server, 1), HPKP_ACCEPTED) << "a note refuses nothing, under hpkp_strict neither: " << lines();
    EXPECT_NE(lines().find("private-pki: in nginx.conf:12: "), std::string::npos) << lines();
    EXPECT_NE(lines().find(kSystemBundle), std::string::npos) << lines();
    EXPECT_EQ(hpkp_session_line(session.get(), 0).severity, HPKP_NOTE);
}

TEST_F(DoorTest, EveryFactOfAServerArrives)
{
    const std::string path = write(good_policy());
    const std::string chain_path = dir.write("served.pem", pem(pki().www_chain.sent));
    const hpkp_str_t served = str(chain_path);
    OneServer server(good.get(), path);

    server.policy.name = {nullptr, 0};
    EXPECT_EQ(check(server), HPKP_ACCEPTED) << "hpkp_policy without a name";
    server.listen.tls = 0;
    EXPECT_EQ(check(server), HPKP_REFUSED);
    EXPECT_NE(lines().find("server-not-tls"), std::string::npos) << lines();
    server.policy.own = 0;
    EXPECT_EQ(check(server), HPKP_ACCEPTED) << "inherited";
    server.policy.own = 1;
    server.facts.served_chains = &served;
    server.facts.served_chains_n = 1;
    EXPECT_EQ(check(server), HPKP_ACCEPTED);
    EXPECT_EQ(hpkp_session_emission(session.get(), 0)->leaves[0].x509, nullptr);
    server.facts.served_chains_n = 0;
    server.listen.tls = 1;
    server.facts.secure = 1;
    EXPECT_EQ(check(server), HPKP_REFUSED);
    EXPECT_NE(lines().find("chain-unknown"), std::string::npos) << lines();
    server.facts.secure = 0;
    server.facts.variable_certificates = 1;
    EXPECT_EQ(check(server), HPKP_REFUSED);
    EXPECT_NE(lines().find("chain-unknown"), std::string::npos) << lines();
    server.facts.variable_certificates = 0;
    server.facts.reject_handshake = 1;
    EXPECT_EQ(check(server), HPKP_REFUSED);
    EXPECT_NE(lines().find("server-not-tls"), std::string::npos) << lines();
    server.facts.reject_handshake = 0;
    server.c_name.regex = 1;
    EXPECT_EQ(check(server), HPKP_ACCEPTED);
    EXPECT_NE(lines().find("regex-host"), std::string::npos) << lines();
    server.c_name.regex = 0;
    server.facts.ssl_ctx = nullptr;
    EXPECT_EQ(check(server), HPKP_REFUSED);
    EXPECT_NE(lines().find("chain-unknown"), std::string::npos) << lines();
}

TEST_F(DoorTest, NonsenseIsAFindingAndNoException)
{
    const std::string paths[] = {"",
                                 "/",
                                 ".",
                                 std::string("a\0b", 3),
                                 std::string(100000, 'x'),
                                 "/dev/zero",
                                 "\xff\xfe",
                                 dir.write("rubbish.yaml", std::string(1000, '\0'))};
    for (const std::string& path : paths) {
        const OneServer server(good.get(), path);
        EXPECT_EQ(check(server), HPKP_REFUSED) << path.substr(0, 20);
    }
    for (const std::string& name : paths) {
        OneServer server(good.get(), write(good_policy()));
        server.c_name.text = str(name);
        server.policy.name = str(name);
        EXPECT_EQ(check(server), HPKP_REFUSED) << name.substr(0, 20);
        for (std::size_t i = 0; i < hpkp_session_lines(session.get()); i++) {
            EXPECT_LE(hpkp_session_line(session.get(), i).text.len, 1900U);
        }
    }
}

TEST_F(DoorTest, AnyClock)
{
    for (const std::int64_t now :
         {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40, -(std::int64_t{1} << 40)}) {
        const OneServer server(good.get(), write(good_policy()));
        EXPECT_EQ(run({server.facts}, now, 0), HPKP_ACCEPTED);
        EXPECT_NE(lines().find("chain-expired"), std::string::npos) << now;
    }
}

TEST_F(DoorTest, AnEmptySession)
{
    EXPECT_EQ(run({}, kNow, 1), HPKP_ACCEPTED);
    EXPECT_EQ(hpkp_session_status(session.get()), HPKP_ACCEPTED);
    EXPECT_EQ(hpkp_session_lines(session.get()), 0U);
    EXPECT_EQ(hpkp_session_headers(session.get()), 0U);
    hpkp_session_free(nullptr);
}

TEST_F(DoorTest, MayBeNoted)
{
    const ConnectionPtr connection(SSL_new(good.get()));
    const ContextPtr bare_ctx = context({});
    const ConnectionPtr bare(SSL_new(bare_ctx.get()));
    const auto ask = [&](SSL* on, const std::vector<Pin>& pins, std::size_t& matched) {
        std::vector<std::array<std::uint8_t, 32>> bytes;
        for (const Pin& pin : pins) {
            bytes.push_back(pin.bytes());
        }
        const int answer =
            hpkp_may_be_noted(on, reinterpret_cast<const std::uint8_t(*)[32]>(bytes.data()), bytes.size(), &matched);
        EXPECT_EQ(ERR_peek_error(), 0U);
        return answer;
    };
    std::size_t matched = 99;
    EXPECT_EQ(ask(connection.get(), {pki().backup_1.pin(), pki().intermediate_key.pin()}, matched), 1);
    EXPECT_EQ(matched, 1U);
    EXPECT_EQ(ask(connection.get(), {pki().backup_1.pin(), pki().backup_2.pin()}, matched), 0);
    EXPECT_EQ(ask(connection.get(), {pki().www_key.pin(), pki().intermediate_key.pin()}, matched), 0);
    EXPECT_EQ(ask(connection.get(), {}, matched), 0);
    EXPECT_EQ(ask(bare.get(), {pki().www_key.pin(), pki().backup_1.pin()}, matched), 0);
}

}  // namespace
