// UTF-8, as much of it as messages and places need.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hpkp {

/// The bytes of the character that begins at `i`: 1 to 4, or 0 if none does.
std::size_t utf8_length(std::string_view text, std::size_t i);

/// The number of characters; a stray byte counts as one.
std::size_t utf8_count(std::string_view text);

/// Text fit for a terminal, a log, XML and YAML: control characters, marks that turn the direction of writing, what is
/// no character, and stray bytes become "?", and at most `limit` bytes are left, cut between characters.
std::string presentable(std::string_view text, std::size_t limit);

}  // namespace hpkp
