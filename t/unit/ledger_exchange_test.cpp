// ledger/exchange.cpp: export and import. A union, whatever the order and however often.
#include "test_ledger.hpp"

#include <gtest/gtest.h>

#include <limits>

#include <algorithm>
#include <filesystem>
#include <random>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Lines = std::vector<std::string>;
constexpr std::int64_t kEver = INT64_MAX;

/// A ledger that somewhere was written to at random.
Lines random_export(std::mt19937& random, const TempDir& dir, const std::string& name)
{
    LedgerFile file(dir / name);
    const std::vector<std::string> names = {"example.com", "www.example.com", "*.example.com"};
    std::int64_t now = kNow;
    for (int loads = 1 + static_cast<int>(random() % 6); loads > 0; loads--) {
        std::vector<Sending> sent;
        for (const std::string& host_name : names) {
            if (random() % 2 == 0) {
                const SentPolicy policy = random() % 2 == 0   ? enforced(60 * (1 + random() % 3), random() % 2 == 0)
                                          : random() % 2 == 0 ? ramped({{600, 60}, {0, 3600}})
                                                              : reported();
                sent.push_back(sending(host(host_name), policy));
            }
        }
        const Pin key = random() % 2 == 0 ? pki().www_key.pin() : pki().other_key.pin();
        now += static_cast<std::int64_t>(random() % 1000);
        file.take(sent, now, random() % 4 == 0 ? "/b.conf" : "/a.conf", {{host("example.com"), {key}}});
    }
    if (random() % 2 == 0) {
        file.with([&](Ledger& ledger) {
            std::string id;
            ledger.for_each([&](const Entry& entry) { id = entry.id; });
            ledger.forget(id, "root", "reason", now);
        });
    }
    return file.exported(name);
}

Lines sorted(Lines lines)
{
    std::sort(lines.begin(), lines.end());
    return lines;
}

Lines united(const TempDir& dir, const Lines& lines)
{
    static int number = 0;
    LedgerFile file(dir / ("united" + std::to_string(number++)));
    file.with([&](Ledger& ledger) {
        for (const std::string& line : lines) {
            EXPECT_TRUE(ledger.import_line(line, false, kEver, "here")) << line;
        }
    });
    return sorted(file.exported());
}

TEST(LedgerExchange, AnyOrderAndAnyNumberOfTimes)
{
    std::mt19937 random(4);
    for (int i = 0; i < 40; i++) {
        const TempDir dir(fast_directory());
        Lines all;
        for (const char* machine : {"alpha", "beta", "gamma"}) {
            const Lines lines = random_export(random, dir, machine);
            all.insert(all.end(), lines.begin(), lines.end());
        }
        const Lines once = united(dir, all);
        for (int turn = 0; turn < 4; turn++) {
            Lines again = all;
            for (std::size_t n = random() % all.size(); n > 0; n--) {
                again.push_back(all[random() % all.size()]);
            }
            std::shuffle(again.begin(), again.end(), random);
            ASSERT_EQ(united(dir, again), once) << "round " << i;
        }
        EXPECT_EQ(united(dir, once), once) << "a union with itself";
        Lines with_once = once;
        with_once.insert(with_once.end(), all.begin(), all.end());
        EXPECT_EQ(united(dir, with_once), once) << "in two steps";
    }
}

struct Exchange : testing::Test {
    Exchange() { here.take({sending(host("www.example.com"), enforced(3600))}, kNow); }

    void import(LedgerFile& to, const Lines& lines, bool own = false, std::int64_t latest = kEver)
    {
        to.with([&](Ledger& ledger) {
            for (const std::string& line : lines) {
                EXPECT_TRUE(ledger.import_line(line, own, latest, "here")) << line;
            }
        });
    }

    TempDir dir{fast_directory()};
    LedgerFile here{dir / "here"}, there{dir / "there"};
};

TEST_F(Exchange, AnEntryEndsOnceItHasEndedSomewhere)
{
    const Lines open = here.exported();
    here.take({}, kNow + 500);
    const Lines closed = here.exported();
    for (const Lines& first : {open, closed}) {
        LedgerFile to(dir / (first == open ? "a" : "b"));
        import(to, first);
        import(to, first == open ? closed : open);
        const Entry entry = to.only_entry();
        EXPECT_FALSE(entry.open);
        EXPECT_EQ(entry.last_sent, kNow + 500);
        EXPECT_EQ(entry.held_until(kNow), kNow + 500 + 3600 + 300);
        EXPECT_EQ(to.with([](Ledger& ledger) { return ledger.around(host("www.example.com"), kNow + 4399).size(); }),
                  1U);
        EXPECT_EQ(to.with([](Ledger& ledger) { return ledger.around(host("www.example.com"), kNow + 4400).size(); }),
                  0U);
    }
}

TEST_F(Exchange, AnothersOpenEntryStaysOpenHere)
{
    import(there, here.exported("machine"));
    EXPECT_TRUE(there.only_entry().open);
    EXPECT_NE(there.only_entry().instance, "/nginx.conf");
    there.take({}, kNow + 500);
    EXPECT_TRUE(there.only_entry().open) << "an nginx with the same configuration file, on another machine";
    EXPECT_EQ(there.with([](Ledger& ledger) {
        return ledger.covers(sending(host("www.example.com"), enforced(3600)), "/nginx.conf", kNow);
    }),
              false);
}

TEST_F(Exchange, WhatComesBackIsOurs)
{
    import(there, here.exported());
    import(here, there.exported());
    EXPECT_EQ(here.only_entry().instance, "/nginx.conf");
    here.take({}, kNow + 500);
    EXPECT_FALSE(here.only_entry().open);
    import(here, there.exported());
    EXPECT_FALSE(here.only_entry().open) << "by an older export";
}

TEST_F(Exchange, AMachineThatWasTakenForDeadAndComesBackIsKnownAgain)
{
    const HostPattern www = host("www.example.com");
    import(there, here.exported("second", kNow));
    const std::string instance = there.only_entry().instance;
    there.with([&](Ledger& ledger) { EXPECT_TRUE(ledger.close_all(load_at(kNow + 100, instance))); });
    import(there, here.exported("second", kNow + 50));
    EXPECT_FALSE(there.only_entry().open) << "exported before that";
    import(there, here.exported("second", kNow + 3 * kDay));  // it has power again, and goes on with what it has open
    EXPECT_TRUE(there.only_entry().open);
    EXPECT_EQ(there.with([&](Ledger& ledger) { return ledger.around(www, kNow + 40 * kDay).size(); }), 1U);
    import(there, here.exported("second", kNow + 50));
    EXPECT_TRUE(there.only_entry().open) << "the order does not matter";
}

TEST_F(Exchange, AMachineOfTheSameImageIsAnotherMachine)
{
    LedgerFile clone(dir / "clone");
    std::filesystem::copy_file(here.path, clone.path);
    const Sending other = sending(host("other.example.com"), enforced(kDay));
    clone.take({sending(host("www.example.com"), enforced(3600)), other}, kNow + 200);
    import(here, clone.exported("second"));
    here.take({sending(host("www.example.com"), enforced(3600))}, kNow + 300);
    EXPECT_EQ(here.with([&](Ledger& ledger) { return ledger.around(other.host, kNow + 40 * kDay).size(); }), 1U)
        << "the second machine goes on sending it: " << here.entries();
}

TEST_F(Exchange, AnOwnBackupIsOursAgain)
{
    import(there, here.exported(), true);
    EXPECT_EQ(there.only_entry().instance, "/nginx.conf");
    there.take({}, kNow + 500);
    EXPECT_FALSE(there.only_entry().open);
}

TEST_F(Exchange, LaterThanLatestIsTakenAsLatest)
{
    here.take({}, kNow + 500);
    import(there, here.exported(), false, kNow - 1000);
    const Entry entry = there.only_entry();
    EXPECT_EQ(entry.first_sent, kNow - 1000);
    EXPECT_EQ(entry.last_sent, kNow - 1000);
    EXPECT_EQ(there.with([](Ledger& ledger) { return ledger.newest(); }), 0) << "another machine's clock";
    EXPECT_EQ(there.with([](Ledger& ledger) { return ledger.history(host("www.example.com")); }).front().last_sent,
              kNow - 1000);
}

TEST_F(Exchange, OneLabelAndExceptionsAndIdsAreKept)
{
    here.take({sending(one_label("*.example.com"), enforced(60, true), {"*.b.example.com", "a.example.com"})}, kNow);
    import(there, here.exported());
    EXPECT_EQ(there.entries(), here.entries());
    there.with([&](Ledger& ledger) {
        const auto found = ledger.around(one_label("*.example.com"), kNow);
        const auto wildcard = std::find_if(found.begin(), found.end(), [](auto& e) { return e->host.one_label; });
        ASSERT_NE(wildcard, found.end());
        EXPECT_EQ((*wildcard)->exceptions.names(), (std::vector<std::string>{"*.b.example.com", "a.example.com"}));
        EXPECT_EQ((*wildcard)->policy->to_text(), enforced(60, true).to_text());
    });
}

TEST_F(Exchange, AnchorsAreUnited)
{
    // A ramp that began earlier on another machine: workers here climb it from that moment on.
    const SentPolicy ramp = ramped({{3600, 60}, {0, 86400}});
    here.take({sending(host("ramp.example.com"), ramp)}, kNow);
    const Lines before = here.exported();
    there.take({sending(host("ramp.example.com"), ramp)}, kNow - 3600);
    import(here, there.exported());
    here.take({sending(host("ramp.example.com"), ramp)}, kNow + 10);
    const auto held = [&](LedgerFile& file) {
        std::int64_t until = 0;
        file.with([&](Ledger& ledger) {
            ledger.for_each([&](const Entry& entry) {
                if (entry.host.text == "ramp.example.com" && entry.instance == "/nginx.conf") {
                    until = entry.held_until(kNow + 10);
                }
            });
        });
        return until;
    };
    EXPECT_GE(held(here), kNow + 10 + 86400);
    LedgerFile other(dir / "other");
    import(other, before, true);
    import(other, here.exported(), true);
    EXPECT_GE(held(other), kNow + 10 + 86400);
}

TEST_F(Exchange, WhatIsNoLine)
{
    const Lines good = here.exported();
    std::mt19937 random(9);
    EXPECT_TRUE(there.with([&](Ledger& ledger) {
        for (const char* line :
             {"", "{", "[]", "null", "7", "{}", R"({"version":1})", R"({"version":1,"type":"x"})",
              R"({"version":2,"type":"forgotten","entry":"a","at":1,"who":"b","reason":"c"})",
              R"({"version":1,"type":"forgotten","entry":7,"at":1,"who":"b","reason":"c"})",
              R"({"version":1,"type":"forgotten","entry":"a","at":-1,"who":"b","reason":"c"})",
              R"({"version":1,"type":"forgotten","entry":"a","at":1e30,"who":"b","reason":"c"})",
              R"({"version":1,"type":"key","host":"","one-label":false})",
              R"({"version":1,"type":"key","host":"a.example","one-label":false,"pin-sha256":"AAAA",)"
              R"("first-seen":1})",
              "\xff\xfe"}) {
            EXPECT_FALSE(ledger.import_line(line, false, kEver, "here")) << line;
        }
        EXPECT_FALSE(ledger.import_line(std::string(100000, '['), false, kEver, "here"));
        for (int i = 0; i < 5000; i++) {
            std::string line = good[random() % good.size()];
            for (unsigned n = 1 + random() % 3; n > 0; n--) {
                line[random() % line.size()] =
                    static_cast<char>(random() % 2 == 0 ? random() : "\"{}[]:,0-e"[random() % 10]);
            }
            ledger.import_line(line, false, kEver, "here");
        }
        return true;
    }));
    // Whatever of it was taken for a line can be read.
    EXPECT_FALSE(there.exported().empty());
    there.entries();
    there.take({}, kNow + 1);
}

TEST_F(Exchange, ASpanThatIsNoneIsNotTakenForANearOne)
{
    const std::string begin = R"({"version":1,"type":"history","host":"a.example","one-label":false,"policy":"p",)"
                              R"("enforced":true,"first-sent":1,"last-sent":1,"last-max-age":)";
    EXPECT_TRUE(there.with([&](Ledger& ledger) {
        EXPECT_TRUE(ledger.import_line(begin + "60}", false, kEver, "here"));
        for (const char* span :
             {"-1", "1e30", "1.5", "9223372036854775807", "18446744073709551615", "\"60\"", "null"}) {
            EXPECT_FALSE(ledger.import_line(begin + span + "}", false, kEver, "here")) << span;
        }
        return true;
    }));
}

TEST_F(Exchange, UnderOwnWhatAnotherMachineSentStaysItsOwn)
{
    // This machine's ledger has what another one sends, by an nginx with the same configuration file. It is mended as
    // clock-went-back says: exported, moved away, imported with --own --clamp.
    import(there, here.exported("web2"));
    there.take({sending(host("own.example.com"), enforced(60))}, kNow + 10);
    const Lines lines = there.exported("web1");
    LedgerFile mended(dir / "mended");
    import(mended, lines, true);
    mended.take({sending(host("own.example.com"), enforced(60))}, kNow + 500);
    EXPECT_EQ(mended.entries().find("www.example.com www " + std::to_string(kNow) + "-" + std::to_string(kNow + 500)),
              std::string::npos)
        << "web2 still sends it: " << mended.entries();
    mended.with([](Ledger& ledger) {
        ledger.for_each([](const Entry& entry) {
            EXPECT_EQ(entry.instance == "/nginx.conf", entry.host.text == "own.example.com") << entry.instance;
        });
    });
}

TEST_F(Exchange, AnOwnBackupGoesOnAsTheSameEntry)
{
    import(there, here.exported(), true);
    const std::string id = there.only_entry().id;
    const LedgerLoad load = load_at(kNow + 500);
    there.with([&](Ledger& ledger) { ledger.record({sending(host("www.example.com"), enforced(3600))}, {}, load); });
    EXPECT_EQ(there.only_entry().id, id) << "it is open and the same";
}

TEST_F(Exchange, AnotherMachinesClockIsNotOurs)
{
    // A policy that this machine sent until now, and the export of a machine that lives ten years ahead.
    here.take({}, kNow + 100);
    there.take({sending(host("other.example.com"), enforced(60))}, kNow + 3650 * kDay);
    there.take({}, kNow + 3651 * kDay);
    import(here, there.exported("there"));
    EXPECT_LE(here.with([](Ledger& ledger) { return ledger.newest(); }), kNow + 100)
        << "every load here would be judged as if it were ten years later: all that was sent here is taken as over";
}

TEST_F(Exchange, WhatWasForgottenOnTwoMachines)
{
    const std::string id = here.only_entry().id;
    import(there, here.exported("web1"));
    here.with([&](Ledger& ledger) { ledger.forget(id, "ann", "one", kNow + 10); });
    there.with([&](Ledger& ledger) { ledger.forget(id, "bob", "two", kNow + 20000); });
    const Lines one = here.exported("web1"), two = there.exported("web2");
    Lines forwards = one, backwards = two;
    forwards.insert(forwards.end(), two.begin(), two.end());
    backwards.insert(backwards.end(), one.begin(), one.end());
    EXPECT_EQ(united(dir, forwards), united(dir, backwards)) << "any order, same result";
}

TEST_F(Exchange, OwnIsOfOneMachine)
{
    LedgerFile other(dir / "other"), mended(dir / "mended");
    other.take({sending(host("www.example.com"), enforced(60))}, kNow);
    const Lines ours = here.exported("web1"), theirs = other.exported("web2");
    mended.with([&](Ledger& ledger) {
        const std::int64_t latest = std::numeric_limits<std::int64_t>::max();
        for (const std::string& line : ours) {
            EXPECT_TRUE(ledger.import_line(line, true, latest, "here"));
        }
        const auto import_theirs = [&] {
            for (const std::string& line : theirs) {
                ledger.import_line(line, true, latest, "here");
            }
        };
        EXPECT_THROW(import_theirs(), LedgerError) << "what web2 sends would end with web1's next load";
    });
}

}  // namespace
