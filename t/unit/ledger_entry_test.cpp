// ledger/entry.hpp: how long an entry is held, whom it reaches, and its text.
#include "test_ledger.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>

using namespace hpkp;
using namespace hpkp::test;

namespace {

TEST(EntryHeld, AClosedOneUntilItsLastClientForgets)
{
    const Entry closed = entry("www.example.com", enforced(1000), 100, 200);
    for (const std::int64_t now : {0, 200, 5000}) {
        EXPECT_EQ(closed.held_until(now), 200 + 1000 + 300) << "and five minutes, in which old workers drain";
    }
}

TEST(EntryHeld, AnOpenOneAsIfSentNow)
{
    const Entry open = entry("www.example.com", enforced(1000), 100, 200, true);
    EXPECT_EQ(open.held_until(7000), 7000 + 1000 + 300);
    EXPECT_EQ(open.held_until(150), 200 + 1000 + 300) << "the later of the clock and what is recorded";
}

TEST(EntryHeld, MaxAgeZeroIsHeldByNobody)
{
    EXPECT_LE(entry("www.example.com", enforced(0), 100, 200).held_until(200), 200);
    EXPECT_LE(entry("www.example.com", enforced(0), 100, 200, true).held_until(500), 500);
}

TEST(EntryHeld, AGuardToTheEndOfItsLastDayAndReportOnlyNever)
{
    for (const bool open : {false, true}) {
        EXPECT_EQ(entry("www.example.com", guarded(5000), 100, 200, open).held_until(300), 5000);
        EXPECT_EQ(entry("www.example.com", guarded(5000), 100, 200, open).held_until(9000), 5000);
        EXPECT_EQ(entry("www.example.com", reported(), 100, 200, open).held_until(200), 0);
    }
}

TEST(EntryHeld, ARampCountsWithTheValueOfTheTime)
{
    const SentPolicy ramp = ramped({{1000, 60}, {2000, 3600}, {0, 86400}});
    EXPECT_EQ(entry("www.example.com", ramp, 10000, 10100).held_until(0), 10100 + 60 + 300);
    EXPECT_EQ(entry("www.example.com", ramp, 10000, 11000).held_until(0), 11000 + 3600 + 300) << "from that second on";
    EXPECT_EQ(entry("www.example.com", ramp, 10000, 13000).held_until(0), 13000 + 86400 + 300);
    EXPECT_EQ(entry("www.example.com", ramp, 10000, 10100, true).held_until(20000), 20000 + 86400 + 300);
    Entry again = entry("www.example.com", ramp, 50000, 50001);
    again.anchor = 10000;
    EXPECT_EQ(again.held_until(0), 50001 + 86400 + 300) << "it began long before this entry";
}

TEST(EntryHeld, OldWorkersClimbTheRampWhileTheyDrain)
{
    // Last sent 100 seconds before the next step: a worker that drains for five minutes sends the higher value too.
    const SentPolicy ramp = ramped({{1000, 60}, {0, 86400}});
    EXPECT_GE(entry("www.example.com", ramp, 10000, 10900).held_until(0), 11200 + 86400);
    const SentPolicy from_zero = ramped({{1000, 0}, {0, 86400}});
    EXPECT_GE(entry("www.example.com", from_zero, 10000, 10900).held_until(0), 11200 + 86400);
    EXPECT_EQ(entry("www.example.com", ramp, 10000, 10699).held_until(0), 10999 + 60) << "to the second";
    EXPECT_EQ(entry("www.example.com", ramp, 10000, 10700).held_until(0), 11000 + 86400);
}

TEST(EntryHeld, AnOpenRampThatBeginsWithNothingMayHaveComeToASecond)
{
    const SentPolicy ramp = ramped({{1000, 0}, {0, 1}});
    EXPECT_EQ(entry("www.example.com", ramp, 10000, 10100).held_until(0), 10100);
    EXPECT_EQ(entry("www.example.com", ramp, 10000, 10100, true).held_until(10100), 10100 + 300);
}

bool reaches(const HostPattern& from, bool subdomains, const std::string& to, std::vector<std::string> exceptions = {})
{
    Entry entry = hpkp::test::entry("x", enforced(1000, subdomains), 1, 2);
    entry.host = from;
    entry.exceptions = Exceptions(std::move(exceptions));
    return entry.reaches(to);
}

TEST(EntryReaches, AnExactHost)
{
    EXPECT_TRUE(reaches(host("example.com"), false, "example.com"));
    EXPECT_FALSE(reaches(host("example.com"), false, "www.example.com"));
    EXPECT_FALSE(reaches(host("www.example.com"), true, "example.com"));
    EXPECT_TRUE(reaches(host("example.com"), true, "www.example.com"));
    EXPECT_TRUE(reaches(host("example.com"), true, "a.b.example.com")) << "whatever is between: clients differ";
    EXPECT_FALSE(reaches(host("example.com"), true, "notexample.com"));
}

TEST(EntryReaches, AWildcardHost)
{
    EXPECT_TRUE(reaches(host("*.example.com"), false, "a.example.com"));
    EXPECT_TRUE(reaches(host("*.example.com"), false, "a.b.example.com")) << "as nginx reads it";
    EXPECT_FALSE(reaches(host("*.example.com"), true, "example.com"));
    EXPECT_TRUE(reaches(one_label("*.example.com"), false, "a.example.com"));
    EXPECT_FALSE(reaches(one_label("*.example.com"), false, "a.b.example.com")) << "as certificates have it";
    EXPECT_TRUE(reaches(one_label("*.example.com"), true, "a.b.example.com")) << "by a client of b.example.com";
}

TEST(EntryReaches, ExceptionsWereOthers)
{
    EXPECT_FALSE(reaches(host("*.example.com"), false, "a.example.com", {"a.example.com"}));
    EXPECT_TRUE(reaches(host("*.example.com"), false, "b.example.com", {"a.example.com"}));
    EXPECT_TRUE(reaches(host("*.example.com"), false, "x.a.example.com", {"a.example.com"}));
    EXPECT_FALSE(reaches(host("*.example.com"), false, "x.a.example.com", {"*.a.example.com"}));
    EXPECT_TRUE(reaches(host("*.example.com"), false, "x.b.example.com", {"*.a.example.com"}));
    EXPECT_FALSE(reaches(host("*.example.com"), true, "a.example.com", {"a.example.com"}));
}

TEST(EntryReaches, WhatIsNoNameIsNoException)
{
    EXPECT_TRUE(reaches(host("*.example.com"), false, "a.example.com", {"", "_"}));
}

TEST(HostKey, GoesThereAndBack)
{
    for (const char* name : {"example.com", "www.example.com", "*.example.com", "com", "*.com", "*.a",
                             "a.b.c.d.example.com", "xn--bcher-kva.example", "_dmarc.example.com"}) {
        const HostPattern back = host_from_key(host_key(host(name)));
        EXPECT_EQ(back.text, name);
        EXPECT_EQ(back.kind, host(name).kind) << name;
        EXPECT_EQ(back.domain, host(name).domain);
        EXPECT_FALSE(back.one_label);
    }
    EXPECT_TRUE(host_from_key(host_key(one_label("*.example.com"))).one_label);
    EXPECT_EQ(host_key(host("www.example.com")), "com.example.www.");
    EXPECT_NE(host_key(host("*.example.com")), host_key(one_label("*.example.com")));
}

TEST(HostKey, AWildcardIsALabelOfItsOwn)
{
    for (const char* label : {"*a", "+a", "a*"}) {
        const HostPattern back = host_from_key(std::string("com.example.") + label + ".");
        EXPECT_EQ(back.kind, HostPattern::Kind::exact) << label;
        EXPECT_EQ(back.text, std::string(label) + ".example.com");
    }
}

TEST(HostKey, WhatIsBelowStandsBesideIt)
{
    const std::string prefix = key_prefix("example.com");
    for (const char* name : {"www.example.com", "*.example.com", "a.b.example.com"}) {
        EXPECT_EQ(host_key(host(name)).rfind(prefix, 0), 0U) << name;
    }
    for (const char* name : {"notexample.com", "example.org", "com", "example.com.org"}) {
        EXPECT_NE(host_key(host(name)).rfind(prefix, 0), 0U) << name;
    }
}

TEST(SentPolicyText, GoesThereAndBack)
{
    SentPolicy ramp = ramped({{3600, 60}, {0, 86400}});
    ramp.name = "www \"2026\" \\ \xc3\xbc";
    ramp.pins.pins[0].name = "leaf {2026}";
    ramp.clients = {false, true, true};
    ramp.stores = {{"android", "/etc/stores/android"}, {"mozilla", "/etc/ssl/\"certs\""}};
    for (const SentPolicy& policy : {enforced(86400, true), enforced(0), ramp, guarded(1811894400), reported()}) {
        const std::string text = policy.to_text();
        EXPECT_EQ(policy.to_text(), text);
        const auto back = SentPolicy::from_text(text);
        ASSERT_NE(back, nullptr) << text;
        EXPECT_EQ(back->to_text(), text);
        EXPECT_EQ(back->kind, policy.kind);
        EXPECT_EQ(back->name, policy.name);
        EXPECT_EQ(back->include_subdomains, policy.include_subdomains);
        EXPECT_EQ(back->max_age, policy.max_age);
        EXPECT_EQ(back->until, policy.until);
        EXPECT_EQ(back->stores, policy.stores);
        EXPECT_EQ(back->clients.chain, policy.clients.chain);
        EXPECT_EQ(back->clients.sent, policy.clients.sent);
        EXPECT_EQ(back->clients.leaf, policy.clients.leaf);
        ASSERT_EQ(back->pins.pins.size(), policy.pins.pins.size());
        for (std::size_t i = 0; i < policy.pins.pins.size(); i++) {
            EXPECT_TRUE(back->pins.pins[i].pin == policy.pins.pins[i].pin);
            EXPECT_EQ(back->pins.pins[i].name, policy.pins.pins[i].name);
            EXPECT_FALSE(back->pins.pins[i].retired);
            EXPECT_FALSE(back->pins.pins[i].computed);
        }
    }
}

TEST(SentPolicyText, ANameThatIsNoTextIsKeptAsSome)
{
    SentPolicy policy = enforced(60);
    policy.name = "www\xff\xfe\n\x1b";
    const auto back = SentPolicy::from_text(policy.to_text());
    ASSERT_NE(back, nullptr);
    EXPECT_EQ(back->to_text(), policy.to_text());
}

TEST(SentPolicyText, DifferentContentIsDifferentText)
{
    std::set<std::string> texts;
    SentPolicy clients = enforced(60), stores = enforced(60), pins = enforced(60), name = enforced(60);
    clients.clients.leaf = true;
    stores.stores = {{"a", "/b"}};
    pins.pins.pins.pop_back();
    name.name = "other";
    const std::vector<SentPolicy> all = {
        enforced(60), enforced(61), enforced(60, true), guarded(60), guarded(61), reported(), clients, stores,
        pins,         name};
    for (const SentPolicy& policy : all) {
        texts.insert(policy.to_text());
    }
    EXPECT_EQ(texts.size(), all.size());
}

TEST(SentPolicyText, HostileText)
{
    const std::string good = ramped({{3600, 60}, {0, 86400}}).to_text();
    const std::string bad[] = {"",
                               "{",
                               "[]",
                               "null",
                               "3",
                               "\"\"",
                               "{}",
                               std::string(100000, '['),
                               "\xff",
                               R"({"version":1})",
                               std::string("\0", 1),
                               good + "x",
                               good.substr(1)};
    for (const std::string& text : bad) {
        EXPECT_EQ(SentPolicy::from_text(text), nullptr) << text.substr(0, 50);
    }
    // What would hold nobody: pins, clients or times are missing.
    for (const auto& [key, none] : {std::pair<std::string, std::string>{"pins", "[]"},
                                    {"clients", "[]"},
                                    {"max-age", "[]"},
                                    {"pins", ""},
                                    {"clients", ""},
                                    {"max-age", ""}}) {
        auto text = nlohmann::json::parse(good);
        if (none.empty()) {
            text.erase(key);
        } else {
            text[key] = nlohmann::json::parse(none);
        }
        EXPECT_EQ(SentPolicy::from_text(text.dump()), nullptr) << key << " " << none;
    }
    auto endless = nlohmann::json::parse(guarded(1811894400).to_text());
    endless.erase("until");
    EXPECT_EQ(SentPolicy::from_text(endless.dump()), nullptr);
    std::string newer = good;
    newer.replace(newer.find("\"version\":1"), 11, "\"version\":2");
    EXPECT_EQ(SentPolicy::from_text(newer), nullptr);
    std::mt19937 random(1);
    for (int i = 0; i < 20000; i++) {
        std::string text = good;
        for (unsigned n = 1 + random() % 3; n > 0; n--) {
            switch (random() % 3) {
            case 0:
                text[random() % text.size()] = static_cast<char>(random());
                break;
            case 1:
                text.erase(random() % text.size(), 1 + random() % 5);
                break;
            default:
                text.insert(random() % text.size(), 1, "0123456789{}[],\":-e."[random() % 20]);
            }
        }
        const auto read = SentPolicy::from_text(text);
        if (read != nullptr) {
            EXPECT_NE(SentPolicy::from_text(read->to_text()), nullptr) << text;
            Entry entry = hpkp::test::entry("www.example.com", *read, 1, 2, i % 2 == 0);
            entry.held_until(kNow);
        }
    }
}

}  // namespace
