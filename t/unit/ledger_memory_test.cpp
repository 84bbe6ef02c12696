// ledger/memory.hpp over whole sites: who meets clients that remember, wherever the host has gone.
#include "test_ledger.hpp"

#include "ledger/memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <set>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct MemoryTest : testing::Test {
    /// Clients of these hosts hold it.
    void held(const std::vector<HostPattern>& hosts, const SentPolicy& policy = enforced(kDay),
              std::vector<std::string> exceptions = {})
    {
        std::vector<Sending> sent;
        for (const HostPattern& host : hosts) {
            sent.push_back(sending(host, policy, exceptions));
        }
        file.take(sent, kNow - 1000);
    }
    /// "12 www.example.com" for each server that meets such clients, and a name by which.
    std::set<std::string> met()
    {
        LoadOptions options;
        options.now = kNow;
        options.system_bundle = unrelated_bundle();
        Findings findings;
        const Site site = hpkp::gather({world.blocks().begin(), world.blocks().end()}, options, true, findings);
        std::set<std::string> all;
        file.with([&](Ledger& ledger) {
            for (const Remembered& remembered : recall(site, ledger).remembered) {
                all.insert(std::to_string(remembered.server->block->place.line) + " " + remembered.name);
            }
        });
        return all;
    }
    void server(unsigned line, std::vector<std::string> names, std::size_t port = 443)
    {
        world.server(line, std::move(names), {bare}, port);
    }

    using Met = std::set<std::string>;
    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
    World world;
    /// A chain whose certificate has no name that matters.
    Chain bare = chain({leaf(pki().www_key, pki().intermediate_key, {"nobody.test"}), pki().intermediate});
};

TEST_F(MemoryTest, TheHostItself)
{
    held({host("www.example.com")});
    server(1, {"www.example.com"});
    server(2, {"other.example.com"});
    EXPECT_EQ(met(), Met{"1 www.example.com"});
}

TEST_F(MemoryTest, AtAnotherPortOrInAnotherServer)
{
    held({host("www.example.com")});
    server(1, {"a.test", "www.example.com"}, 8443);
    server(2, {"www.example.com"});
    EXPECT_EQ(met(), (Met{"1 www.example.com", "2 www.example.com"}));
}

TEST_F(MemoryTest, AServerThatAnswersToANameNowhereMeetsNobody)
{
    held({host("www.example.com")});
    server(1, {"www.example.com"});
    server(2, {"www.example.com"});
    EXPECT_EQ(met(), Met{"1 www.example.com"}) << "the first has the name";
}

TEST_F(MemoryTest, WithoutTlsNobodyIsMet)
{
    held({host("www.example.com")});
    world.plain(1, {"www.example.com"});
    EXPECT_EQ(met(), Met());
}

TEST_F(MemoryTest, SubdomainsAreMetWhereTheyAreHeld)
{
    held({host("example.com")}, enforced(kDay, true));
    held({host("other.test")}, enforced(kDay, false));
    server(1, {"a.example.com"});
    server(2, {"b.c.example.com"}, 8443);
    server(3, {"a.other.test"});
    server(4, {"com"});
    EXPECT_EQ(met(), (Met{"1 a.example.com", "2 b.c.example.com"}));
}

TEST_F(MemoryTest, AWildcardMeetsWhoeverHoldsANameBelowIt)
{
    held({host("www.example.com")});
    server(1, {"*.example.com"});
    EXPECT_EQ(met(), Met{"1 www.example.com"});
    server(2, {"www.example.com"});
    EXPECT_EQ(met(), Met{"2 www.example.com"}) << "where nobody else answers to it";
    server(3, {"*.example.com"}, 8443);
    EXPECT_EQ(met(), (Met{"2 www.example.com", "3 www.example.com"}));
}

TEST_F(MemoryTest, AWildcardBelowAHeldName)
{
    held({host("www.example.com")}, enforced(kDay, true));
    server(1, {"*.www.example.com"});
    server(2, {"*.other.example.com"});
    EXPECT_EQ(met(), Met{"1 *.www.example.com"});
}

TEST_F(MemoryTest, AWildcardThatLeavesTheHeldNameToAnotherMeetsWhatIsBelowThat)
{
    held({host("www.example.com")}, enforced(kDay, true));
    server(1, {"*.example.com"});
    server(2, {"www.example.com"});
    EXPECT_EQ(met(), (Met{"1 *.www.example.com", "2 www.example.com"}));
}

TEST_F(MemoryTest, AHeldWildcardIsMetByAnExactName)
{
    held({host("*.example.com")});
    server(1, {"a.example.com"});
    server(2, {"b.c.example.com"});
    server(3, {"example.com"});
    EXPECT_EQ(met(), (Met{"1 a.example.com", "2 b.c.example.com"}));
}

TEST_F(MemoryTest, OneLabelOfACertificatesWildcard)
{
    held({one_label("*.example.com")});
    server(1, {"a.example.com"});
    server(2, {"b.c.example.com"});
    server(3, {"*.example.com"}, 8443);
    server(4, {"*.c.example.com"});
    EXPECT_EQ(met(), (Met{"1 a.example.com", "3 *.example.com"}));
}

TEST_F(MemoryTest, ExceptionsWereNeverItsClients)
{
    held({host("*.example.com")}, enforced(kDay), {"a.example.com"});
    server(1, {"a.example.com"});
    server(2, {"b.example.com"});
    EXPECT_EQ(met(), Met{"2 b.example.com"});
}

TEST_F(MemoryTest, TheNamesOfADefaultServersCertificate)
{
    held({host("www.example.com"), host("example.com")});
    world.server(1, {"_"}, {pki().www_chain});
    EXPECT_EQ(met(), (Met{"1 www.example.com", "1 example.com"}));
    server(2, {"example.com"});
    EXPECT_EQ(met(), (Met{"1 www.example.com", "2 example.com"}));
}

TEST_F(MemoryTest, WhatIsSent)
{
    PolicyText policy = good_policy();
    policy.modes = {"enforce: {max-age: 1d}", "report-only: {report-uri: \"https://r.test/\"}",
                    "guard: {until: 2027-06-01, includeSubDomains: true}"};
    world.policies({policy});
    for (const char* name : {"*.example.com", "a.example.com", "b.example.com"}) {
        world.pinned(1, {name}, {bare});
    }
    world.server(9, {"c.example.com"}, {bare});
    world.server(9, {"*.d.example.com"}, {bare}, 8443);
    std::set<std::string> all;
    const Site site = world.gather();
    for (const Sending& sending : sendings_of(site)) {
        std::string text = sending.host.text + " " + std::to_string(static_cast<int>(sending.policy->kind))
                           + (sending.policy->include_subdomains ? " subdomains" : "");
        for (const std::string& name : sending.exceptions) {
            text += " -" + name;
        }
        EXPECT_EQ(*sending.content, sending.policy->to_text());
        EXPECT_TRUE(all.insert(text).second) << text;
    }
    EXPECT_EQ(all, (std::set<std::string>{"*.example.com 0 -a.example.com -b.example.com -c.example.com",
                                          "*.example.com 1 subdomains -a.example.com -b.example.com -c.example.com",
                                          "*.example.com 2 -a.example.com -b.example.com -c.example.com",
                                          "a.example.com 0", "a.example.com 1 subdomains", "a.example.com 2",
                                          "b.example.com 0", "b.example.com 1 subdomains", "b.example.com 2",
                                          "nobody.test 0", "nobody.test 1 subdomains", "nobody.test 2"}));
}

TEST_F(MemoryTest, NoAddressesNorPatternsThatCannotBeTold)
{
    world.policies({good_policy()});
    world.pinned(1, {"192.0.2.1", "[2001:db8::1]", "www.example.*", "~^www", "_", ""}, {bare});
    world.pinned(2, {"www.example.com"}, {bare});
    std::set<std::string> hosts;
    const Site site = world.gather();
    for (const Sending& sending : sendings_of(site)) {
        hosts.insert(sending.host.text);
    }
    EXPECT_EQ(hosts, (std::set<std::string>{"nobody.test", "www.example.com"}));
    EXPECT_EQ(showings_of(site).size(), 2U);
    EXPECT_EQ(showings_of(site).front().keys.size(), 1U);
}

TEST_F(MemoryTest, AHostThatIsCalledAnyHidesNoOther)
{
    held({host("b.example.com")}, enforced(kDay, true));
    server(1, {"*.example.com"});
    server(2, {"b.example.com"});
    server(3, {"any.b.example.com"});
    const Met all = met();
    EXPECT_EQ(all.count("2 b.example.com"), 1U);
    EXPECT_EQ(all.count("3 any.b.example.com"), 1U);
    EXPECT_EQ(all.size(), 3U) << "x.b.example.com is answered by server 1";
}

TEST_F(MemoryTest, OneLoadByAClockAheadMakesNobodyForget)
{
    held({host("www.example.com")}, enforced(30 * kDay));
    file.take({}, kNow - 500);
    // Something else is loaded while the clock is a year ahead; then it is right again.
    file.take({sending(host("new.test"), enforced(kDay))}, kNow + 365 * kDay, "/other.conf");
    server(1, {"www.example.com"});
    EXPECT_EQ(met(), Met{"1 www.example.com"}) << "it was sent 500 seconds ago, for 30 days";
}

TEST_F(MemoryTest, AHostMovedToAServerWithATail)
{
    held({host("www.example.com")});
    server(1, {"other.test"});
    world.server(2, {"www.example.*"}, {pki().www_chain});
    EXPECT_EQ(met(), Met{"2 www.example.com"});
}

TEST_F(MemoryTest, AHostMovedToAServerWithARegularExpressionAndACertificateForIt)
{
    held({host("www.example.com")});
    server(1, {"other.test"});
    world.server(2, {"~^www"}, {pki().www_chain});
    EXPECT_EQ(met(), Met{"2 www.example.com"}) << "nothing else there answers to the name of its certificate";
}

TEST_F(MemoryTest, AHostMovedToAServerWithATailAndAWildcardCertificate)
{
    held({host("www.example.com"), host("mail.example.com")});
    server(1, {"other.test"});
    world.server(2, {"www.example.*"},
                 {chain({leaf(pki().www_key, pki().intermediate_key, {"*.example.com"}), pki().intermediate})});
    EXPECT_EQ(met(), Met{"2 www.example.com"}) << "of the certificate's hosts, the one that the tail begins with";
}

TEST_F(MemoryTest, ACertificatesWildcardMeetsWhatIsOneLabelBelow)
{
    held({host("example.com")}, enforced(kDay, true));
    held({host("a.b.example.com")});
    world.server(1, {"_"},
                 {chain({leaf(pki().www_key, pki().intermediate_key, {"*.example.com"}), pki().intermediate})});
    EXPECT_EQ(met(), Met{"1 *.example.com"});
}

/// Processor time in which these servers' clients are found, beside a wildcard that has left all of them to others, in
/// as many entries as there were loads with a server less.
double seconds_beside_a_wildcard(std::size_t servers, std::size_t entries)
{
    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
    World world;
    const Chain bare = chain({leaf(pki().www_key, pki().intermediate_key, {"nobody.test"}), pki().intermediate});
    std::vector<std::string> names;
    world.server(1, {"*.example.com"}, {bare});
    for (std::size_t i = 0; i < servers; i++) {
        names.push_back("tenant-" + std::to_string(i) + ".example.com");
        world.server(static_cast<unsigned>(i + 2), {names.back()}, {bare});
    }
    std::sort(names.begin(), names.end());
    for (std::size_t i = 0; i < entries; i++) {
        const auto end = names.end() - static_cast<std::ptrdiff_t>(entries - i - 1);
        file.take({sending(host("*.example.com"), enforced(60 * kDay), {names.begin(), end})},
                  kNow - 1000 + static_cast<std::int64_t>(i));
    }
    LoadOptions options;
    options.now = kNow;
    options.system_bundle = unrelated_bundle();
    Findings findings;
    const Site site = hpkp::gather({world.blocks().begin(), world.blocks().end()}, options, true, findings);
    double seconds = 0;
    file.with([&](Ledger& ledger) {
        const std::clock_t begin = std::clock();
        const Memory memory = recall(site, ledger);
        seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
        // The wildcard itself has them all; a name, those of the loads before it was another server's.
        EXPECT_EQ(memory.remembered.size(), entries + entries * (entries - 1) / 2);
    });
    return seconds;
}

TEST(MemoryOfMany, AWildcardBesideManyServersIsNotQuadratic)
{
    const double few = seconds_beside_a_wildcard(250, 5), many = seconds_beside_a_wildcard(2000, 5);
    EXPECT_LT(many, 24 * few + 0.2) << "eight times as many; " << few << " s for the few";
}

}  // namespace
