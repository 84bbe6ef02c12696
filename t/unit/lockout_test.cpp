// checks/lockout.cpp: what is told of clients that remember, and by what they judge.
#include "test_ledger.hpp"

#include "duration.hpp"

#include <gtest/gtest.h>

#include <filesystem>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct Lockout : testing::Test {
    /// Clients of www.example.com hold these pins.
    void held(SentPolicy policy, const std::vector<Pin>& pins, bool open = false)
    {
        policy.pins = pin_set(pins);
        policy.pins.pins.back().name = "of a name";
        file.take({sending(host("www.example.com"), policy)}, kNow - 2 * kDay);
        if (!open) {
            file.take({}, kNow - kDay);
        }
    }
    LoadResult load(const Chain& chain, bool warns = false)
    {
        World world;
        world.server(12, {"www.example.com"}, {chain});
        return judge(world, warns);
    }
    LoadResult judge(const World& world, bool warns = false)
    {
        LoadOptions options = load_options(file.path, now);
        options.system_bundle = system_bundle;
        options.lockout_warns = warns;
        options.writes = false;
        return world.judge(options);
    }
    std::string told(const Chain& chain) { return ids(load(chain).findings); }

    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
    std::int64_t now = kNow;
    std::string system_bundle = unrelated_bundle();
    const std::vector<Pin> www = {pki().www_key.pin(), pki().backup_1.pin()};
};

TEST_F(Lockout, SaysWhoWhatAndUntilWhen)
{
    SentPolicy policy = enforced(30 * kDay, true);
    held(policy, www);
    const Entry entry = file.only_entry();
    const LoadResult result = load(pki().other_chain);
    EXPECT_TRUE(result.refused);
    const Finding& finding = only(result.findings, FindingId::locks_out_clients);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    const std::string text = text_of(finding);
    const std::int64_t until = kNow - kDay + 30 * kDay + 300;
    for (const std::string& part :
         {std::string("clients of www.example.com hold policy \"www\" until "), time_text(until) + " (in 29 days)",
          std::string("would be accepted from ") + time_text(until), std::string("max-age 30 days"),
          std::string("max-age 30 days, includeSubDomains; "), "ledger: " + entry.id, std::string("they hold:"),
          "first sent on " + time_text(kNow - 2 * kDay) + " (2 days ago)",
          "last sent on " + time_text(kNow - kDay) + " (24 hours ago)", entry.id,
          "hpkp ledger forget " + entry.id + " --reason TEXT --ledger " + file.path, std::string("stranger"),
          std::string("Intermediate B"), "pin-sha256=\"" + www[0].base64() + "\"",
          "pin-sha256=\"" + www[1].base64() + "\"  of a name"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    }
    EXPECT_EQ(text.find("if what it conflicts with"), std::string::npos) << text;
}

TEST_F(Lockout, OfAnOpenOneItSaysThatItMustEnd)
{
    held(enforced(30 * kDay), www, true);
    const std::string text = text_of(only(load(pki().other_chain).findings, FindingId::locks_out_clients));
    EXPECT_NE(text.find("sent until now"), std::string::npos) << text;
    EXPECT_NE(text.find("accepted from " + time_text(kNow + 30 * kDay + 300)), std::string::npos) << text;
    EXPECT_NE(text.find("if what it conflicts with is sent no more from now"), std::string::npos) << text;
}

TEST_F(Lockout, OfAnOpenOneItSaysWhoSendsIt)
{
    SentPolicy policy = enforced(30 * kDay);
    policy.pins = pin_set(www);
    const auto take = [&](const char* instance, std::int64_t at) {
        file.take({sending(host("www.example.com"), policy)}, at, instance);
    };
    take("/b.conf (/)", kNow - 2 * kDay);
    take("/a.conf (/)", kNow - 2 * kDay);
    take("/gone.conf (/)", kNow - 2 * kDay);
    file.take({}, kNow - kDay, "/gone.conf (/)");
    const std::string text = text_of(only(load(pki().other_chain).findings, FindingId::locks_out_clients));
    EXPECT_NE(text.find(", and sent until now by /a.conf (/), /b.conf (/)\n"), std::string::npos) << text;
}

TEST_F(Lockout, OfAGuardItSaysItsLastDay)
{
    held(guarded(kNow + 12 * kDay), www);
    const std::string text = text_of(only(load(pki().other_chain).findings, FindingId::locks_out_clients));
    EXPECT_NE(text.find("a guard"), std::string::npos) << text;
    EXPECT_NE(text.find(time_text(kNow + 12 * kDay) + " (in 12 days)"), std::string::npos) << text;
    now = kNow + 12 * kDay;
    EXPECT_EQ(told(pki().other_chain), "");
}

TEST_F(Lockout, TheMomentIsThatAtWhichItIsAccepted)
{
    held(enforced(30 * kDay), www);
    now = kNow - kDay + 30 * kDay + 300 - 1;
    EXPECT_EQ(told(pki().other_chain), "locks-out-clients");
    now++;
    EXPECT_EQ(told(pki().other_chain), "");
}

TEST_F(Lockout, OfSeveralTheLastMomentCounts)
{
    held(enforced(30 * kDay), www);
    SentPolicy other = enforced(60 * kDay);
    other.name = "other";
    held(other, {pki().backup_2.pin(), pki().backup_3.pin()});
    const Findings findings = load(pki().other_chain).findings;
    EXPECT_EQ(ids(findings), "locks-out-clients locks-out-clients");
    for (const Finding& finding : findings) {
        if (finding.id == FindingId::locks_out_clients) {
            EXPECT_NE(finding.remedy.find("accepted from " + time_text(kNow + 59 * kDay + 300)), std::string::npos)
                << finding.remedy;
        }
    }
}

TEST_F(Lockout, WarnLetsItPass)
{
    held(enforced(30 * kDay), www);
    const LoadResult result = load(pki().other_chain, true);
    EXPECT_FALSE(result.refused);
    EXPECT_EQ(only(result.findings, FindingId::locks_out_clients).severity, Severity::warning);
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().other_chain});
    EXPECT_TRUE(judge(world, true).refused) << "no other finding is less for that";
}

TEST_F(Lockout, ForgottenItIsLifted)
{
    held(enforced(30 * kDay), www);
    const std::string id = file.only_entry().id;
    file.with([&](Ledger& ledger) { ledger.forget(id, "root", "nobody came", kNow); });
    EXPECT_EQ(told(pki().other_chain), "");
}

TEST_F(Lockout, AnyKeyThatTheyHoldWillDo)
{
    held(enforced(30 * kDay), {pki().backup_1.pin(), pki().intermediate_key.pin()});
    EXPECT_EQ(told(pki().www_chain), "");
    EXPECT_EQ(told(chain({leaf(pki().backup_1, pki().other_intermediate_key), pki().other_intermediate})), "");
    EXPECT_EQ(told(pki().other_chain), "locks-out-clients");
}

TEST_F(Lockout, EachChainOfAServerIsMet)
{
    held(enforced(30 * kDay), www);
    World world;
    world.server(12, {"www.example.com"}, {pki().www_chain, pki().other_chain});
    EXPECT_EQ(ids(judge(world).findings), "locks-out-clients");
}

TEST_F(Lockout, ClientsCompareAsTheyDid)
{
    // A root that is not sent satisfies clients that look at the validated chain, and no others.
    SentPolicy policy = enforced(30 * kDay);
    policy.stores = {{"a", dir.write("a.pem", pem(pki().root))}};
    held(policy, {pki().root_key.pin(), pki().backup_1.pin()});
    EXPECT_EQ(told(pki().www_chain), "");
    policy.clients = {true, true, false};
    held(policy, {pki().root_key.pin(), pki().backup_1.pin()});
    EXPECT_EQ(told(pki().www_chain), "locks-out-clients");
    EXPECT_EQ(told(pki().www_chain_with_root), "");
}

TEST_F(Lockout, ClientsThatLookAtTheLeaf)
{
    SentPolicy policy = enforced(30 * kDay);
    policy.clients = {false, false, true};
    held(policy, {pki().intermediate_key.pin(), pki().backup_1.pin()});
    EXPECT_EQ(told(pki().www_chain), "locks-out-clients");
    EXPECT_EQ(told(chain({leaf(pki().backup_1, pki().other_intermediate_key)})), "");
}

TEST_F(Lockout, EveryPathInTheirStores)
{
    const Certificate crossed = ca(pki().intermediate_key, pki().other_root_key);
    const Chain both = chain({pki().www, pki().intermediate, crossed});
    SentPolicy policy = enforced(30 * kDay);
    policy.stores = {{"a", dir.write("a.pem", pem(pki().root))}};
    held(policy, {pki().root_key.pin(), pki().backup_1.pin()});
    EXPECT_EQ(told(both), "");
    policy.stores["b"] = dir.write("b.pem", pem(pki().other_root));
    held(policy, {pki().root_key.pin(), pki().backup_1.pin()});
    EXPECT_EQ(told(both), "locks-out-clients");
}

TEST_F(Lockout, StoresThatAreGoneAreTheSystems)
{
    SentPolicy policy = enforced(30 * kDay);
    policy.stores = {{"a", dir.write("a.pem", pem(pki().root))}};
    held(policy, {pki().root_key.pin(), pki().backup_1.pin()});
    EXPECT_EQ(told(pki().www_chain), "");
    std::filesystem::remove(dir / "a.pem");
    EXPECT_EQ(told(pki().www_chain), "locks-out-clients") << "the system's bundle knows no such root";
    system_bundle = dir.write("system.pem", pem(pki().root));
    EXPECT_EQ(told(pki().www_chain), "");
}

TEST_F(Lockout, WhereNoRootIsReachedTheCertificatesSentDecide)
{
    SentPolicy policy = enforced(30 * kDay);
    policy.stores = {{"a", dir.write("a.pem", pem(pki().other_root))}};
    held(policy, {pki().intermediate_key.pin(), pki().backup_1.pin()});
    EXPECT_EQ(told(pki().www_chain), "") << "and it is no untrusted-chain: no policy asks for it today";
    EXPECT_EQ(told(chain({pki().www})), "locks-out-clients");
}

TEST_F(Lockout, CertificatesByVariableProveNothing)
{
    held(enforced(30 * kDay), www);
    World world;
    ServerBlock& block = world.server(12, {"www.example.com"}, {});
    block.variable_certificates = true;
    const Findings findings = judge(world).findings;
    EXPECT_EQ(ids(findings), "chain-unknown");
    const Finding& finding = only(findings, FindingId::chain_unknown);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_NE(finding.what.find("clients of www.example.com hold policy \"www\""), std::string::npos) << finding.what;
    block.served_chains = {world.dir.write("www.pem", pem(pki().www_chain.sent))};
    EXPECT_EQ(ids(judge(world).findings), "");
    block.served_chains = {world.dir.write("other.pem", pem(pki().other_chain.sent))};
    EXPECT_EQ(ids(judge(world).findings), "locks-out-clients");
}

TEST_F(Lockout, OfSeveralHostsItTellsTheFirstAndTheLastMoment)
{
    SentPolicy policy = enforced(30 * kDay);
    policy.pins = pin_set(www);
    for (const bool last_is_open : {true, false}) {
        const std::string ended = last_is_open ? "a.example.com" : "b.example.com";
        const std::string open = last_is_open ? "b.example.com" : "a.example.com";
        file.path = dir / (ended + ".ledger");
        file.take({sending(host(ended), policy)}, kNow - 9 * kDay, "/ended.conf");
        file.take({}, kNow - 8 * kDay, "/ended.conf");
        file.take({sending(host(open), policy)}, kNow - 2 * kDay);
        World world;
        world.server(12, {"a.example.com", "b.example.com"}, {pki().other_chain});
        const std::string text = text_of(only(judge(world).findings, FindingId::locks_out_clients));
        EXPECT_NE(text.find("first sent on " + time_text(kNow - 9 * kDay)), std::string::npos) << text;
        EXPECT_NE(text.find("and sent until now"), std::string::npos) << text;
        EXPECT_NE(text.find("until " + time_text(kNow + 30 * kDay + 300)), std::string::npos) << text;
    }
}

TEST_F(Lockout, OfSeveralChainsWhatIsOpenHasToEndForAll)
{
    SentPolicy policy = enforced(30 * kDay);
    policy.pins = pin_set(www);
    file.take({sending(host("b.example.com"), policy)}, kNow - 9 * kDay, "/ended.conf");
    file.take({}, kNow - 8 * kDay, "/ended.conf");
    file.take({sending(host("a.example.com"), policy)}, kNow - 2 * kDay);
    for (const bool open_first : {true, false}) {
        World world;
        world.server(12, {open_first ? "a.example.com" : "b.example.com"}, {pki().other_chain});
        world.server(20, {open_first ? "b.example.com" : "a.example.com"}, {chain({pki().other})});
        const Findings findings = judge(world).findings;
        EXPECT_EQ(count_of(findings, FindingId::locks_out_clients), 2U);
        for (const Finding& finding : findings) {
            const bool lockout = finding.id == FindingId::locks_out_clients;
            EXPECT_TRUE(!lockout
                        || finding.remedy.find("if what it conflicts with is sent no more") != std::string::npos)
                << finding.remedy;
        }
    }
}

TEST_F(Lockout, ARampSaysThatItsEndIsMeant)
{
    held(ramped({{kDay, 60}, {0, 30 * kDay}}), www, true);
    const std::string text = text_of(only(load(pki().other_chain).findings, FindingId::locks_out_clients));
    EXPECT_NE(text.find("max-age 30 days at the end of a ramp; first"), std::string::npos) << text;
}

TEST_F(Lockout, ManyHostsOfOnePolicyAreOneFinding)
{
    SentPolicy policy = enforced(30 * kDay);
    policy.pins = pin_set(www);
    std::vector<Sending> sent;
    World world;
    for (unsigned i = 0; i < 10; i++) {
        const std::string name = "h" + std::to_string(i) + ".example.com";
        sent.push_back(sending(host(name), policy));
        world.server(10 + i, {name}, {pki().other_chain});
    }
    file.take(sent, kNow - kDay);
    const Findings findings = judge(world).findings;
    const Finding& finding = only(findings, FindingId::locks_out_clients);
    EXPECT_EQ(finding.servers.size(), 10U);
    EXPECT_NE(finding.what.find("of h0.example.com, h1.example.com, h2.example.com and 7 more hold"), std::string::npos)
        << finding.what;
}

TEST_F(Lockout, OfMoreThanFortyEntriesItSaysWhereTheyAreListed)
{
    SentPolicy policy = enforced(30 * kDay);
    policy.pins = pin_set(www);
    for (const unsigned count : {40U, 41U}) {
        file.path = dir / std::to_string(count);
        std::vector<Sending> sent;
        World world;
        for (unsigned i = 0; i < count; i++) {
            const std::string name = "h" + std::to_string(i) + ".example.com";
            sent.push_back(sending(host(name), policy));
            world.server(10 + i, {name}, {pki().other_chain});
        }
        file.take(sent, kNow - kDay);
        const Findings findings = judge(world).findings;
        const std::string& remedy = only(findings, FindingId::locks_out_clients).remedy;
        const std::string instead = "forget ID... (41 entries: hpkp ledger show --ledger " + file.path + ") --reason";
        std::string id;
        file.with([&](Ledger& ledger) { ledger.for_each([&](const Entry& entry) { id = entry.id; }); });
        EXPECT_EQ(remedy.find(instead) != std::string::npos, count == 41) << remedy;
        EXPECT_EQ(remedy.find(id) != std::string::npos, count == 40) << remedy;
    }
}

TEST_F(Lockout, WhereARegularExpressionMayFitItIsAWarning)
{
    held(enforced(30 * kDay), www);
    const auto with_names = [](std::vector<std::string> names) {
        return chain({leaf(pki().other_key, pki().other_intermediate_key, std::move(names)), pki().other_intermediate});
    };
    World world;
    world.server(5, {"other.test"}, {with_names({"other.test"})});
    world.server(12, {"~^w+\\."}, {with_names({"www.example.com"})});
    const LoadResult result = judge(world);
    EXPECT_FALSE(result.refused) << "only nginx knows whether it fits";
    const Finding& finding = only(result.findings, FindingId::regex_host);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_NE(finding.what.find("clients of www.example.com hold policy \"www\""), std::string::npos) << finding.what;
}

}  // namespace
