#include "test_site.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>

#include <algorithm>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// A load with so many warnings (max-age-long) and errors (no-pin-in-chain), and no note.
LoadResult load(bool warning, int errors, bool strict)
{
    PolicyText policy = good_policy();
    policy.modes = {std::string("enforce: {max-age: ") + (warning ? "90d}" : "1d}")};
    World world;
    world.policies({policy}, world.bundles({{"test", {pki().root, pki().other_root}}}));
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    for (int i = 0; i < errors; i++) {
        const std::string host = "host" + std::to_string(i) + ".test";
        world.pinned(30, {host},
                     {chain({leaf(Entity(host), pki().other_intermediate_key, {host}), pki().other_intermediate})});
    }
    return world.judge(strict);
}

TEST(Session, AGoodLoadSaysNothing)
{
    for (const bool strict : {false, true}) {
        const LoadResult result = load(false, 0, strict);
        EXPECT_FALSE(result.refused);
        EXPECT_TRUE(result.lines.empty());
        EXPECT_EQ(result.emissions.servers.size(), 1U);
    }
}

TEST(Session, AnErrorRefuses)
{
    const LoadResult result = load(false, 1, false);
    EXPECT_TRUE(result.refused);
    ASSERT_FALSE(result.lines.empty());
    EXPECT_EQ(result.lines.back().text, "1 error, 0 warnings: configuration refused");
    EXPECT_EQ(result.lines.back().severity, Severity::error);
}

TEST(Session, AWarningPasses)
{
    const LoadResult result = load(true, 0, false);
    EXPECT_FALSE(result.refused);
    EXPECT_EQ(ids(result.findings), "max-age-long");
    EXPECT_EQ(result.emissions.servers.size(), 1U);
    for (const Line& line : result.lines) {
        EXPECT_EQ(line.severity, Severity::warning);
        EXPECT_EQ(line.text.find("refused"), std::string::npos);
    }
}

TEST(Session, UnderStrictANoteStaysANote)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    const LoadResult result = world.judge(true);
    EXPECT_FALSE(result.refused);
    EXPECT_EQ(notes(result.findings), "private-pki");
    ASSERT_FALSE(result.lines.empty());
    for (const Line& line : result.lines) {
        EXPECT_EQ(line.severity, Severity::note) << line.text;
    }
    EXPECT_EQ(result.emissions.servers.size(), 1U);
}

TEST(Session, UnderStrictAWarningRefuses)
{
    const LoadResult result = load(true, 0, true);
    EXPECT_TRUE(result.refused);
    EXPECT_EQ(
        result.lines.back().text,
        "0 errors, 1 warning: configuration refused, because of hpkp_strict: max-age-long (nginx -t shows them whole)");
    EXPECT_TRUE(result.emissions.servers.empty());
    EXPECT_EQ(result.lines.front().severity, Severity::warning) << "it stays a warning";
}

TEST(Session, AllErrorsAreShownAndCounted)
{
    EXPECT_EQ(load(true, 3, false).lines.back().text, "3 errors, 1 warning: configuration refused");
    EXPECT_EQ(load(true, 3, true).lines.back().text, "3 errors, 1 warning: configuration refused");
    EXPECT_EQ(count(load(true, 3, false).findings, Severity::error), 3U);
}

TEST(Session, TheGravestIsLast)
{
    const LoadResult result = load(true, 2, false);
    EXPECT_TRUE(std::is_sorted(result.findings.begin(), result.findings.end(),
                               [](const Finding& a, const Finding& b) { return a.severity < b.severity; }));
    EXPECT_EQ(result.findings.front().id, FindingId::max_age_long);
}

TEST(Session, OfTooManyLinesTheGravestStay)
{
    const LoadResult result = load(true, 500, false);
    EXPECT_EQ(count(result.findings, Severity::error), 500U);
    EXPECT_EQ(result.lines.back().text, "500 errors, 1 warning: configuration refused") << "all are counted";
    EXPECT_GT(result.lines.size(), 2000U);
    EXPECT_LT(result.lines.size(), 2020U);
    EXPECT_NE(result.lines.front().text.find(" more findings, none graver than the next, not shown"), std::string::npos)
        << result.lines.front().text;
    for (const Line& line : result.lines) {
        EXPECT_EQ(line.severity, Severity::error) << line.text;
    }
}

TEST(Session, TheSameLoadSaysTheSame)
{
    World world;
    PolicyText other = good_policy();
    other.name = "other";
    other.modes = {"enforce: {max-age: 90d, includeSubDomains: true}"};
    world.policies({good_policy(), other});
    world.pinned(12, {"www.example.com", "a.test"}, {pki().other_chain});
    world.pinned(30, {"example.com", "b.test"}, {pki().other_chain, pki().www_chain_with_root}, "other");
    world.pinned(44, {"www.example.com"}, {pki().www_chain}, "other", 8443);
    const auto text = [&] {
        std::string all;
        for (const Line& line : world.judge().lines) {
            all += line.text + "\n";
        }
        return all;
    };
    const std::string first = text();
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(text(), first);
    }
    EXPECT_NE(first, "");
}

TEST(Session, FindingsOfSeveralServersAreOneButNotThoseOfSeveralPlaces)
{
    PolicyText first = good_policy(), second = good_policy();
    first.pins[0] = written(pki().backup_3.pin());
    second.pins[0] = written(pki().backup_3.pin());
    second.name = "second";
    World world;
    world.policies({first, second});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {pki().www_chain});
    world.pinned(44, {"example.com"}, {pki().www_chain}, "second", 8443);
    EXPECT_EQ(count_of(world.findings(), FindingId::no_pin_in_chain), 2U) << "two policies";
}

TEST(Session, NothingAtAll)
{
    LoadOptions options;
    options.now = kNow;
    options.strict = true;
    options.system_bundle = "/nonexistent/bundle.pem";
    const LoadResult result = judge({}, options);
    EXPECT_FALSE(result.refused);
    EXPECT_TRUE(result.lines.empty());
    EXPECT_TRUE(result.emissions.servers.empty());
}

TEST(Session, NothingIsLeftInOpensslsQueue)
{
    ERR_clear_error();
    load(true, 2, false);
    EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
