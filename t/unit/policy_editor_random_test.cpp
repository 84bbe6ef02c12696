// rollover/policy_editor.hpp: edits of lists in random layouts.
#include "rollover/policy_editor.hpp"
#include "test_site.hpp"

#include "policy_reader.hpp"
#include "yaml_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

using namespace hpkp;
using namespace hpkp::test;
using hpkp::cli::rollover::PolicyEditor;

namespace {

const std::string kHead = "version: 1\npolicies:\n  www:\n    pins:";
const std::string kTail = "    enforce: {max-age: 1d}\n";

/// Where the value of this pin stands.
Place place_of(const std::string& text, const Pin& pin)
{
    Findings findings;
    const auto root = load_yaml("pins.yaml", text, findings);
    for (const YamlNode& item : root->find("policies")->find("www")->find("pins")->items) {
        const YamlNode* value = item.find("pin-sha256");
        if (value != nullptr && value->scalar == pin.base64()) {
            return value->place;
        }
    }
    ADD_FAILURE() << "no pin " << pin.base64() << " in\n" << text;
    return {};
}

std::string with_crlf(const std::string& text)
{
    std::string result;
    for (const char c : text) {
        result += c == '\n' ? "\r\n" : std::string(1, c);
    }
    return result;
}

}  // namespace

// Policies in every mixture of layouts that somebody may have written: an edit changes what it should and nothing else.
TEST(PolicyEditor, MeansWhatWasMeantInRandomLayouts)
{
    std::mt19937 random(7469);
    const auto chance = [&](unsigned n) {
        return random() % n == 0;
    };
    const auto comment = [&] {
        return chance(3) ? "  # a \"comment\", {or [ so" : "";
    };
    const auto value = [&](const std::string& text) {
        return chance(3) ? "'" + text + "'" : chance(2) ? text : "\"" + text + "\"";
    };
    std::size_t edits = 0;
    for (int turn = 0; turn < 1000; turn++) {
        const bool crlf = chance(4);
        const bool flow_list = chance(2);
        const bool in_lines = chance(2);
        const std::string indent(4 + random() % 5, ' ');
        std::vector<Pin> pins = {pki().www_key.pin(), pki().backup_1.pin(), pki().backup_2.pin()};
        pins.resize(1 + random() % 3, pins.front());

        std::string list = flow_list ? (in_lines ? " [\n" : " [") : "\n";
        for (std::size_t i = 0; i < pins.size(); i++) {
            std::vector<std::string> entries = {"pin-sha256: " + value(pins[i].base64())};
            if (chance(2)) {
                entries.insert(entries.begin() + random() % 2, "name: " + value("key " + std::to_string(i)));
            }
            if (chance(3)) {
                entries.insert(entries.begin() + random() % 2, chance(2) ? "retired: false" : "retired: true");
            }
            const bool flow_map = flow_list || chance(2);
            const bool own_line = !flow_list || in_lines;
            list += chance(4) && own_line ? indent + (chance(2) ? " " : "") + "# above\n" : "";
            list += own_line ? indent + (flow_list ? "" : "- ") : "";
            for (std::size_t e = 0; e < entries.size(); e++) {
                list += e == 0 ? (flow_map ? "{" : "") : flow_map ? ", " : comment() + ("\n" + indent) + "  ";
                list += entries[e];
            }
            list += flow_map ? (chance(5) ? " }" : "}") : "";
            const bool last = i + 1 == pins.size();
            list += flow_list && (!last || chance(3)) ? "," : "";
            list += own_line ? comment() + std::string("\n") + (chance(5) ? "\n" : "") : last ? "" : " ";
        }
        list += flow_list ? (in_lines ? indent + "]" : "]") + std::string(comment()) + "\n" : "";
        std::string text =
            chance(2) ? kHead + list + kTail : "version: 1\npolicies:\n  www:\n" + kTail + "    pins:" + list;
        text = crlf ? with_crlf(text) : text;

        const auto read = [&](const std::string& content) {
            Findings findings;
            TempDir dir(fast_directory());
            PolicyFile file = read_policy_file(dir.write("pins.yaml", content), kNow, findings);
            EXPECT_EQ(ids(findings), "") << content;
            std::vector<std::string> said;
            for (const PolicyPin& pin : file.policies.at(0).pin_sets.at(0).pins) {
                said.push_back(pin.name + " " + pin.pin.base64() + (pin.retired ? " retired" : ""));
            }
            return said;
        };
        const auto comments = [](const std::string& content) {
            return std::count(content.begin(), content.end(), '#');
        };
        auto wanted = read(text);
        const std::size_t at = random() % pins.size();
        PolicyEditor editor("pins.yaml", text, {"www", false});
        const int kind = random() % 3;
        if (kind == 0) {
            editor.add({{"new", pki().backup_3.pin()}});
            wanted.push_back("new " + pki().backup_3.pin().base64());
        } else if (kind == 1) {
            editor.retire({place_of(text, pins[at])});
            wanted[at] += wanted[at].find(" retired") == std::string::npos ? " retired" : "";
        } else if (pins.size() > 1) {
            editor.drop({place_of(text, pins[at])});
            wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(at));
        }
        ASSERT_EQ(read(editor.text()), wanted) << text << "\n---\n" << editor.text();
        if (kind != 2) {
            ASSERT_EQ(comments(editor.text()), comments(text)) << editor.text();
        }
        if (crlf) {
            ASSERT_EQ(std::count(editor.text().begin(), editor.text().end(), '\n'),
                      std::count(editor.text().begin(), editor.text().end(), '\r'))
                << editor.text();
        }
        edits += editor.text() == text ? 0 : 1;
    }
    EXPECT_GT(edits, 700U);
}
