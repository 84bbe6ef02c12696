#include "utf8.hpp"

#include <algorithm>

namespace hpkp {

namespace {

unsigned byte_at(std::string_view text, std::size_t i)
{
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

bool continues(unsigned byte)
{
    return (byte & 0xc0) == 0x80;
}

/// Line ends that only some programs know, and marks that turn the direction of what follows: U+2028 to U+202E, U+2066
/// to U+2069. They make a name read as another one.
bool breaks_or_turns(std::string_view text, std::size_t i)
{
    const unsigned second = byte_at(text, i + 1);
    const unsigned third = byte_at(text, i + 2);
    return byte_at(text, i) == 0xe2
           && ((second == 0x80 && third >= 0xa8 && third <= 0xae)
               || (second == 0x81 && third >= 0xa6 && third <= 0xa9));
}

/// U+FFFE and U+FFFF, which XML and YAML do not take.
bool is_no_character(std::string_view text, std::size_t i)
{
    return byte_at(text, i) == 0xef && byte_at(text, i + 1) == 0xbf && byte_at(text, i + 2) >= 0xbe;
}

/// C0, DEL, and C1 (which some terminals obey too).
bool is_control(std::string_view text, std::size_t i)
{
    const unsigned byte = byte_at(text, i);
    return byte < 0x20 || byte == 0x7f || (byte == 0xc2 && byte_at(text, i + 1) < 0xa0) || breaks_or_turns(text, i)
           || is_no_character(text, i);
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t i)
{
    const unsigned first = byte_at(text, i);
    const unsigned second = byte_at(text, i + 1);
    if (i >= text.size()) {
        return 0;
    }
    if (first < 0x80) {
        return 1;
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || i + length > text.size()) {
        return 0;
    }
    for (std::size_t k = 1; k < length; k++) {
        if (!continues(byte_at(text, i + k))) {
            return 0;
        }
    }
    // Overlong forms, surrogates, and what is beyond U+10FFFF (RFC 3629).
    const bool bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0)
                     || (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90);
    return bad ? 0 : length;
}

std::size_t utf8_count(std::string_view text)
{
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); i += std::max<std::size_t>(utf8_length(text, i), 1)) {
        count++;
    }
    return count;
}

std::string presentable(std::string_view text, std::size_t limit)
{
    constexpr std::string_view kCut = "...";
    std::string result;
    std::size_t fits = 0;  // the length of what may stand before kCut
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(text, i);
        if (length == 0 || is_control(text, i)) {
            result += '?';
        } else {
            result += text.substr(i, length);
        }
        i += std::max<std::size_t>(length, 1);
        if (result.size() + kCut.size() <= limit) {
            fits = result.size();
        }
        if (result.size() > limit) {
            result.resize(fits);
            result += kCut;
            break;
        }
    }
    return result;
}

}  // namespace hpkp
