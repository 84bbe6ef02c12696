#include "input.hpp"
#include "rollover/policy_editor.hpp"
#include "test_site.hpp"

#include "yaml_tree.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace hpkp;
using namespace hpkp::test;
using hpkp::cli::InputError;
using hpkp::cli::rollover::NewPin;
using hpkp::cli::rollover::PinListName;
using hpkp::cli::rollover::PolicyEditor;

namespace {

const std::string kA = pki().www_key.pin().base64();
const std::string kB = pki().backup_1.pin().base64();
const std::string kC = pki().backup_2.pin().base64();
const std::string kNew = pki().backup_3.pin().base64();

/// A, B and C stand for the pins, N for the new one: "@A" in a text.
std::string filled(std::string text)
{
    for (const auto& [mark, pin] : {std::pair("@A", kA), {"@B", kB}, {"@C", kC}, {"@N", kNew}}) {
        for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark)) {
            text.replace(at, 2, pin);
        }
    }
    return text;
}

const YamlNode* list_of(const YamlNode& root, const PinListName& name)
{
    const YamlNode* owner = root.find("policies")->find(name.policy);
    owner = name.report_only ? owner->find("report-only") : owner;
    return owner->find("pins");
}

/// Where the value of the pin stands that has this key.
Place place_of(const std::string& text, const PinListName& name, const std::string& base64)
{
    Findings findings;
    const auto root = load_yaml("pins.yaml", text, findings);
    for (const YamlNode& item : list_of(*root, name)->items) {
        const YamlNode* pin = item.find("pin-sha256");
        if (pin != nullptr && pin->scalar == base64) {
            return pin->place;
        }
    }
    ADD_FAILURE() << "no pin " << base64 << " in\n" << text;
    return {};
}

const PinListName kWww{"www", false};

std::string added(const std::string& text, const PinListName& name = kWww)
{
    PolicyEditor editor("pins.yaml", filled(text), name);
    editor.add({{"new", pki().backup_3.pin()}});
    return editor.text();
}

std::string retired(const std::string& text, const std::string& pin = kA, const PinListName& name = kWww)
{
    PolicyEditor editor("pins.yaml", filled(text), name);
    editor.retire({place_of(filled(text), name, pin)});
    return editor.text();
}

std::string dropped(const std::string& text, const std::string& pin = kA, const PinListName& name = kWww)
{
    PolicyEditor editor("pins.yaml", filled(text), name);
    editor.drop({place_of(filled(text), name, pin)});
    return editor.text();
}

const std::string kHead = "version: 1\npolicies:\n  www:\n    pins:";
const std::string kTail = "    enforce: {max-age: 1d}\n";

/// The same edit of a list alone, the rest around it as it was.
struct Layout {
    std::string name;
    std::string before;
    std::string add;
    std::string retire;  // the pin A
    std::string drop;    // the pin A
};

const std::vector<Layout> kLayouts = {
    {"block, maps in flow",
     "\n      - {name: a, pin-sha256: \"@A\"}   # the first\n      - {name: b, pin-sha256: \"@B\"}\n",
     "\n      - {name: a, pin-sha256: \"@A\"}   # the first\n      - {name: b, pin-sha256: \"@B\"}\n"
     "      - {name: new, pin-sha256: \"@N\"}\n",
     "\n      - {name: a, pin-sha256: \"@A\", retired: true}   # the first\n      - {name: b, pin-sha256: \"@B\"}\n",
     "\n      - {name: b, pin-sha256: \"@B\"}\n"},
    {"block, maps in block",
     "\n      # all keys\n      - name: a\n        pin-sha256: \"@A\"   # here\n\n      # the safe\n      - name: b\n"
     "        pin-sha256: \"@B\"\n        # until May\n\n    # how long\n",
     "\n      # all keys\n      - name: a\n        pin-sha256: \"@A\"   # here\n\n      # the safe\n      - name: b\n"
     "        pin-sha256: \"@B\"\n        # until May\n      - name: new\n        pin-sha256: \"@N\"\n\n    # how "
     "long\n",
     "\n      # all keys\n      - name: a\n        pin-sha256: \"@A\"   # here\n        retired: true\n\n      # the "
     "safe\n"
     "      - name: b\n        pin-sha256: \"@B\"\n        # until May\n\n    # how long\n",
     "\n      # all keys\n\n      # the safe\n      - name: b\n        pin-sha256: \"@B\"\n        # until May\n\n"
     "    # how long\n"},
    {"no indentation, wide dashes", "\n    -   pin-sha256: @B\n    -   pin-sha256: @A\n        name: a\n",
     "\n    -   pin-sha256: @B\n    -   pin-sha256: @A\n        name: a\n    -   name: new\n        pin-sha256: "
     "\"@N\"\n",
     "\n    -   pin-sha256: @B\n    -   pin-sha256: @A\n        name: a\n        retired: true\n",
     "\n    -   pin-sha256: @B\n"},
    {"a dash alone", "\n      -\n        pin-sha256: '@A'\n      -   # b\n        pin-sha256: '@B'\n",
     "\n      -\n        pin-sha256: '@A'\n      -   # b\n        pin-sha256: '@B'\n      - name: new\n"
     "        pin-sha256: \"@N\"\n",
     "\n      -\n        pin-sha256: '@A'\n        retired: true\n      -   # b\n        pin-sha256: '@B'\n",
     "\n      -   # b\n        pin-sha256: '@B'\n"},
    {"a flow list in one line", " [{pin-sha256: \"@A\"}, {name: 'it''s, {b}', pin-sha256: \"@B\"}]  # both\n",
     " [{pin-sha256: \"@A\"}, {name: 'it''s, {b}', pin-sha256: \"@B\"}, {name: new, pin-sha256: \"@N\"}]  # both\n",
     " [{pin-sha256: \"@A\", retired: true}, {name: 'it''s, {b}', pin-sha256: \"@B\"}]  # both\n",
     " [{name: 'it''s, {b}', pin-sha256: \"@B\"}]  # both\n"},
    {"a flow list in one line, the last one", " [ {pin-sha256: \"@B\"}, {pin-sha256: \"@A\" } ]\n",
     " [ {pin-sha256: \"@B\"}, {pin-sha256: \"@A\" }, {name: new, pin-sha256: \"@N\"} ]\n",
     " [ {pin-sha256: \"@B\"}, {pin-sha256: \"@A\", retired: true } ]\n", " [ {pin-sha256: \"@B\"} ]\n"},
    {"a flow list in lines",
     "\n      [\n        {name: b, pin-sha256: \"@B\"},  # b }\n        # old ]\n        {name: a, pin-sha256: \"@A\"} "
     " # a\n"
     "      ]\n",
     "\n      [\n        {name: b, pin-sha256: \"@B\"},  # b }\n        # old ]\n        {name: a, pin-sha256: "
     "\"@A\"},  # a\n"
     "        {name: new, pin-sha256: \"@N\"}\n      ]\n",
     "\n      [\n        {name: b, pin-sha256: \"@B\"},  # b }\n        # old ]\n"
     "        {name: a, pin-sha256: \"@A\", retired: true}  # a\n      ]\n",
     "\n      [\n        {name: b, pin-sha256: \"@B\"}  # b }\n        # old ]\n      ]\n"},
    {"a flow list in lines, a comma at the end",
     " [\n        {pin-sha256: \"@B\"},\n        {pin-sha256: \"@A\",\n         name: a, },   # a\n      ]\n",
     " [\n        {pin-sha256: \"@B\"},\n        {pin-sha256: \"@A\",\n         name: a, },   # a\n"
     "        {name: new, pin-sha256: \"@N\"},\n      ]\n",
     " [\n        {pin-sha256: \"@B\"},\n        {pin-sha256: \"@A\",\n         name: a, retired: true, },   # a\n     "
     " ]\n",
     " [\n        {pin-sha256: \"@B\"},\n      ]\n"},
    {"not retired yet", "\n      - retired: false   # soon\n        pin-sha256: \"@A\"\n      - pin-sha256: \"@B\"\n",
     "\n      - retired: false   # soon\n        pin-sha256: \"@A\"\n      - pin-sha256: \"@B\"\n      - name: new\n"
     "        pin-sha256: \"@N\"\n",
     "\n      - retired: true   # soon\n        pin-sha256: \"@A\"\n      - pin-sha256: \"@B\"\n",
     "\n      - pin-sha256: \"@B\"\n"},
    {"names with everything",
     "\n      - {name: \"ünï # {[\\\"\", pin-sha256: \"@A\"}\n      - {name: a'b \"c, pin-sha256: \"@B\"}\n",
     "\n      - {name: \"ünï # {[\\\"\", pin-sha256: \"@A\"}\n      - {name: a'b \"c, pin-sha256: \"@B\"}\n"
     "      - {name: new, pin-sha256: \"@N\"}\n",
     "\n      - {name: \"ünï # {[\\\"\", pin-sha256: \"@A\", retired: true}\n      - {name: a'b \"c, pin-sha256: "
     "\"@B\"}\n",
     "\n      - {name: a'b \"c, pin-sha256: \"@B\"}\n"},
};

std::string with_crlf(const std::string& text)
{
    std::string result;
    for (const char c : text) {
        result += c == '\n' ? "\r\n" : std::string(1, c);
    }
    return result;
}

}  // namespace

TEST(PolicyEditor, KeepsTheStyleOfTheList)
{
    for (const Layout& layout : kLayouts) {
        SCOPED_TRACE(layout.name);
        EXPECT_EQ(added(kHead + layout.before + kTail), filled(kHead + layout.add + kTail));
        EXPECT_EQ(retired(kHead + layout.before + kTail), filled(kHead + layout.retire + kTail));
        EXPECT_EQ(dropped(kHead + layout.before + kTail), filled(kHead + layout.drop + kTail));
    }
}

TEST(PolicyEditor, KeepsLineEnds)
{
    for (const Layout& layout : kLayouts) {
        SCOPED_TRACE(layout.name);
        EXPECT_EQ(added(with_crlf(kHead + layout.before + kTail)), filled(with_crlf(kHead + layout.add + kTail)));
        EXPECT_EQ(retired(with_crlf(kHead + layout.before + kTail)), filled(with_crlf(kHead + layout.retire + kTail)));
        EXPECT_EQ(dropped(with_crlf(kHead + layout.before + kTail)), filled(with_crlf(kHead + layout.drop + kTail)));
    }
}

TEST(PolicyEditor, EditsTheEndOfAFileWithoutALineEnd)
{
    const std::string head = "version: 1\npolicies:\n  www:\n    guard: {}\n    pins:\n";
    const std::string list = "      - pin-sha256: \"@B\"\n      - pin-sha256: \"@A\"";
    EXPECT_EQ(added(head + list), filled(head + list + "\n      - name: new\n        pin-sha256: \"@N\"\n"));
    EXPECT_EQ(retired(head + list), filled(head + list + "\n        retired: true\n"));
    EXPECT_EQ(dropped(head + list), filled(head + "      - pin-sha256: \"@B\"\n"));
}

TEST(PolicyEditor, EditsTheListThatIsMeant)
{
    const std::string before = "policies:\n  other:\n    pins: [{pin-sha256: \"@A\"}, {pin-sha256: \"@B\"}]\n  www:\n"
                               "    report-only:\n      pins:\n        - pin-sha256: \"@A\"\n"
                               "        - pin-sha256: \"@C\"\n    pins:\n      - pin-sha256: \"@A\"\n"
                               "      - pin-sha256: \"@B\"\n    enforce: {max-age: 1d}\nversion: 1\n";
    std::string wanted = before;
    wanted.insert(wanted.find("    enforce"), "      - name: new\n        pin-sha256: \"@N\"\n");
    EXPECT_EQ(added(before), filled(wanted));
    wanted = before;
    wanted.insert(wanted.find("    pins:\n      -"), "        - name: new\n          pin-sha256: \"@N\"\n");
    EXPECT_EQ(added(before, {"www", true}), filled(wanted));
    wanted = before;
    wanted.insert(wanted.find("}, {"), ", retired: true");
    EXPECT_EQ(retired(before, kA, {"other", false}), filled(wanted));
}

TEST(PolicyEditor, EditsSeveralPinsAtOnce)
{
    const std::string text = filled(kHead
                                    + "\n      - {pin-sha256: \"@A\"}\n      - {pin-sha256: \"@B\"}\n"
                                      "      - {pin-sha256: \"@C\"}\n"
                                    + kTail);
    PolicyEditor editor("pins.yaml", text, kWww);
    editor.drop({place_of(text, kWww, kA), place_of(text, kWww, kC)});
    EXPECT_EQ(editor.text(), filled(kHead + "\n      - {pin-sha256: \"@B\"}\n" + kTail));

    PolicyEditor another("pins.yaml", text, kWww);
    another.add({{"new", pki().backup_3.pin()}, {"other: \"x\\\"", pki().other_key.pin()}});
    EXPECT_EQ(another.text(), filled(kHead
                                     + "\n      - {pin-sha256: \"@A\"}\n      - {pin-sha256: \"@B\"}\n"
                                       "      - {pin-sha256: \"@C\"}\n      - {name: new, pin-sha256: \"@N\"}\n"
                                       "      - {name: \"other: \\\"x\\\\\\\"\", pin-sha256: \""
                                     + pki().other_key.pin().base64() + "\"}\n" + kTail));
}

TEST(PolicyEditor, EditsSeveralPinsOfAFlowList)
{
    const std::vector<std::pair<std::string, std::string>> lists = {
        {" [{pin-sha256: \"@A\"}, {pin-sha256: \"@B\"}, {pin-sha256: \"@C\"}]\n", " [{pin-sha256: \"@A\"}]\n"},
        {" [\n      {pin-sha256: \"@A\"},\n      {pin-sha256: \"@B\"},\n      {pin-sha256: \"@C\"}\n    ]\n",
         " [\n      {pin-sha256: \"@A\"}\n    ]\n"},
    };
    for (const auto& [before, after] : lists) {
        const std::string text = filled(kHead + before + kTail);
        PolicyEditor editor("pins.yaml", text, kWww);
        editor.drop({place_of(text, kWww, kB), place_of(text, kWww, kC)});
        EXPECT_EQ(editor.text(), filled(kHead + after + kTail));
        editor.add({{"b", pki().backup_1.pin()}, {"c", pki().backup_2.pin()}});
        std::string again = after;
        const bool lines = before[2] == '\n';
        const std::string between = lines ? ",\n      " : ", ";
        again.insert(again.find('}') + 1,
                     between + "{name: b, pin-sha256: \"@B\"}" + between + "{name: c, pin-sha256: \"@C\"}");
        EXPECT_EQ(editor.text(), filled(kHead + again + kTail));
    }
}

// A file full of pins, all of which go: within seconds.
TEST(PolicyEditor, EditsHugeLists)
{
    EXPECT_TRUE(ends_within(60, [] {
        std::string text = kHead + "\n";
        std::vector<Place> places;
        for (unsigned i = 0; i < 6000; i++) {
            Pin::Bytes bytes{};
            bytes[0] = static_cast<std::uint8_t>(i);
            bytes[1] = static_cast<std::uint8_t>(i >> 8);
            text += "      - {pin-sha256: \"" + Pin(bytes).base64() + "\"}\n";
            places.push_back({"pins.yaml", 5 + i, 22});
        }
        PolicyEditor editor("pins.yaml", text + kTail, kWww);
        editor.retire(places);
        places.pop_back();
        editor.drop(places);
    }));
}

TEST(PolicyEditor, AddsToAnEmptyList)
{
    EXPECT_EQ(added(kHead + " []\n" + kTail), filled(kHead + " [{name: new, pin-sha256: \"@N\"}]\n" + kTail));
}

TEST(PolicyEditor, LeavesAloneWhatItCannotEditSafely)
{
    const std::vector<std::string> strange = {
        " [pin-sha256: \"@B\", pin-sha256: \"@A\"]\n",
        "\n      - ? pin-sha256\n        : \"@B\"\n      - {pin-sha256: \"@A\", name: }\n",
        "\n      - {pin-sha256: \"@B\", ? name : b}\n      - {name: c, \"pin-sha256\"\n     : \"@A\"\n      }\n",
    };
    for (const std::string& list : strange) {
        const std::string text = filled(kHead + list + kTail);
        Findings findings;
        if (!load_yaml("pins.yaml", text, findings)) {
            continue;  // YAML-cpp does not take it either
        }
        PolicyEditor editor("pins.yaml", text, kWww);
        for (const bool drop : {true, false}) {
            try {
                const Place at = place_of(text, kWww, kA);
                drop ? editor.drop({at}) : editor.retire({at});
            }
            catch (const InputError& error) {
                EXPECT_NE(std::string(error.what()).find("By hand"), std::string::npos) << error.what();
                EXPECT_EQ(editor.text(), text);
            }
            editor = PolicyEditor("pins.yaml", text, kWww);
        }
    }
    EXPECT_THROW(added(kHead + strange[0] + kTail), InputError);
    // Only to read it again shows that the edit would change the name.
    EXPECT_THROW(retired(kHead + "\n      - {pin-sha256: \"@A\", name: two\n          lines}\n" + kTail), InputError);
    EXPECT_THROW(added(kHead + " 5\n" + kTail), InputError);
    EXPECT_THROW(added(kHead + "\n" + kTail), InputError);
    EXPECT_THROW(added("version: 1\npolicies: {}\n"), InputError);
    EXPECT_THROW(added(kHead + " []\n" + kTail, {"other", false}), InputError);
    EXPECT_THROW(added(kHead + " []\n" + kTail, {"www", true}), InputError);
    EXPECT_THROW(added("\t"), InputError);
}

// Whatever the bytes, it ends, and it says no or does what it should.
TEST(PolicyEditor, SurvivesNoise)
{
    std::mt19937 random(1);
    const std::string text = filled(kHead + kLayouts[6].before + kTail);
    const std::string bytes = "{}[],:#\"'- \n\\?&x";
    for (int turn = 0; turn < 1000; turn++) {
        std::string noisy = text;
        for (unsigned i = 0; i < 1 + random() % 3; i++) {
            noisy[random() % noisy.size()] = bytes[random() % bytes.size()];
        }
        try {
            PolicyEditor editor("pins.yaml", noisy, kWww);
            Findings findings;
            const auto root = load_yaml("pins.yaml", noisy, findings);
            for (const YamlNode& item : list_of(*root, kWww)->items) {
                for (const auto& [key, value] : item.entries) {
                    PolicyEditor(editor).retire({value.place});
                    PolicyEditor(editor).drop({value.place});
                }
            }
            editor.add({{"new", pki().backup_3.pin()}});
        }
        catch (const InputError&) {
        }
    }
}
