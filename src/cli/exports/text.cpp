#include "text.hpp"

#include "utf8.hpp"

#include <algorithm>
#include <string_view>

namespace hpkp::cli {

namespace {

std::string printed(const std::string& text)
{
    return presentable(text, text.size());
}

/// In double quotes, with a backslash before each of these characters.
std::string quoted(const std::string& text, const char* special)
{
    std::string result = "\"";
    for (const char c : printed(text)) {
        if (std::string_view(special).find(c) != std::string_view::npos) {
            result += '\\';
        }
        result += c;
    }
    return result + "\"";
}

}  // namespace

std::string xml_text(const std::string& text)
{
    std::string result;
    for (const char c : printed(text)) {
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        case '"':
            result += "&quot;";
            break;
        default:
            result += c;
        }
    }
    return result;
}

std::string kotlin_string(const std::string& text)
{
    return quoted(text, "\\\"$");
}

std::string yaml_string(const std::string& text)
{
    return quoted(text, "\\\"");
}

std::string comment_text(const std::string& text)
{
    constexpr std::size_t kLongest = 100;
    std::string result = presentable(text, kLongest);
    std::replace(result.begin(), result.end(), '\\', '/');
    // An XML comment has no "--" in it.
    for (std::size_t at = result.find("--"); at != std::string::npos; at = result.find("--", at)) {
        result[at] = '~';
    }
    return result;
}

}  // namespace hpkp::cli
