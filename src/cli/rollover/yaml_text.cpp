#include "yaml_text.hpp"

#include "utf8.hpp"

#include <algorithm>

namespace hpkp::cli::rollover {

YamlText::YamlText(std::string text) : text_(std::move(text))
{
    const std::size_t first = text_.find('\n');
    line_end_ = first != npos && first != 0 && text_[first - 1] == '\r' ? "\r\n" : "\n";
}

std::size_t YamlText::offset_of(const Place& place) const
{
    std::size_t offset = 0;
    for (unsigned line = 1; line < place.line; line++) {
        offset = text_.find('\n', offset);
        if (offset == npos) {
            return npos;
        }
        offset++;
    }
    for (unsigned column = 1; column < place.column; column++) {
        if (offset >= text_.size()) {
            return npos;
        }
        offset += std::max<std::size_t>(1, utf8_length(text_, offset));
    }
    return offset;
}

std::size_t YamlText::line_begin(std::size_t offset) const
{
    const std::size_t before = offset == 0 ? npos : text_.rfind('\n', offset - 1);
    return before == npos ? 0 : before + 1;
}

std::size_t YamlText::line_end(std::size_t offset) const
{
    const std::size_t end = std::min(text_.find('\n', offset), text_.size());
    return end > offset && text_[end - 1] == '\r' ? end - 1 : end;
}

std::size_t YamlText::next_line(std::size_t offset) const
{
    const std::size_t end = text_.find('\n', offset);
    return end == npos ? text_.size() : end + 1;
}

std::size_t YamlText::skip_spaces(std::size_t offset) const
{
    return std::min(text_.find_first_not_of(' ', offset), text_.size());
}

std::size_t YamlText::skip_blank(std::size_t offset) const
{
    for (;;) {
        offset = std::min(text_.find_first_not_of(" \r\n", offset), text_.size());
        if (at(offset) != '#') {
            return offset;
        }
        offset = next_line(offset);
    }
}

bool YamlText::ends_line(std::size_t offset) const
{
    const std::size_t next = skip_spaces(offset);
    return next == line_end(offset) || (at(next) == '#' && next > offset);
}

bool YamlText::is_comment_line(std::size_t begin) const
{
    return at(skip_spaces(begin)) == '#';
}

std::size_t YamlText::quote_end(std::size_t open) const
{
    const char quote = text_[open];
    for (std::size_t i = open + 1; i < text_.size(); i++) {
        if (quote == '"' && text_[i] == '\\') {
            i++;
        } else if (text_[i] == quote && quote == '\'' && at(i + 1) == quote) {
            i++;  // '' is a quote inside single quotes
        } else if (text_[i] == quote) {
            return i + 1;
        }
    }
    return npos;
}

std::size_t YamlText::flow_end(std::size_t open) const
{
    std::size_t depth = 0;
    bool at_start = true;  // of a value: a quote opens a scalar here, and stands for itself within a plain one
    for (std::size_t i = open; i < text_.size();) {
        const char c = text_[i];
        if (c == '#' && i > open && (text_[i - 1] == ' ' || text_[i - 1] == '\n')) {
            i = next_line(i);
            continue;
        }
        if ((c == '"' || c == '\'') && at_start) {
            i = quote_end(i);
            at_start = false;
            continue;
        }
        if (c == '{' || c == '[') {
            depth++;
        }
        if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
        if (c != ' ' && c != '\r' && c != '\n') {
            at_start = c == '{' || c == '[' || c == ',' || c == ':';
        }
        i++;
    }
    return npos;
}

std::size_t YamlText::scalar_end(std::size_t begin) const
{
    if (at(begin) == '"' || at(begin) == '\'') {
        return quote_end(begin);
    }
    std::size_t end = std::min(text_.find_first_of(",{}[]\r\n", begin), text_.size());
    end = std::min(end, text_.find(" #", begin));
    while (end > begin && text_[end - 1] == ' ') {
        end--;
    }
    return end;
}

}  // namespace hpkp::cli::rollover
