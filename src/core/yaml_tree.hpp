// A YAML document as a plain tree with places, read defensively: see load_yaml().
#pragma once

#include "finding.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hpkp {

struct YamlNode {
    enum class Kind { null, scalar, sequence, map };

    Kind kind = Kind::null;
    Place place;
    std::string scalar;
    bool quoted = false;  // of a scalar: "30" is a string, 30 a number
    std::vector<YamlNode> items;
    std::vector<std::pair<YamlNode, YamlNode>> entries;  // keys are scalars, each once

    /// The value of a key of a map, or null.
    const YamlNode* find(std::string_view key) const;
};

/// "a mapping", "a list", ... for messages.
std::string_view kind_text(YamlNode::Kind kind);

/// Reads the one document of `text` (the content of `file`, which is used for places only). A UTF-8 byte order mark and
/// CRLF are taken. Findings, and no tree: a syntax error, tabs and other control characters, a second document, any
/// alias, nesting deeper than a policy can be. Duplicate keys are findings; the first one stays in the tree.
std::optional<YamlNode> load_yaml(const std::string& file, std::string_view text, Findings& findings);

}  // namespace hpkp
