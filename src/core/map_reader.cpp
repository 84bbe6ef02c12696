#include "map_reader.hpp"

#include <algorithm>
#include <cctype>

namespace hpkp {

namespace {

char lower(char c)
{
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

/// Levenshtein distance, letter case ignored. Words are cut at 64 letters: no key is longer.
std::size_t distance(std::string_view a, std::string_view b)
{
    a = a.substr(0, 64);
    b = b.substr(0, 64);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j < row.size(); j++) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); i++) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); j++) {
            const std::size_t replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

std::string join(const std::vector<std::string_view>& words)
{
    std::string text;
    for (const std::string_view word : words) {
        text += text.empty() ? "" : ", ";
        text += word;
    }
    return text;
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known)
{
    return *std::min_element(known.begin(), known.end(), [&](std::string_view a, std::string_view b) {
        return distance(word, a) < distance(word, b);
    });
}

MapReader::MapReader(const YamlNode& node, std::string subject, std::initializer_list<std::string_view> keys,
                     Findings& findings)
    : node_(node), subject_(std::move(subject)), findings_(findings)
{
    const std::vector<std::string_view> known(keys);
    for (const auto& [key, value] : node.entries) {
        if (std::find(known.begin(), known.end(), key.scalar) != known.end()) {
            continue;
        }
        findings_.emplace_back(FindingId::unknown_key, key.place,
                               subject_ + " has no key \"" + key.scalar + "\"; the nearest is \""
                                   + std::string(nearest(key.scalar, known)) + "\"",
                               "correct or remove it; the keys here are " + join(known));
    }
}

const YamlNode* MapReader::required(std::string_view key, std::string_view example) const
{
    const YamlNode* value = node_.find(key);
    if (value == nullptr) {
        findings_.emplace_back(FindingId::missing_key, node_.place, subject_ + " has no \"" + std::string(key) + "\"",
                               "add it: " + std::string(example));
    }
    return value;
}

bool MapReader::is(const YamlNode& value, YamlNode::Kind kind, std::string_view key) const
{
    if (value.kind == kind) {
        return true;
    }
    findings_.emplace_back(FindingId::bad_value, value.place,
                           "\"" + std::string(key) + "\" of " + subject_ + " is " + std::string(kind_text(value.kind))
                               + ", not " + std::string(kind_text(kind)),
                           "write " + std::string(kind_text(kind)) + " there");
    return false;
}

std::optional<std::string> MapReader::string(const YamlNode& value, std::string_view key) const
{
    if (!is(value, YamlNode::Kind::scalar, key)) {
        return std::nullopt;
    }
    if (value.scalar.empty()) {
        findings_.emplace_back(FindingId::bad_value, value.place,
                               "\"" + std::string(key) + "\" of " + subject_ + " is empty",
                               "give it a value, or remove the key");
        return std::nullopt;
    }
    return value.scalar;
}

std::optional<bool> MapReader::boolean(const YamlNode& value, std::string_view key) const
{
    if (value.kind == YamlNode::Kind::scalar && !value.quoted) {
        if (value.scalar == "true") {
            return true;
        }
        if (value.scalar == "false") {
            return false;
        }
    }
    const std::string found =
        value.kind == YamlNode::Kind::scalar ? "\"" + value.scalar + "\"" : std::string(kind_text(value.kind));
    findings_.emplace_back(FindingId::bad_value, value.place,
                           "\"" + std::string(key) + "\" of " + subject_ + " is " + found + ", not true or false",
                           "write true or false, without quotes");
    return std::nullopt;
}

bool MapReader::boolean_or(std::string_view key, bool fallback) const
{
    const YamlNode* value = optional(key);
    return value == nullptr ? fallback : boolean(*value, key).value_or(fallback);
}

}  // namespace hpkp
