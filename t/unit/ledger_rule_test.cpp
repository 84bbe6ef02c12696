// The edges of the ledger's rule: what no text of a policy may say, who is covered, and the hour of a word.
#include "test_ledger.hpp"

#include "ledger/memory.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

const HostPattern kWww = host("www.example.com");

/// Whether a text is still read with `to` in place of `from`.
bool read_with(const std::string& text, const std::string& from, const std::string& to)
{
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from << " in " << text;
    return SentPolicy::from_text(text.substr(0, at) + to + text.substr(at + from.size())) != nullptr;
}

TEST(SentPolicyText, EachPartStandsInItsPlace)
{
    const std::string text = enforced(60).to_text();
    const std::string pin = "\"pin-sha256\":\"" + pki().www_key.pin().base64() + "\"";
    ASSERT_TRUE(read_with(text, pin, pin));
    const std::pair<std::string, std::string> broken[] = {
        {"\"version\":1,", ""},
        {"\"version\":1", "\"version\":[1]"},
        {"\"kind\":\"enforce\"", "\"kind\":\"other\""},
        {"\"kind\":\"enforce\"", "\"kind\":[\"enforce\"]"},
        {"\"kind\":\"enforce\",", ""},
        {"\"policy\":\"www\"", "\"policy\":[\"www\"]"},
        {"\"policy\":\"www\"", "\"policy\":{}"},
        {"\"policy\":\"www\"", "\"policy\":null"},
        {"\"policy\":\"www\"", "\"policy\":true"},
        {"\"policy\":\"www\"", "\"until\":\"www\""},
        {"\"policy\":\"www\"", "\"until\":1.5"},
        {"\"policy\":\"www\"", "\"until\":9223372036854775808"},
        {"\"policy\":\"www\"", "\"later\":5"},
        {"\"includeSubDomains\":false", "\"includeSubDomains\":[false]"},
        {"\"clients\":[\"chain\"]", "\"clients\":[\"others\"]"},
        {"\"clients\":[\"chain\"]", "\"clients\":[{}]"},
        {"\"clients\":[\"chain\"]", "\"clients\":\"chain\""},
        {"\"clients\":[\"chain\"]", "\"clients\":{\"a\":\"chain\"}"},
        {"\"trust\":{}", "\"trust\":\"/a\""},
        {"\"trust\":{}", "\"trust\":[{}]"},
        {"\"trust\":{}", "\"trust\":[\"/a\"]"},
        {"\"trust\":{}", "\"trust\":{\"a\":{}}"},
        {"\"pins\":[", "\"trust\":{\"name\":\"x\"},\"pins\":[\"x\","},
        {"\"pins\":[", "\"pins\":{" + pin + "},\"pins\":["},
        {"\"pins\":[", "\"pins\":[\"x\","},
        {"\"pins\":[", "\"pins\":[{\"name\":\"x\"},"},
        {pin, "\"pin-sha256\":\"x\"," + pin},
        {pin, pin + ",\"pin-sha256\":\"x\""},
        {pin, "\"sha256\":\"" + pki().www_key.pin().base64() + "\"," + pin},
        {"\"max-age\":[", "\"max-age\":[5,"},
        {"\"max-age\":[{\"for\":0", "\"max-age\":[{\"name\":\"x\",\"for\":0"},
        {"\"max-age\":[{\"for\":0", "\"max-age\":[{\"at\":0,\"for\":0"},
        {"\"max-age\":[{\"for\":0,\"value\":60}]", "\"max-age\":{\"for\":0,\"value\":60}"},
        {"\"max-age\":[{\"for\":0,\"value\":60}]", "\"max-age\":{}"},
        {"\"pins\":[", "\"pins\":{},\"pins\":["},
        {"\"value\":60", "\"value\":-1"},
        {"\"value\":60", "\"value\":" + std::to_string(kLatestTime + 1)},
        {"\"value\":60}]", "\"value\":60}],\"pins\":[{\"for\":1," + pin + "}]"},
    };
    for (const auto& [from, to] : broken) {
        EXPECT_FALSE(read_with(text, from, to)) << to;
    }
    EXPECT_TRUE(read_with(text, "\"value\":60", "\"value\":" + std::to_string(kLatestTime)));
    EXPECT_TRUE(read_with(text, "\"policy\":\"www\"", "\"until\":9223372036854775807"));
    EXPECT_EQ(SentPolicy::from_text(text)->pins.owner, "policy \"www\"");
}

TEST(EntryHeld, ARampThatEndedBeforeItBeganToCount)
{
    EXPECT_EQ(entry("www.example.com", ramped({{kDay, 0}, {0, 60}}), 100, 200).held_until(5000), 200);
    EXPECT_EQ(entry("www.example.com", ramped({{kDay, 0}, {0, 60}}), 100, 200, true).held_until(5000), 5300)
        << "while it is sent nobody knows";
}

struct LedgerRule : testing::Test {
    bool covers(const Sending& sending)
    {
        return file.with([&](Ledger& ledger) { return ledger.covers(sending, "/nginx.conf", ledger.newest()); });
    }
    std::size_t held(const HostPattern& host, std::int64_t now)
    {
        return file.with([&](Ledger& ledger) { return ledger.around(host, now).size(); });
    }

    TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
};

TEST_F(LedgerRule, WhatCoversAnother)
{
    file.take({sending(kWww, enforced(60))}, 100);
    EXPECT_FALSE(covers(sending(kWww, enforced(60, true)))) << "a wider scope";
    SentPolicy other = enforced(60);
    other.clients.chain = false;
    EXPECT_FALSE(covers(sending(kWww, other)));
    other = enforced(60);
    other.clients.sent = true;
    EXPECT_FALSE(covers(sending(kWww, other)));
    EXPECT_FALSE(covers(sending(kWww, reported()))) << "what is recorded says of what kind it is";
    const HostPattern guard = host("guard.example.com");
    file.take({sending(guard, guarded(1000))}, 200);
    EXPECT_TRUE(covers(sending(guard, guarded(1000))));
    EXPECT_FALSE(covers(sending(guard, guarded(1001))));
}

TEST_F(LedgerRule, HeldToTheSecondBelowAWildcard)
{
    file.take({sending(kWww, enforced(1000))}, 100);
    file.take({}, 200);
    EXPECT_EQ(held(host("*.example.com"), 1499), 1U);
    EXPECT_EQ(held(host("*.example.com"), 1500), 0U);
}

TEST_F(LedgerRule, AWordForAnOpenEntryIsGoodForAnHour)
{
    file.take({sending(kWww, enforced(30 * kDay)), sending(host("b.example.com"), enforced(30 * kDay))}, 10000);
    std::string id;
    file.with([&](Ledger& ledger) {
        ledger.for_each([&](const Entry& entry) { id = entry.host.domain == kWww.domain ? entry.id : id; });
        ledger.forget(id, "root", "x", 20000);
    });
    const auto word = [&](std::int64_t now) {
        return file.with([&](Ledger& ledger) { return ledger.vouched_for(id, now); });
    };
    for (const auto& [now, counts] : {std::pair(16399, false), {16400, true}, {23600, true}, {23601, false}}) {
        EXPECT_EQ(held(kWww, now), counts ? 0U : 1U) << now;
        EXPECT_EQ(held(host("*.example.com"), now), counts ? 1U : 2U) << now << ", and the other one is";
        EXPECT_EQ(word(now), counts ? "root: x" : "") << now;
    }
}

TEST_F(LedgerRule, AWordForAnEntryThatEndedWithinTheHourHolds)
{
    for (const auto& [ended, counts] : {std::pair(23600, true), {23601, false}}) {
        file.path = dir / std::to_string(ended);
        file.take({sending(kWww, enforced(30 * kDay))}, 10000);
        const std::string id = file.only_entry().id;
        file.with([&](Ledger& ledger) { ledger.forget(id, "root", "x", 20000); });
        file.take({}, ended);
        EXPECT_EQ(held(kWww, 30000), counts ? 0U : 1U) << ended;
        EXPECT_EQ(held(host("*.example.com"), 30000), counts ? 0U : 1U) << ended;
        EXPECT_EQ(file.with([&](Ledger& ledger) { return ledger.vouched_for(id, 30000); }), counts ? "root: x" : "");
    }
}

TEST_F(LedgerRule, AWordByAClockThatIsBehindCountsForWhatEnded)
{
    file.take({sending(host("b.test"), enforced(60))}, 50, "/other.conf");
    file.take({sending(kWww, enforced(30 * kDay))}, 10000);
    file.take({}, 20000);
    file.with([](Ledger& ledger) {
        for (const auto& entry : ledger.around(kWww, 20000)) {
            ledger.forget(entry->id, "root", "x", 100);
        }
    });
    EXPECT_EQ(held(kWww, 20000), 0U) << "else the finding would name the same remedy again";
}

TEST_F(LedgerRule, WhatIsSentIsWhatThePolicySays)
{
    World world;
    PolicyText policy = good_policy();
    policy.modes = {"enforce: {max-age: 1d, includeSubDomains: true}", "clients: [leaf]"};
    world.policies({policy});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    const std::vector<Sending> sent = sendings_of(world.gather());
    ASSERT_FALSE(sent.empty());
    EXPECT_TRUE(sent.front().policy->include_subdomains);
    EXPECT_TRUE(sent.front().policy->clients.leaf);
    EXPECT_FALSE(sent.front().policy->clients.chain);
    EXPECT_EQ(sent.front().policy->max_age.highest(), kDay);
}

TEST_F(LedgerRule, WhatAnNginxHasOpenItSends)
{
    const auto sends = [&](const std::string& instance) {
        return file.with([&](Ledger& ledger) { return ledger.sends(instance); });
    };
    file.take({sending(kWww, enforced(60))}, 100, "/a.conf");
    file.take({sending(kWww, enforced(60))}, 100, "/b.conf");
    file.take({}, 200, "/b.conf");
    EXPECT_TRUE(sends("/a.conf"));
    EXPECT_FALSE(sends("/b.conf")) << "no more";
    EXPECT_FALSE(sends("/c.conf")) << "never";
}

TEST_F(LedgerRule, AWordForAnotherEntryLeavesThisOneCovered)
{
    file.take({sending(kWww, enforced(60)), sending(host("b.example.com"), enforced(60))}, 100);
    file.with([&](Ledger& ledger) {
        std::string other;
        ledger.for_each([&](const Entry& entry) { other = entry.host.text == "b.example.com" ? entry.id : other; });
        ledger.forget(other, "root", "x", 150);
    });
    EXPECT_TRUE(covers(sending(kWww, enforced(60))));
    EXPECT_FALSE(covers(sending(host("b.example.com"), enforced(60))));
}

TEST_F(LedgerRule, AWordIsToldOfItsEntry)
{
    file.take({sending(kWww, enforced(60)), sending(host("b.example.com"), enforced(60))}, 100);
    file.take({}, 200);
    file.with([](Ledger& ledger) {
        std::vector<std::string> all;
        ledger.for_each([&](const Entry& entry) { all.push_back(entry.id); });
        ASSERT_EQ(all.size(), 2U);
        ledger.forget(all[0], "root", "first", 300);
        EXPECT_EQ(ledger.vouched_for(all[0], 300), "root: first");
        EXPECT_EQ(ledger.vouched_for(all[1], 300), "");
        ledger.forget(all[1], "root", "second", 300);
        EXPECT_EQ(ledger.vouched_for(all[0], 300), "root: first");
        EXPECT_EQ(ledger.vouched_for(all[1], 300), "root: second");
    });
}

TEST_F(LedgerRule, AWordIsNotRenewedByThatForAnother)
{
    file.take({sending(kWww, enforced(60)), sending(host("b.example.com"), enforced(60))}, 100);
    file.with([](Ledger& ledger) {
        std::vector<std::string> all;
        ledger.for_each([&](const Entry& entry) { all.push_back(entry.id); });
        ASSERT_EQ(all.size(), 2U);
        ledger.forget(all[0], "root", "first", 1000);
        ledger.forget(all[1], "root", "second", 9000);
        EXPECT_EQ(ledger.vouched_for(all[0], 9000), "");
        EXPECT_EQ(ledger.vouched_for(all[1], 9000), "root: second");
    });
}

TEST_F(LedgerRule, AWordByAClockThatIsNotSetIsOfTheTimeByWhichIsJudged)
{
    file.take({sending(kWww, enforced(30 * kDay))}, 10000);
    file.take({sending(kWww, enforced(30 * kDay)), sending(host("b.test"), enforced(60))}, 20000);
    file.with([&](Ledger& ledger) {
        for (const auto& entry : ledger.around(kWww, 20000)) {
            ledger.forget(entry->id, "root", "x", 60);
        }
        EXPECT_EQ(ledger.judged_at(60, false), 20000);
    });
    EXPECT_EQ(held(kWww, 20000), 0U);
}

TEST_F(LedgerRule, WhatIsShownStandsByHostAndThenByTime)
{
    file.take({sending(host("b.example.com"), enforced(60)), sending(host("c.example.com"), enforced(60))}, 100);
    file.take({sending(kWww, enforced(60)), sending(host("a.example.com"), enforced(60))}, 200);
    file.take({sending(host("b.example.com"), enforced(61))}, 300);
    std::string shown;
    file.with([&](Ledger& ledger) {
        ledger.for_each([&](const Entry& entry) {
            shown += (shown.empty() ? "" : ", ") + entry.host.text + " " + std::to_string(entry.first_sent);
        });
    });
    EXPECT_EQ(shown, "a.example.com 200, b.example.com 100, b.example.com 300, c.example.com 100, www.example.com 200");
}

TEST_F(LedgerRule, EachOfSeveralExceptionsIsOne)
{
    file.take({sending(host("*.example.com"), enforced(60), {"a.example.com", "b.example.com", "c.example.com"})}, 100);
    file.with([](Ledger& ledger) {
        const auto found = ledger.around(host("*.example.com"), 100);
        ASSERT_EQ(found.size(), 1U);
        for (const char* name : {"a.example.com", "b.example.com", "c.example.com"}) {
            EXPECT_FALSE(found.front()->reaches(name)) << name;
        }
        EXPECT_TRUE(found.front()->reaches("d.example.com"));
        EXPECT_EQ(found.front()->exceptions.names().size(), 3U);
    });
}

TEST_F(LedgerRule, BelowAWildcardEachEntryIsFoundOnceAndAsItIs)
{
    file.take({sending(kWww, enforced(60)), sending(one_label("*.example.com"), enforced(60)),
               sending(host("*.example.com"), enforced(60))},
              100);
    file.take({sending(host("b.example.com"), enforced(60))}, 100, "/b.conf");
    file.take({}, 200, "/b.conf");
    std::string found;
    file.with([&](Ledger& ledger) {
        for (const auto& entry : ledger.around(host("*.example.com"), 200)) {
            found += entry->host.text + (entry->host.one_label ? " of a certificate" : "")
                     + (entry->open ? "" : " ended") + "; ";
        }
    });
    EXPECT_EQ(found, "*.example.com; *.example.com of a certificate; b.example.com ended; www.example.com; ");
}

}  // namespace
