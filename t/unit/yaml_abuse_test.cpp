// Files made to take for ever, or to crash the reader. Each is as large as a policy file may be.
#include "test_site.hpp"

#include "file.hpp"
#include "policy_reader.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// A second is meant, of processor time; a slow machine gets some more.
constexpr unsigned kSeconds = 5;

std::string repeated(const std::string& unit, const std::string& before = "")
{
    std::string text = before;
    text.reserve(kMaxFileBytes);
    while (text.size() + unit.size() + 4 <= kMaxFileBytes) {
        text += unit;
    }
    return text;
}

/// Whether a load with this policy file is over soon, and refused.
bool refused_soon(const std::string& text)
{
    World world;
    world.policy_text(text);
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    LoadOptions options;  // without a ledger, so that the file is read once
    options.now = kNow;
    options.system_bundle = world.system_bundle;
    return ends_within(kSeconds, [&] {
        if (!world.judge(options).refused) {
            throw std::runtime_error("taken");
        }
    });
}

TEST(YamlAbuse, OneThingAMillionTimes)
{
    pki();
    for (const char* unit : {"[",
                             "{",
                             "- ",
                             "? ",
                             "&a ",
                             "\"",
                             "'",
                             "!",
                             "! ",
                             "%",
                             "%YAML 1.2\n",
                             "%TAG ! !\n",
                             ": ",
                             "a: ",
                             "a:\n",
                             "*a ",
                             "&",
                             "|",
                             ">",
                             "|\n",
                             "#",
                             "---\n",
                             "...\n",
                             "\n",
                             " ",
                             "[]",
                             "{}",
                             ",",
                             "[[],",
                             "{a: ",
                             "? - ",
                             "- - ",
                             "a",
                             "\xff",
                             "\xef\xbb\xbf",
                             "\\",
                             "\"\\",
                             "a b ",
                             "- a\n",
                             "!<",
                             "!!",
                             "@",
                             "`",
                             "{a,",
                             "[a,",
                             "? a\n",
                             "-\n",
                             "- [\n",
                             "\"a\" ",
                             "'a': ",
                             "\\u0000",
                             "\"\\u0000\" ",
                             "\"\\u0000\"\n",
                             "*",
                             "]",
                             "}",
                             "a:b",
                             "[?",
                             "{? ",
                             "? ? : ",
                             "\r\n",
                             "\xe2\x80\xa8",
                             "\xc2\x85",
                             "&a\n",
                             "!a\n",
                             "!!a ",
                             "- &a ",
                             "- ! ",
                             "[&a ",
                             "{&a "}) {
        EXPECT_TRUE(refused_soon(repeated(unit))) << unit;
        EXPECT_TRUE(refused_soon(repeated(unit, "version: 1\npolicies: {www: {pins: [")))
            << "in a list of pins: " << unit;
    }
}

TEST(YamlAbuse, EachLineDeeperThanTheLast)
{
    for (const char* unit : {"a:", "- a:", "-", "? a", "? -", "'a':", "&a a:", "\"", "|", "["}) {
        std::string text;
        for (std::size_t indent = 0; text.size() + indent + 10 < kMaxFileBytes; indent++) {
            text += std::string(indent, ' ') + unit + "\n";
        }
        EXPECT_TRUE(refused_soon(text)) << unit;
    }
}

TEST(YamlAbuse, QuotesAndCommentsThatNeverEnd)
{
    EXPECT_TRUE(refused_soon("a: \"" + std::string(kMaxFileBytes - 10, 'x')));
    EXPECT_TRUE(refused_soon("a: '" + std::string(kMaxFileBytes - 10, 'x')));
    EXPECT_TRUE(refused_soon("a: \"" + std::string(kMaxFileBytes - 10, ' ')));
    EXPECT_TRUE(refused_soon("a: \"" + std::string(kMaxFileBytes - 10, '\n')));
    EXPECT_TRUE(refused_soon("a: |\n" + std::string(kMaxFileBytes - 10, '\n')));
    EXPECT_TRUE(refused_soon("a: >\n" + repeated(" x\n").substr(10)));
    EXPECT_TRUE(refused_soon("# " + std::string(kMaxFileBytes - 10, 'x')));
    EXPECT_TRUE(refused_soon(std::string(kMaxFileBytes - 10, 'x') + ": 1"));
}

TEST(YamlAbuse, AHundredThousandKeys)
{
    std::string unknown = "version: 1\n", known = "version: 1\npolicies:\n";
    for (int i = 0; unknown.size() + 20 < kMaxFileBytes; i++) {
        unknown += "k" + std::to_string(i) + ": 1\n";
    }
    for (int i = 0; known.size() + 20 < kMaxFileBytes; i++) {
        known += "  k" + std::to_string(i) + ": {}\n";
    }
    EXPECT_TRUE(refused_soon(unknown));
    EXPECT_TRUE(refused_soon(known));
    EXPECT_TRUE(refused_soon(repeated("version: 1\n")));
}

TEST(YamlAbuse, TensOfThousandsOfPins)
{
    std::string text = "version: 1\npolicies:\n  www:\n    enforce: {max-age: 1}\n    pins:\n";
    for (std::uint32_t i = 1; text.size() + 80 < kMaxFileBytes; i++) {
        Pin::Bytes bytes{};
        bytes[0] = static_cast<std::uint8_t>(i);
        bytes[1] = static_cast<std::uint8_t>(i >> 8);
        bytes[2] = 1;
        text += "    - {pin-sha256: " + Pin(bytes).base64() + "}\n";
    }
    EXPECT_TRUE(refused_soon(text));
}

TEST(YamlAbuse, EverythingOnOneLine)
{
    // A place has a column: counting it anew for every word makes a long line quadratic.
    for (const char* unit : {"a, ", "1, ", "\"a\", ", "'a', ", "[], ", "{}, ", "{a: 1}, ", "~, ", "\xc3\xa4, "}) {
        ASSERT_TRUE(refused_soon(repeated(unit, "version: 1\npolicies: {www: {guard: {}, pins: [") + "]}}")) << unit;
    }
    for (const char* unit : {"a: 1, ", "\"a\": 1, ", "a: {}, ", "a: [], "}) {
        ASSERT_TRUE(refused_soon(repeated(unit, "{version: 1, policies: {") + "}}")) << unit;
    }
}

TEST(YamlAbuse, AByteTooMany)
{
    TempDir dir;
    Findings findings;
    const std::string text = "version: 1\n#" + std::string(kMaxFileBytes - 12, 'x');
    ASSERT_EQ(text.size(), kMaxFileBytes);
    read_policy_file(dir.write("exact.yaml", text), kNow, findings);
    EXPECT_EQ(ids(findings), "missing-key") << "only the policies";
    findings.clear();
    read_policy_file(dir.write("larger.yaml", text + "x"), kNow, findings);
    EXPECT_EQ(ids(findings), "policy-unreadable");
    EXPECT_EQ(findings.front().place->line, 1U) << "of a file that cannot be read at all, no line is named";
}

TEST(YamlAbuse, AsManyPoliciesAsAFileHolds)
{
    TempDir dir;
    std::string text = "version: 1\npolicies:\n";
    std::size_t policies = 0;
    const std::string rest = ": {pins: [{csr: a}, {csr: b}, {csr: c}], guard: {}}\n";
    for (; text.size() + rest.size() + 8 <= kMaxFileBytes; policies++) {
        text += " " + std::to_string(policies) + rest;
    }
    const std::string path = dir.write("many.yaml", text);
    EXPECT_TRUE(ends_within(4 * kSeconds, [&] {
        Findings findings;
        const PolicyFile file = read_policy_file(path, kNow, findings);
        // Three files that are not there for each.
        if (file.policies.size() != policies || findings.size() != 100) {
            throw std::runtime_error(ids(findings));
        }
    }));
}

}  // namespace
