// Reads the keys of a YAML mapping and says what is wrong with them: unknown, missing, of the wrong type.
#pragma once

#include "finding.hpp"
#include "yaml_tree.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpkp {

class MapReader {
public:
    /// `node` is a mapping whose only keys are `keys`; anything else is a finding. `subject` names it in messages
    /// ("policy \"www\""). The reader keeps references to all of them.
    MapReader(const YamlNode& node, std::string subject, std::initializer_list<std::string_view> keys,
              Findings& findings);

    /// The value of an optional key, or null.
    const YamlNode* optional(std::string_view key) const { return node_.find(key); }

    /// The value of a required key, or null and a finding.
    const YamlNode* required(std::string_view key, std::string_view example) const;

    /// A scalar's text; empty and a finding if it is something else or nothing.
    std::optional<std::string> string(const YamlNode& value, std::string_view key) const;

    /// true or false, without quotes; empty and a finding if it is something else.
    std::optional<bool> boolean(const YamlNode& value, std::string_view key) const;

    /// The same of an optional key, with a default.
    bool boolean_or(std::string_view key, bool fallback) const;

    /// Whether a value has the kind wanted; a finding if not.
    bool is(const YamlNode& value, YamlNode::Kind kind, std::string_view key) const;

    const Place& place() const { return node_.place; }

private:
    const YamlNode& node_;
    std::string subject_;
    Findings& findings_;
};

/// The member of `known` that a misspelt word most likely means; there is always one.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace hpkp
