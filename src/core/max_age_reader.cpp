#include "max_age_reader.hpp"

#include "duration.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hpkp {

namespace {

using Kind = YamlNode::Kind;

void add(Findings& findings, FindingId id, const Place& place, std::string what, std::string remedy)
{
    findings.emplace_back(id, place, std::move(what), std::move(remedy));
}

std::optional<std::int64_t> read_duration(const MapReader& reader, const YamlNode& node, std::string_view key,
                                          Findings& findings)
{
    const auto text = reader.string(node, key);
    if (!text) {
        return std::nullopt;
    }
    const auto seconds = parse_duration(*text);
    if (!seconds) {
        const bool number = text->find_first_not_of("0123456789") == std::string::npos && !text->empty();
        const std::string most = std::to_string(kMaxSeconds) + " seconds";
        add(findings, FindingId::bad_value, node.place,
            "\"" + std::string(key) + "\" is \"" + *text + "\", " + (number ? "more than " + most : "not a time"),
            "write seconds, or nginx's units, such as 2592000, 30d or 1w 2d; at most " + most);
    }
    return seconds;
}

/// Steps {for, value}; all but the last have "for"; values never fall.
MaxAge read_ramp(const YamlNode& node, Findings& findings)
{
    const std::string subject = "the ramp";
    MaxAge ramp;
    if (node.items.empty()) {
        add(findings, FindingId::bad_value, node.place, subject + " has no step", "add one, such as {value: 30d}");
    }
    for (const YamlNode& step : node.items) {
        const bool last = &step == &node.items.back();
        if (step.kind != Kind::map) {
            add(findings, FindingId::bad_value, step.place, "a step of " + subject + " is no mapping",
                "write {for: 1d, value: 5m}");
            continue;
        }
        const MapReader reader(step, "a step of " + subject, {"for", "value"}, findings);
        MaxAge::Step read;
        if (const YamlNode* value = reader.required("value", "value: 1h")) {
            const auto seconds = read_duration(reader, *value, "value", findings);
            if (seconds && *seconds < ramp.highest()) {
                add(findings, FindingId::bad_value, value->place, "the values of " + subject + " fall",
                    "let each be at least the one before");
            }
            read.value = seconds.value_or(ramp.highest());
        }
        const YamlNode* duration = last ? reader.optional("for") : reader.required("for", "for: 1d");
        if (duration != nullptr) {
            read.duration = read_duration(reader, *duration, "for", findings).value_or(0);
        }
        if (duration != nullptr && last) {
            add(findings, FindingId::bad_value, duration->place, "the last step of " + subject + " has \"for\"",
                "remove it: the last value stays");
        }
        ramp.steps.push_back(read);
    }
    return ramp;
}

}  // namespace

MaxAge read_max_age(const MapReader& enforce, const YamlNode& node, Findings& findings)
{
    if (node.kind != Kind::map) {
        return MaxAge(read_duration(enforce, node, "max-age", findings).value_or(0));
    }
    const MapReader reader(node, "\"max-age\"", {"ramp"}, findings);
    const YamlNode* ramp = reader.required("ramp", "ramp: [{for: 1d, value: 5m}, {value: 1h}]");
    if (ramp == nullptr || !reader.is(*ramp, Kind::sequence, "ramp")) {
        return MaxAge(0);
    }
    return read_ramp(*ramp, findings);
}

}  // namespace hpkp
