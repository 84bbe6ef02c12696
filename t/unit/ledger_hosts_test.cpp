// ledger/memory.hpp: which hosts of a site clients remember, and what of them is recorded. Who is met where:
// ledger_memory_test.cpp.
#include "test_ledger.hpp"

#include "ledger/memory.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Strings = std::vector<std::string>;

Chain chain_for(std::vector<std::string> names)
{
    return chain({leaf(pki().www_key, pki().intermediate_key, std::move(names)), pki().intermediate});
}

struct LedgerHosts : testing::Test {
    /// Clients of these hosts hold it, and it is still sent.
    void held(const std::vector<HostPattern>& hosts, const SentPolicy& policy = enforced(kDay))
    {
        std::vector<Sending> sent;
        for (const HostPattern& host : hosts) {
            sent.push_back(sending(host, policy));
        }
        file.take(sent, kNow - 1000);
    }
    Site site() const
    {
        LoadOptions options;
        options.now = now;
        options.system_bundle = unrelated_bundle();
        Findings findings;
        return hpkp::gather({world.blocks().begin(), world.blocks().end()}, options, true, findings);
    }
    Memory recalled(const Site& site)
    {
        return file.with([&](Ledger& ledger) { return recall(site, ledger); });
    }
    /// "12 www.example.com" for each server that meets clients who remember, and a name by which; "perhaps" where it
    /// depends on a regular expression.
    std::set<std::string> met()
    {
        const Site all = site();
        std::set<std::string> texts;
        for (const Remembered& remembered : recalled(all).remembered) {
            texts.insert(std::to_string(remembered.server->block->place.line) + " " + remembered.name
                         + (remembered.perhaps ? " perhaps" : ""));
        }
        return texts;
    }
    /// "*.example.com -a.example.com" for each host that gets a policy, and its exceptions.
    Strings sent() const
    {
        Strings texts;
        const Site all = site();
        for (const Sending& sending : sendings_of(all)) {
            texts.push_back(sending.host.text);
            for (const std::string& name : sending.exceptions) {
                texts.back() += " -" + name;
            }
        }
        return texts;
    }
    void server(unsigned line, std::vector<std::string> names, std::size_t port = 443)
    {
        world.server(line, std::move(names), {bare}, port);
    }
    void pinned(unsigned line, std::vector<std::string> names, std::size_t port = 443)
    {
        world.pinned(line, std::move(names), {bare}, "www", port);
    }

    using Met = std::set<std::string>;
    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
    World world;
    std::int64_t now = kNow;
    /// A chain whose certificate has no name that matters.
    Chain bare = chain_for({"nobody.test"});
};

TEST_F(LedgerHosts, TheDomainOfAWildcardIsNoNameBelowIt)
{
    held({host("example.com")});
    server(1, {"*.example.com"});
    EXPECT_EQ(met(), Met()) << "its clients come here, since nobody else answers, and find no certificate for them";
}

TEST_F(LedgerHosts, TheSecondOfTwoEqualWildcardsHasNoClients)
{
    held({host("*.example.com")});
    server(1, {"*.example.com"});
    server(2, {"*.example.com"});
    EXPECT_EQ(met(), Met{"1 *.example.com"});
}

TEST_F(LedgerHosts, AGuardEndsWithItsDayAlsoWhileItIsInForce)
{
    file.take({sending(host("www.example.com"), guarded(kNow)), sending(host("www.example.com"), reported())},
              kNow - 1000);
    server(1, {"www.example.com"});
    EXPECT_EQ(met(), Met());
    held({host("www.example.com")}, guarded(kNow + 1));
    EXPECT_EQ(met(), Met{"1 www.example.com"});
}

TEST_F(LedgerHosts, AServerWithoutAChainMeetsNobody)
{
    held({host("www.example.com")});
    ServerBlock& block = world.server(1, {"www.example.com"}, {});
    EXPECT_EQ(met(), Met());
    block.variable_certificates = true;
    EXPECT_EQ(met(), Met{"1 www.example.com"}) << "it has one, and nobody knows which";
}

TEST_F(LedgerHosts, AnAddressIsNoHost)
{
    held({host("192.0.2.1")});
    server(1, {"192.0.2.1"});
    world.server(2, {"192.0.2.*"}, {chain_for({"192.0.2.1"})}, 8443);
    EXPECT_EQ(met(), Met());
    world.policies({good_policy()});
    pinned(3, {"*.0.2.1"}, 9443);
    server(4, {"192.0.2.1"}, 9443);
    EXPECT_EQ(sent(), (Strings{"*.0.2.1", "nobody.test"})) << "nor an exception of a wildcard";
}

TEST_F(LedgerHosts, ACertificatesNamesCountOnlyWhereServerNameDoesNotTell)
{
    held({host("example.com")}, enforced(kDay, true));
    server(1, {"default.test"});
    world.server(2, {"*.example.com"}, {pki().www_chain});
    EXPECT_EQ(met(), Met{"2 *.example.com"});
}

TEST_F(LedgerHosts, ATailAmongOtherNames)
{
    held({host("www.example.com")});
    server(1, {"default.test"});
    world.server(2, {"other.test", "www.example.*"}, {pki().www_chain});
    EXPECT_EQ(met(), Met{"2 www.example.com"});
}

TEST_F(LedgerHosts, ARegularExpressionAmongOtherNames)
{
    held({host("www.example.com")});
    server(1, {"default.test"});
    world.server(2, {"other.test", "~^www"}, {pki().www_chain});
    EXPECT_EQ(met(), Met{"2 www.example.com perhaps"});
    server(3, {"www.example.com"});
    EXPECT_EQ(met(), Met{"3 www.example.com"}) << "a name goes before an expression";
}

TEST_F(LedgerHosts, ATailThatDoesNotFitMeetsNobody)
{
    held({host("www.example.com")});
    server(1, {"default.test"});
    world.server(2, {"mail.example.*"}, {pki().www_chain});
    EXPECT_EQ(met(), Met()) << "they come to the default server";
}

TEST_F(LedgerHosts, WhoComesToTheDefaultServerNeedsNoExpression)
{
    held({host("www.example.com")});
    world.server(1, {"~^x", "www.other.*"}, {chain_for({"*.example.com"})});
    EXPECT_EQ(met(), Met{"1 www.example.com"});
}

TEST_F(LedgerHosts, ADefaultServersWildcardCertificateIsForOneLabel)
{
    held({host("www.example.com"), host("a.b.example.com")});
    world.server(1, {"_"}, {chain_for({"*.example.com"})});
    EXPECT_EQ(met(), Met{"1 www.example.com"});
}

TEST_F(LedgerHosts, ATailTakesItsLabelFromAWildcardAlone)
{
    held({host("ab.example.com")});
    world.server(1, {"a.*"}, {chain_for({"xb.example.com"})});
    EXPECT_EQ(met(), Met()) << "the certificate does not have that name";
}

TEST_F(LedgerHosts, ACertificatesWildcardIsOneLabelBesideAnExpressionToo)
{
    held({host("a.b.example.com")});
    server(1, {"default.test"});
    world.server(2, {"~^x", "a.b.example.com"}, {chain_for({"*.example.com"})});
    EXPECT_EQ(met(), Met{"2 a.b.example.com"});
}

TEST_F(LedgerHosts, AWildcardOfAnotherServerIsAnException)
{
    world.policies({good_policy()});
    pinned(1, {"example.com", "*.example.com"});
    server(2, {"*.d.example.com"});
    server(3, {"a.example.com"});
    server(4, {"*.example.com"}, 8443);
    EXPECT_EQ(sent(), (Strings{"example.com", "*.example.com -*.d.example.com -a.example.com", "nobody.test"}))
        << "and an exact host has none";
}

TEST_F(LedgerHosts, WhatIsSentForASecondIsRecorded)
{
    PolicyText policy = good_policy();
    policy.modes = {"enforce: {max-age: 1}"};
    world.policies({policy});
    pinned(1, {"www.example.com"});
    EXPECT_EQ(sent(), (Strings{"www.example.com", "nobody.test"}));
}

TEST_F(LedgerHosts, WhatIsHiddenByAnotherServerIsSentToNobody)
{
    world.policies({good_policy()});
    server(1, {"www.example.com"});
    pinned(2, {"www.example.com", "b.example.com"});
    EXPECT_EQ(sent(), Strings{"b.example.com"});
}

TEST_F(LedgerHosts, WhatIsRecordedIsAllThatIsSent)
{
    PolicyText policy = good_policy();
    policy.pins.push_back(retired(pki().backup_3.pin()));
    world.policies({policy});
    pinned(1, {"www.example.com"});
    const Site all = site();
    const std::vector<Sending> sendings = sendings_of(all);
    ASSERT_FALSE(sendings.empty());
    const PinSet& pins = sendings.front().policy->pins;
    EXPECT_EQ(pins.owner, "policy \"www\"");
    EXPECT_EQ(pins.pins.size(), 4U);
    for (const PolicyPin& pin : pins.pins) {
        EXPECT_FALSE(pin.retired) << "clients know no such pin";
        EXPECT_FALSE(pin.computed);
    }
}

TEST_F(LedgerHosts, AKeyIsShownOnce)
{
    world.policies({good_policy()});
    world.pinned(1, {"www.example.com"},
                 {chain_for({"www.example.com"}), chain_for({"www.example.com", "b.example.com"}),
                  chain({leaf(pki().backup_1, pki().intermediate_key), pki().intermediate})});
    const Site all = site();
    for (const Showing& showing : showings_of(all)) {
        EXPECT_EQ(showing.keys, (std::vector<Pin>{pki().www_key.pin(), pki().backup_1.pin()})) << showing.host.text;
    }
}

TEST_F(LedgerHosts, WhatIsStillSentWasSentLastNow)
{
    world.policies({good_policy()});
    pinned(1, {"www.example.com"});
    SentPolicy other = enforced(60), rehearsed = reported();
    other.name = "other";
    rehearsed.name = "other";
    // Of www.example.com "other" has ended and is reported only; "www" is sent by what is above it.
    file.take({sending(host("www.example.com"), enforced(60)), sending(host("www.example.com"), other),
               sending(host("www.example.com"), reported()), sending(host("www.example.com"), rehearsed)},
              kNow - 1000);
    file.take({sending(host("example.com"), enforced(600, true)), sending(host("www.example.com"), rehearsed)},
              kNow - 500);
    const auto history = [&] {
        const Site all = site();
        const Memory memory = recalled(all);
        std::string text;
        for (const History& past : memory.history.at(host_key(host("www.example.com")))) {
            text += past.name + (past.enforced ? " enforced " : " reported ") + std::to_string(kNow - past.last_sent)
                    + " " + std::to_string(past.last_max_age) + "; ";
        }
        return text;
    };
    EXPECT_EQ(history(), "other reported 1000 0; other enforced 500 60; www reported 500 0; www enforced 500 60; ");
    file.take({sending(host("www.example.com"), enforced(60)), sending(host("www.example.com"), rehearsed)},
              kNow - 100);
    EXPECT_EQ(history(), "other reported 1000 0; other enforced 500 60; www reported 500 0; www enforced 0 60; ");
}

TEST_F(LedgerHosts, ACertificateShowsThatTheClockIsNotSet)
{
    // The first boot had no time; then it was set, and now it is not again.
    file.take({sending(host("www.example.com"), enforced(kDay))}, 60);
    file.take({sending(host("www.example.com"), enforced(kDay))}, kNow);
    file.take({sending(host("www.example.com"), enforced(2 * kDay))}, kNow + 40 * kDay);
    now = 120;
    CertOptions always, to_come;
    always.not_before = 0;
    to_come.not_before = kNow + 50 * kDay;
    const auto judged_at = [&](const std::vector<CertOptions>& options) {
        World one;
        std::vector<Chain> chains;
        for (const CertOptions& option : options) {
            chains.push_back(chain({certify(pki().www_key, pki().intermediate_key, option), pki().intermediate}));
        }
        one.server(1, {"www.example.com"}, chains);
        LoadOptions load;
        load.now = now;
        load.system_bundle = unrelated_bundle();
        Findings findings;
        const Site site = hpkp::gather({one.blocks().begin(), one.blocks().end()}, load, true, findings);
        return recalled(site).judged_at;
    };
    EXPECT_EQ(judged_at({always, CertOptions()}), kNow + 40 * kDay) << "one is enough";
    EXPECT_LT(judged_at({always}), kNow + 40 * kDay);
    EXPECT_LT(judged_at({to_come}), kNow + 40 * kDay) << "it is not valid then either";
}

TEST_F(LedgerHosts, AnExpressionAndAWildcardCertificateMayMeetWhatIsOneLabelBelow)
{
    held({host("www.example.com"), host("a.b.example.com")});
    server(1, {"default.test"});
    world.server(2, {"~^www"}, {chain_for({"*.example.com"})});
    EXPECT_EQ(met(), Met{"2 www.example.com perhaps"}) << "the certificate covers one label";
}

}  // namespace
