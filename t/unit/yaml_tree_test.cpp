#include "test_site.hpp"

#include "yaml_tree.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Kind = YamlNode::Kind;

/// "policy-syntax 2:1" for each finding, in order.
std::string told(const std::string& text)
{
    Findings findings;
    const auto tree = load_yaml("pins.yaml", text, findings);
    std::string all;
    for (const Finding& finding : findings) {
        EXPECT_EQ(finding.severity, Severity::error);
        EXPECT_FALSE(finding.what.empty());
        EXPECT_FALSE(finding.remedy.empty());
        all += (all.empty() ? "" : ", ") + std::string(id_text(finding.id)) + " " + std::to_string(finding.place->line)
               + ":" + std::to_string(finding.place->column);
        EXPECT_EQ(finding.place->file, "pins.yaml");
    }
    EXPECT_EQ(tree.has_value(), all.find("policy-syntax") == std::string::npos) << text;
    return all;
}

YamlNode tree(const std::string& text)
{
    Findings findings;
    auto root = load_yaml("pins.yaml", text, findings);
    if (!root || !findings.empty()) {
        throw std::runtime_error("not read: " + ids(findings));
    }
    return *root;
}

std::string scalar(const YamlNode& map, const char* key)
{
    const YamlNode* value = map.find(key);
    return value == nullptr ? "(none)" : value->scalar;
}

std::string place(const YamlNode* node)
{
    return node == nullptr ? "none" : std::to_string(node->place.line) + ":" + std::to_string(node->place.column);
}

TEST(YamlTree, ATreeWithItsPlaces)
{
    const YamlNode root = tree("a: 1\nb:\n  - x\n  - {c: d}\ne: [f, \"g\"]\nh:\n");
    ASSERT_EQ(root.kind, Kind::map);
    ASSERT_EQ(root.entries.size(), 4U);
    EXPECT_EQ(scalar(root, "a"), "1");
    EXPECT_EQ(place(root.find("a")), "1:4");
    EXPECT_EQ(place(&root.entries[1].first), "2:1");
    const YamlNode* b = root.find("b");
    ASSERT_EQ(b->kind, Kind::sequence);
    EXPECT_EQ(place(&b->items[0]), "3:5");
    ASSERT_EQ(b->items[1].kind, Kind::map);
    EXPECT_EQ(place(b->items[1].find("c")), "4:9");
    EXPECT_EQ(place(&root.find("e")->items[1]), "5:8");
    EXPECT_EQ(root.find("h")->kind, Kind::null);
    EXPECT_EQ(root.find("nothing"), nullptr);
    EXPECT_EQ(root.find("A"), nullptr);
}

TEST(YamlTree, QuotesAreRemembered)
{
    const YamlNode root = tree("a: 30\nb: \"30\"\nc: '30'\nd: true\ne: \"true\"\n");
    EXPECT_FALSE(root.find("a")->quoted);
    EXPECT_TRUE(root.find("b")->quoted);
    EXPECT_TRUE(root.find("c")->quoted);
    EXPECT_FALSE(root.find("d")->quoted);
    EXPECT_TRUE(root.find("e")->quoted);
    EXPECT_EQ(scalar(root, "c"), "30");
}

TEST(YamlTree, Nothing)
{
    const YamlNode root = tree("a: ~\nb: null\nc:\nd: \"\"\n");
    EXPECT_EQ(root.find("a")->kind, Kind::null);
    EXPECT_EQ(root.find("b")->kind, Kind::null);
    EXPECT_EQ(root.find("c")->kind, Kind::null);
    EXPECT_EQ(root.find("d")->kind, Kind::scalar);
}

TEST(YamlTree, ByteOrderMarkAndCarriageReturns)
{
    EXPECT_EQ(scalar(tree("\xef\xbb\xbf"
                          "a: 1\n"),
                     "a"),
              "1");
    const YamlNode root = tree("a: 1\r\nb:\r\n  c: 2\r\n");
    EXPECT_EQ(scalar(root, "a"), "1");
    EXPECT_EQ(place(root.find("b")->find("c")), "3:6");
}

TEST(YamlTree, CommentsAndOneDocumentMarker)
{
    EXPECT_EQ(told("# policies\n---\na: 1 # one\n...\n# end\n"), "");
    EXPECT_EQ(told("--- # policies\na: 1\n"), "");
    EXPECT_EQ(told("%YAML 1.2\n---\na: 1\n"), "");
    EXPECT_EQ(told("a: 1"), "");
}

TEST(YamlTree, Tabs)
{
    EXPECT_EQ(told("version: 1\n\tpolicies: 2\n"), "policy-syntax 2:1");
    EXPECT_EQ(told("a:\t1\n"), "policy-syntax 1:3");
    EXPECT_EQ(told("a: 1\n# a\tcomment\n"), "policy-syntax 2:4");
    EXPECT_EQ(told("a: \"x\ty\"\n"), "policy-syntax 1:6");
}

TEST(YamlTree, ControlCharacters)
{
    EXPECT_EQ(told(std::string("a: b\0c\n", 7)), "policy-syntax 1:5");
    EXPECT_EQ(told("a: 1\nb: \x01\n"), "policy-syntax 2:4");
    EXPECT_EQ(told("a: \x7f\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: \x1b[31m\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: b\rc: d\n"), "policy-syntax 1:5");
    EXPECT_EQ(told("a: 1\r"), "policy-syntax 1:5");
    EXPECT_EQ(told("a: \"\\u0000\"\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: \"x\\ty\"\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: \"x\\ny\"\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: 1\nb: |\n  two\n  lines\n"), "policy-syntax 2:4");
    EXPECT_EQ(told("\"a\\0\": 1\n"), "policy-syntax 1:1");
}

TEST(YamlTree, ColumnsCountCharacters)
{
    EXPECT_EQ(told("# \xc3\xa4\xe2\x82\xac\n\xc3\xa4: \t\n"), "policy-syntax 2:4");
    EXPECT_EQ(told("\xc3\xa4: *x\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("{\xc3\xa4\xe2\x82\xac: 1, a: 1, a: 2}\n"), "duplicate-key 1:15");
}

TEST(YamlTree, ASecondDocument)
{
    EXPECT_EQ(told("a: 1\n---\nb: 2\n"), "policy-syntax 2:1");
    EXPECT_EQ(told("---\na: 1\n---\nb: 2\n"), "policy-syntax 3:1");
    EXPECT_EQ(told("# x\n\n--- {a: 1}\n---\n"), "policy-syntax 4:1");
    EXPECT_EQ(told("%YAML 1.2\n---\na: 1\n---\n"), "policy-syntax 4:1");
    EXPECT_EQ(told("a: \"---\"\nb: 1\n--- x\n"), "policy-syntax 3:1");
    EXPECT_EQ(told("a: 1\r\n---\r\nb: 2\r\n"), "policy-syntax 2:1");
}

TEST(YamlTree, ASecondDocumentAfterTheEndOfTheFirst)
{
    EXPECT_EQ(told("a: 1\n...\n---\nb: 2\n"), "policy-syntax 3:1");
}

TEST(YamlTree, AKeyThatBeginsLikeADocumentIsNone)
{
    EXPECT_EQ(told("---a: 1\nb: 2\n---\n"), "policy-syntax 3:1");
}

TEST(YamlTree, Aliases)
{
    EXPECT_EQ(told("a: &x 1\nb: *x\n"), "policy-syntax 2:4");
    EXPECT_EQ(told("a: &x {b: 1}\nc:\n  <<: *x\n"), "policy-syntax 3:7");
    EXPECT_EQ(told("a: *unknown\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: &a [*a]\n"), "policy-syntax 1:8");
    EXPECT_EQ(told("&a a: 1\n*a : 2\n"), "policy-syntax 2:1");
}

TEST(YamlTree, AnAnchorThatNobodyUsesIsHarmless)
{
    EXPECT_EQ(scalar(tree("a: &x 1\n"), "a"), "1");
    EXPECT_EQ(scalar(tree("a: &x \"1\"\n"), "a"), "1");
}

TEST(YamlTree, BlockScalarsOfOneLine)
{
    EXPECT_EQ(scalar(tree("a: >-\n  one line\n"), "a"), "one line");
    EXPECT_EQ(scalar(tree("a: |-\n  one line\nb: 1\n"), "a"), "one line");
    EXPECT_EQ(scalar(tree("a: >-\n  folded\n  into one\n"), "a"), "folded into one");
}

TEST(YamlTree, QuotesInsideQuotes)
{
    const YamlNode root = tree("a: \"x\\\"y\"\nb: 'it''s'\nc: \"\\\\\"\nd: ''\ne: \"'\"\nf: '\"'\n? \"g\"\n: ''''");
    EXPECT_EQ(scalar(root, "a"), "x\"y");
    EXPECT_EQ(scalar(root, "b"), "it's");
    EXPECT_EQ(scalar(root, "c"), "\\");
    EXPECT_EQ(scalar(root, "d"), "");
    EXPECT_EQ(scalar(root, "e"), "'");
    EXPECT_EQ(scalar(root, "f"), "\"");
    EXPECT_EQ(scalar(root, "g"), "'");
}

TEST(YamlTree, Tags)
{
    EXPECT_EQ(told("a: !!str 1\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: !mine {}\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: !!seq []\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: !<tag:example.com,2026:x> 1\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("!!map\na: 1\n"), "policy-syntax 1:1");
}

TEST(YamlTree, DuplicateKeys)
{
    EXPECT_EQ(told("a: 1\nb: 2\na: 3\n"), "duplicate-key 3:1");
    EXPECT_EQ(told("a:\n  b: 1\n  b: 2\nb: 3\n"), "duplicate-key 3:3");
    EXPECT_EQ(told("{a: 1, a: 2}\n"), "duplicate-key 1:8");
    EXPECT_EQ(told("a: 1\n\"a\": 2\n'a': 3\n"), "duplicate-key 2:1, duplicate-key 3:1");
    EXPECT_EQ(told("- {a: 1}\n- {a: 1}\n"), "");
    EXPECT_EQ(told("a: 1\nA: 2\n"), "");
}

TEST(YamlTree, OfDuplicateKeysTheFirstStays)
{
    Findings findings;
    const auto root = load_yaml("pins.yaml", "a: 1\na: 2\n", findings);
    ASSERT_TRUE(root.has_value());
    EXPECT_EQ(root->entries.size(), 1U);
    EXPECT_EQ(scalar(*root, "a"), "1");
    EXPECT_NE(findings.front().what.find("pins.yaml:1:1"), std::string::npos) << findings.front().what;
}

TEST(YamlTree, KeysAreSingleWords)
{
    EXPECT_EQ(told("[a]: 1\n"), "policy-syntax 1:1");
    EXPECT_EQ(told("b: 1\n{a: 1}: 1\n"), "policy-syntax 2:1");
    EXPECT_EQ(told("? - a\n: 1\n"), "policy-syntax 1:3");
    EXPECT_EQ(told("~: 1\n"), "policy-syntax 1:1");
    EXPECT_EQ(told("? a\n: 1\n"), "");
}

TEST(YamlTree, Depth)
{
    EXPECT_EQ(told(std::string(16, '[') + std::string(16, ']')), "");
    EXPECT_EQ(told(std::string(17, '[') + std::string(17, ']')), "policy-syntax 1:17");
    EXPECT_EQ(told("a:\n" + std::string(16, ' ') + std::string(16, '[') + std::string(16, ']')), "policy-syntax 2:32");
}

TEST(YamlTree, SyntaxErrorsHaveALineAndAColumn)
{
    EXPECT_EQ(told("a: 1\nb: [1, 2\nc: 3\n").substr(0, 15), "policy-syntax 3");
    EXPECT_EQ(told("a: b: c\n"), "policy-syntax 1:5");
    EXPECT_EQ(told("a: 1\n b: 2\n").substr(0, 15), "policy-syntax 2");
    EXPECT_EQ(told("- a\nb: 1\n"), "policy-syntax 2:1");
    EXPECT_EQ(told("a: @b\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: }\n"), "policy-syntax 1:4");
    for (const char* text :
         {"a: \"\\q\"\n", "a: \"\\ud800\"\n", "a: \"\\xg\"\n", "a: {b\n", "a: [b\n", "a: &\n", "a: \"x"}) {
        EXPECT_EQ(told(text).substr(0, 14), "policy-syntax ") << text;
    }
}

TEST(YamlTree, AQuoteThatNeverEndsDoesNotSwallowTheRest)
{
    EXPECT_EQ(told("a: \"x\n").substr(0, 14), "policy-syntax ");
    EXPECT_EQ(told("a: 'x\n").substr(0, 14), "policy-syntax ");
    EXPECT_EQ(told("a: \"x\nb: 1\nc: 2\n").substr(0, 14), "policy-syntax ");
}

TEST(YamlTree, AnEmptyFile)
{
    for (const char* text : {"", "\n\n", "# nothing\n", " ", "\xef\xbb\xbf", "\r\n"}) {
        EXPECT_EQ(told(text), "policy-syntax 1:1") << '"' << text << '"';
    }
}

TEST(YamlTree, OtherEncodingsAreRefused)
{
    EXPECT_EQ(told(std::string("\xff\xfe"
                               "a\0:\0",
                               6))
                  .substr(0, 13),
              "policy-syntax");
    EXPECT_EQ(told(std::string("\xfe\xff"
                               "\0a\0:",
                               6))
                  .substr(0, 13),
              "policy-syntax");
    EXPECT_EQ(told(std::string("a\0:\0 \0"
                               "1\0",
                               8))
                  .substr(0, 13),
              "policy-syntax");
    EXPECT_EQ(told("a: \xe4\n"), "policy-syntax 1:4") << "Latin-1";
    EXPECT_EQ(told("# \xc3\xa4\na: \xc3\n"), "policy-syntax 2:4") << "half of a character";
    EXPECT_EQ(told("a: \xa4\n"), "policy-syntax 1:4");
    EXPECT_EQ(told("a: \xc0\xaf\n"), "policy-syntax 1:4") << "overlong";
}

TEST(YamlTree, NonsenseBytesAreNoTrouble)
{
    for (int byte = 0; byte < 256; byte++) {
        for (const char* before : {"", "a: ", "\"", "\"\\", "- ", "[", "!", "%", "&", "{"}) {
            Findings findings;
            load_yaml("pins.yaml", before + std::string(1, static_cast<char>(byte)), findings);
        }
    }
}

}  // namespace
