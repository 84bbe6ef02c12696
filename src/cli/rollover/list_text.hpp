// One edit of a list of pins in YAML text, in the style that is found there.
#pragma once

#include "policy_editor.hpp"
#include "yaml_text.hpp"
#include "yaml_tree.hpp"

namespace hpkp::cli::rollover {

/// The text is written too strangely for an edit.
struct TooStrange {};

/// A list of pins in the text. What is after an item may be edited before it, so several go from the last to the first.
/// Throws TooStrange.
class ListText {
public:
    ListText(YamlText& text, const YamlNode& list) : text_(text), list_(list), begin_(text.offset_of(list.place)) {}

    void add(const std::vector<NewPin>& pins) { is_flow(begin_, '[') ? add_to_flow(pins) : add_to_block(pins); }
    void retire(const YamlNode& item);
    /// `is_last`: nothing is left behind it.
    void drop(std::size_t index, bool is_last)
    {
        is_flow(begin_, '[') ? drop_from_flow(index, is_last) : drop_from_block(index);
    }

private:
    bool is_flow(std::size_t offset, char bracket) const { return text_.at(offset) == bracket; }
    std::size_t flow_item_end(const YamlNode& item) const;
    std::size_t dash_of(const YamlNode& item) const;
    std::size_t block_item_end(const YamlNode& item) const;
    std::size_t comma_after(std::size_t offset) const;

    void add_to_flow(const std::vector<NewPin>& pins);
    void add_to_block(const std::vector<NewPin>& pins);
    void drop_from_flow(std::size_t index, bool is_last);
    void drop_from_block(std::size_t index);

    YamlText& text_;
    const YamlNode& list_;
    std::size_t begin_;  // "[", or the first "-"
};

/// Pins in flow style, `between` them: {name: ..., pin-sha256: "..."}
std::string flow_text(const std::vector<NewPin>& pins, const std::string& between = ", ");

/// A name as it stands in YAML: plain where every reader takes it for text, else in double quotes.
std::string yaml_name(const std::string& name);

}  // namespace hpkp::cli::rollover
