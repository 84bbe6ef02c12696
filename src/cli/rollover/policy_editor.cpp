#include "policy_editor.hpp"

#include "../input.hpp"
#include "list_text.hpp"
#include "yaml_tree.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <stdexcept>

namespace hpkp::cli::rollover {

namespace {

using Kind = YamlNode::Kind;

YamlNode read(const std::string& file, const std::string& text, std::size_t* mistakes = nullptr)
{
    Findings findings;
    auto root = load_yaml(file, text, findings);
    if (!root) {
        throw TooStrange();
    }
    if (mistakes != nullptr) {
        *mistakes = findings.size();
    }
    return std::move(*root);
}

/// The list in the tree; null if there is none.
YamlNode* find_list(YamlNode& root, const PinListName& name)
{
    const auto child = [](YamlNode* map, const std::string& key) -> YamlNode* {
        if (map != nullptr) {
            for (auto& [known, value] : map->entries) {
                if (known.scalar == key) {
                    return &value;
                }
            }
        }
        return nullptr;
    };
    YamlNode* owner = child(child(&root, "policies"), name.policy);
    YamlNode* list = child(name.report_only ? child(owner, "report-only") : owner, "pins");
    return list != nullptr && list->kind == Kind::sequence ? list : nullptr;
}

/// The same values in the same order, wherever they stand.
bool same(const YamlNode& a, const YamlNode& b)
{
    return a.kind == b.kind && a.scalar == b.scalar && a.quoted == b.quoted
           && std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same)
           && std::equal(
               a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
               [](const auto& x, const auto& y) { return same(x.first, y.first) && same(x.second, y.second); });
}

YamlNode scalar(const std::string& text, bool quoted)
{
    YamlNode node;
    node.kind = Kind::scalar;
    node.scalar = text;
    node.quoted = quoted;
    return node;
}

YamlNode map_of(const NewPin& pin)
{
    YamlNode map;
    map.kind = Kind::map;
    map.entries.emplace_back(scalar("name", false), scalar(pin.name, yaml_name(pin.name).front() == '"'));
    map.entries.emplace_back(scalar("pin-sha256", false), scalar(pin.pin.base64(), true));
    return map;
}

using TextEdit = std::function<void(ListText&, const YamlNode&)>;
using TreeEdit = std::function<void(YamlNode&)>;

/// The text after an edit, which means what the same edit makes of the tree.
std::string edited(const std::string& file, const std::string& text, const PinListName& name, const TextEdit& in_text,
                   const TreeEdit& in_tree)
{
    std::size_t mistakes = 0;
    YamlNode root = read(file, text, &mistakes);
    const YamlNode* list = find_list(root, name);
    if (list == nullptr) {
        throw TooStrange();
    }
    YamlText changed(text);
    ListText list_text(changed, *list);
    try {
        in_text(list_text, *list);
    }
    catch (const std::out_of_range&) {
        throw TooStrange();  // a place that is nowhere in the text
    }

    in_tree(*find_list(root, name));
    std::size_t mistakes_now = 0;
    if (!same(root, read(file, changed.text(), &mistakes_now)) || mistakes_now > mistakes) {
        throw TooStrange();
    }
    return changed.text();
}

void set_retired(YamlNode& pin)
{
    const auto known = std::find_if(pin.entries.begin(), pin.entries.end(),
                                    [](const auto& entry) { return entry.first.scalar == "retired"; });
    if (known != pin.entries.end()) {
        known->second = scalar("true", false);
    } else {
        pin.entries.emplace_back(scalar("retired", false), scalar("true", false));
    }
}

[[noreturn]] void by_hand(const Place& place, const std::string& what)
{
    throw InputError(place.text()
                     + ": the list of pins is written in a way that cannot be edited safely; nothing was "
                       "changed. By hand: "
                     + what);
}

}  // namespace

PolicyEditor::PolicyEditor(std::string file, std::string text, PinListName list)
    : file_(std::move(file)), text_(std::move(text)), list_(std::move(list))
{
    try {
        YamlNode root = read(file_, text_);
        if (find_list(root, list_) != nullptr) {
            return;
        }
    }
    catch (const TooStrange&) {
    }
    throw InputError(file_ + " has no list of pins " + (list_.report_only ? "in report-only " : "") + "of policy \""
                     + list_.policy + "\"");
}

void PolicyEditor::add(const std::vector<NewPin>& pins)
{
    try {
        text_ = edited(
            file_, text_, list_, [&](ListText& list, const YamlNode&) { list.add(pins); },
            [&](YamlNode& list) { std::transform(pins.begin(), pins.end(), std::back_inserter(list.items), map_of); });
    }
    catch (const TooStrange&) {
        YamlNode root = read(file_, text_);
        by_hand(find_list(root, list_)->place, "add " + flow_text(pins));
    }
}

std::vector<std::size_t> PolicyEditor::indices_of(const std::vector<Place>& pins) const
{
    YamlNode root = read(file_, text_);
    const YamlNode& list = *find_list(root, list_);
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < list.items.size(); i++) {
        const auto& entries = list.items[i].entries;
        const bool meant = std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
            const Place& at = entry.second.place;
            return std::any_of(pins.begin(), pins.end(),
                               [&](const Place& pin) { return pin.line == at.line && pin.column == at.column; });
        });
        if (meant) {
            indices.push_back(i);
        }
    }
    if (indices.empty() || indices.size() != pins.size()) {
        throw InputError(file_ + ": a pin is not where it was a moment ago; nothing was changed");
    }
    std::reverse(indices.begin(), indices.end());  // from the last on, so that the others stay where they are
    return indices;
}

void PolicyEditor::retire(const std::vector<Place>& pins)
{
    const std::vector<std::size_t> indices = indices_of(pins);
    try {
        text_ = edited(
            file_, text_, list_,
            [&](ListText& list, const YamlNode& tree) {
                for (const std::size_t index : indices) {
                    list.retire(tree.items.at(index));
                }
            },
            [&](YamlNode& list) {
                for (const std::size_t index : indices) {
                    set_retired(list.items.at(index));
                }
            });
    }
    catch (const TooStrange&) {
        by_hand(pins.front(), "add retired: true to the pin");
    }
}

void PolicyEditor::drop(const std::vector<Place>& pins)
{
    const std::vector<std::size_t> indices = indices_of(pins);
    try {
        text_ = edited(
            file_, text_, list_,
            [&](ListText& list, const YamlNode& tree) {
                std::size_t left = tree.items.size();  // the items up to the last one that stays
                for (const std::size_t index : indices) {
                    const bool is_last = index + 1 == left;
                    list.drop(index, is_last);
                    left = is_last ? index : left;
                }
            },
            [&](YamlNode& list) {
                for (const std::size_t index : indices) {
                    list.items.erase(list.items.begin() + static_cast<std::ptrdiff_t>(index));
                }
            });
    }
    catch (const TooStrange&) {
        by_hand(pins.front(), "remove the pin");
    }
}

}  // namespace hpkp::cli::rollover
