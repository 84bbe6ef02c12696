#include "list_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace hpkp::cli::rollover {

namespace {

constexpr std::size_t npos = YamlText::npos;

}  // namespace

std::string yaml_name(const std::string& name)
{
    static constexpr std::array<const char*, 9> kWords = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
    const auto is_plain = [](unsigned char c) {
        return (c < 0x80 && std::isalnum(c) != 0) || c == ' ' || c == '.' || c == '-' || c == '_';
    };
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool word = std::any_of(kWords.begin(), kWords.end(), [&](const char* known) { return lower == known; });
    const bool letter = !name.empty() && lower.front() >= 'a' && lower.front() <= 'z';
    if (letter && !word && name.back() != ' ' && std::all_of(name.begin(), name.end(), is_plain)) {
        return name;
    }
    std::string quoted = "\"";
    for (const char c : name) {
        quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return quoted + "\"";
}

std::string flow_text(const std::vector<NewPin>& pins, const std::string& between)
{
    std::string text;
    for (const NewPin& pin : pins) {
        text += (text.empty() ? "" : between) + "{name: " + yaml_name(pin.name) + ", pin-sha256: \"" + pin.pin.base64()
                + "\"}";
    }
    return text;
}

/// The byte after "{...}".
std::size_t ListText::flow_item_end(const YamlNode& item) const
{
    const std::size_t begin = text_.offset_of(item.place);
    const std::size_t end = is_flow(begin, '{') ? text_.flow_end(begin) : npos;
    if (end == npos) {
        throw TooStrange();
    }
    return end;
}

/// The comma that comes next, on whatever line; npos if something else does.
std::size_t ListText::comma_after(std::size_t offset) const
{
    const std::size_t next = text_.skip_blank(offset);
    return text_.at(next) == ',' ? next : npos;
}

/// The "-" of an item of a block list: in its line, or in one above where the dash stands alone.
std::size_t ListText::dash_of(const YamlNode& item) const
{
    const std::size_t column = begin_ - text_.line_begin(begin_);
    std::size_t line = text_.line_begin(text_.offset_of(item.place));
    for (;;) {
        if (text_.indentation(line) == column && text_.at(line + column) == '-') {
            return line + column;
        }
        if (line <= begin_) {
            throw TooStrange();
        }
        line = text_.line_begin(line - 1);
    }
}

/// The beginning of the line after the last one with something of the item in it.
std::size_t ListText::block_item_end(const YamlNode& item) const
{
    const std::size_t begin = text_.offset_of(item.place);
    if (is_flow(begin, '{')) {
        return text_.next_line(flow_item_end(item));
    }
    const std::size_t dash = dash_of(item);
    const std::size_t column = dash - text_.line_begin(dash);
    std::size_t end = text_.next_line(dash);
    for (std::size_t line = end; line < text_.text().size(); line = text_.next_line(line)) {
        if (text_.is_blank_line(line) || text_.is_comment_line(line)) {
            continue;
        }
        if (text_.indentation(line) <= column) {
            break;
        }
        end = text_.next_line(line);
    }
    return end;
}

void ListText::add_to_block(const std::vector<NewPin>& pins)
{
    if (pins.empty() || list_.items.empty()) {
        throw TooStrange();
    }
    const YamlNode& last = list_.items.back();
    const std::size_t dash = dash_of(last);
    const std::size_t indent = dash - text_.line_begin(dash);
    const std::size_t begin = text_.offset_of(last.place);
    const bool beside = text_.line_begin(begin) == text_.line_begin(dash);
    const std::size_t gap = beside ? begin - dash - 1 : 1;
    const std::string& line_end = text_.line_end_text();
    const std::string head = std::string(indent, ' ') + "-" + std::string(gap, ' ');

    std::string added;
    if (is_flow(begin, '{')) {
        added = head + flow_text(pins, line_end + head) + line_end;
    } else {
        for (const NewPin& pin : pins) {
            added += head + "name: " + yaml_name(pin.name) + line_end + std::string(head.size(), ' ') + "pin-sha256: \""
                     + pin.pin.base64() + "\"" + line_end;
        }
    }
    // Comments below the last item, and indented like it, are about it.
    std::size_t at = block_item_end(last);
    while (at < text_.text().size() && text_.is_comment_line(at) && text_.indentation(at) > indent) {
        at = text_.next_line(at);
    }
    const bool cut_off = at == text_.text().size() && text_.at(at - 1) != '\n';
    text_.insert(at, cut_off ? line_end + added : added);
}

void ListText::add_to_flow(const std::vector<NewPin>& pins)
{
    if (list_.items.empty()) {
        text_.insert(begin_ + 1, flow_text(pins));
        return;
    }
    const std::size_t begin = text_.offset_of(list_.items.back().place);
    const std::size_t end = flow_item_end(list_.items.back());
    const std::size_t comma = comma_after(end);
    const std::size_t last = comma == npos ? end : comma + 1;
    if (!text_.begins_line(begin) || !text_.ends_line(last)) {
        text_.insert(end, ", " + flow_text(pins));
        return;
    }
    const std::string line = text_.line_end_text() + std::string(text_.indentation(text_.line_begin(begin)), ' ');
    text_.insert(text_.line_end(last), line + flow_text(pins, "," + line) + (comma == npos ? "" : ","));
    if (comma == npos) {
        text_.insert(end, ",");
    }
}

void ListText::drop_from_block(std::size_t index)
{
    const YamlNode& item = list_.items[index];
    text_.erase(text_.line_begin(dash_of(item)), block_item_end(item));
}

void ListText::drop_from_flow(std::size_t index, bool is_last)
{
    const std::size_t begin = text_.offset_of(list_.items[index].place);
    const std::size_t end = flow_item_end(list_.items[index]);
    const std::size_t comma = comma_after(end);
    const std::size_t after = comma == npos ? end : comma + 1;
    const std::size_t before = index == 0 ? npos : flow_item_end(list_.items[index - 1]);

    if (text_.begins_line(begin) && text_.ends_line(after)) {
        text_.erase(text_.line_begin(begin), text_.next_line(after));
    } else if (is_last && before != npos) {
        // From the end of the one before it, unless a comment stands between.
        text_.erase(text_.text().find('#', before) < begin ? begin : before, end);
        return;
    } else {
        text_.erase(begin, is_last ? after : text_.skip_spaces(after));
    }
    if (is_last && comma == npos && before != npos) {
        const std::size_t surplus = comma_after(before);
        text_.erase(surplus, surplus == npos ? npos : surplus + 1);
    }
}

void ListText::retire(const YamlNode& item)
{
    if (const YamlNode* known = item.find("retired")) {
        const std::size_t begin = text_.offset_of(known->place);
        text_.replace(begin, text_.scalar_end(begin), "true");
        return;
    }
    const std::size_t begin = text_.offset_of(item.place);
    if (is_flow(begin, '{')) {
        const std::size_t end = text_.scalar_end(text_.offset_of(item.entries.back().second.place));
        if (end == npos) {
            throw TooStrange();
        }
        text_.insert(end, ", retired: true");
        return;
    }
    const std::size_t at = block_item_end(item);
    const bool cut_off = at == text_.text().size() && text_.at(at - 1) != '\n';
    const std::string line =
        std::string(begin - text_.line_begin(begin), ' ') + "retired: true" + text_.line_end_text();
    text_.insert(at, cut_off ? text_.line_end_text() + line : line);
}

}  // namespace hpkp::cli::rollover
