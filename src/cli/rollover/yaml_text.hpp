// YAML as text: where the lines, values and brackets lie to which the reader's places point.
#pragma once

#include "finding.hpp"

#include <string>

namespace hpkp::cli::rollover {

/// Offsets are bytes from the beginning. It knows as much of YAML as an edit needs and checks nothing: whoever edits
/// reads the result again (policy_editor.cpp).
class YamlText {
public:
    static constexpr std::size_t npos = std::string::npos;

    explicit YamlText(std::string text);

    const std::string& text() const { return text_; }
    char at(std::size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }

    /// "\r\n" or "\n", whichever ends the first line.
    const std::string& line_end_text() const { return line_end_; }

    /// The byte of a place; npos if there is none.
    std::size_t offset_of(const Place& place) const;

    /// The first byte of the line of this byte, the byte after its last character, the first byte of the next line.
    std::size_t line_begin(std::size_t offset) const;
    std::size_t line_end(std::size_t offset) const;
    std::size_t next_line(std::size_t offset) const;

    /// The first byte from here on that is no space; within the line, and across lines and comments.
    std::size_t skip_spaces(std::size_t offset) const;
    std::size_t skip_blank(std::size_t offset) const;

    /// Nothing but spaces stands before this byte in its line.
    bool begins_line(std::size_t offset) const { return skip_spaces(line_begin(offset)) == offset; }
    /// From here to the end of the line there is nothing, or a comment.
    bool ends_line(std::size_t offset) const;
    /// The line that begins here has a comment and nothing else.
    bool is_comment_line(std::size_t begin) const;
    bool is_blank_line(std::size_t begin) const { return skip_spaces(begin) == line_end(begin); }
    /// Its spaces.
    std::size_t indentation(std::size_t begin) const { return skip_spaces(begin) - begin; }

    /// The byte after the bracket that closes the one at `open`; npos if none does.
    std::size_t flow_end(std::size_t open) const;
    /// The byte after the scalar that begins here: a quoted one, or a plain one of one line.
    std::size_t scalar_end(std::size_t begin) const;

    void insert(std::size_t offset, const std::string& what) { text_.insert(offset, what); }
    void erase(std::size_t begin, std::size_t end) { text_.erase(begin, end - begin); }
    void replace(std::size_t begin, std::size_t end, const std::string& by) { text_.replace(begin, end - begin, by); }

private:
    std::size_t quote_end(std::size_t open) const;

    std::string text_;
    std::string line_end_;
};

}  // namespace hpkp::cli::rollover
