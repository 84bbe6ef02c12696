#include "entry.hpp"

#include "../utf8.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace hpkp {

namespace {

using nlohmann::json;

constexpr int kTextVersion = 1;

const char* kind_text(SentPolicy::Kind kind)
{
    switch (kind) {
    case SentPolicy::Kind::enforced:
        return "enforce";
    case SentPolicy::Kind::guarded:
        return "guard";
    case SentPolicy::Kind::reported:
        break;
    }
    return "report-only";
}

bool read_kind(const std::string& text, SentPolicy::Kind& kind)
{
    for (const auto known : {SentPolicy::Kind::enforced, SentPolicy::Kind::guarded, SentPolicy::Kind::reported}) {
        if (text == kind_text(known)) {
            kind = known;
            return true;
        }
    }
    return false;
}

/// A JSON string. Bytes that are not UTF-8 become "?".
std::string quoted(const std::string& from)
{
    std::string text = "\"";
    for (const char c : recorded_name(from)) {
        text += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return text + "\"";
}

/// Takes the events of a policy's text. A name of the outermost object tells how deep a value is that stands below it:
/// none but those that hold an object or a list get past start_object() and start_array().
class TextReader {
public:
    explicit TextReader(SentPolicy& policy) : policy_(policy) {}

    bool complete() const
    {
        const auto& pins = policy_.pins.pins;
        const bool all_pins =
            std::none_of(pins.begin(), pins.end(), [](const PolicyPin& pin) { return pin.pin == Pin(Pin::Bytes{}); });
        if (!version_known_ || !kind_known_ || !all_pins_ || !all_pins) {
            return false;
        }
        // Without these it would hold nobody to anything. A policy of report-only holds nobody anyway.
        const Clients& clients = policy_.clients;
        const bool holds = !pins.empty() && (clients.chain || clients.sent || clients.leaf);
        const bool timed =
            policy_.kind == SentPolicy::Kind::enforced ? !policy_.max_age.steps.empty() : policy_.until != 0;
        return policy_.kind == SentPolicy::Kind::reported || (holds && timed);
    }

    bool null() { return false; }
    bool boolean(bool value)
    {
        policy_.include_subdomains = value;
        return key_ == "includeSubDomains";
    }
    bool number_integer(json::number_integer_t value) { return number(value); }
    bool number_unsigned(json::number_unsigned_t value)
    {
        return value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
               && number(static_cast<std::int64_t>(value));
    }
    bool number_float(json::number_float_t, const json::string_t&) { return false; }
    bool binary(json::binary_t&) { return false; }

    bool string(json::string_t& value)
    {
        auto& pins = policy_.pins.pins;
        if (key_ == "kind") {
            kind_known_ = read_kind(value, policy_.kind);
            return kind_known_;
        }
        if (key_ == "policy") {
            policy_.name = value;
            return true;
        }
        if (depth_ == 2 && key_ == "clients") {
            bool* kind = value == "chain"  ? &policy_.clients.chain
                         : value == "sent" ? &policy_.clients.sent
                         : value == "leaf" ? &policy_.clients.leaf
                                           : nullptr;
            if (kind != nullptr) {
                *kind = true;
            }
            return kind != nullptr;
        }
        if (depth_ == 2 && key_ == "trust") {
            policy_.stores[inner_key_] = value;
            return true;
        }
        if (depth_ != 3 || key_ != "pins") {
            return false;
        }
        if (inner_key_ == "name") {
            pins.back().name = value;
            return true;
        }
        const auto pin = Pin::from_base64(value);
        if (pin) {
            pins.back().pin = *pin;
        }
        all_pins_ = all_pins_ && pin;
        return inner_key_ == "pin-sha256";
    }

    bool start_object(std::size_t)
    {
        if (++depth_ != 3) {
            return depth_ == 1 || key_ == "trust";
        }
        if (key_ == "pins") {
            policy_.pins.pins.push_back({Pin(Pin::Bytes{}), "", false, false, {}});
        } else {
            policy_.max_age.steps.emplace_back();
        }
        return key_ == "pins" || key_ == "max-age";
    }
    bool start_array(std::size_t)
    {
        return ++depth_ == 2 && (key_ == "pins" || key_ == "clients" || key_ == "max-age");
    }
    bool end_object() { return leave(); }
    bool end_array() { return leave(); }
    bool key(json::string_t& key)
    {
        (depth_ == 1 ? key_ : inner_key_) = key;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const json::exception&) { return false; }

private:
    bool leave()
    {
        depth_--;
        return true;
    }
    bool number(std::int64_t value)
    {
        auto& steps = policy_.max_age.steps;
        if (key_ == "version") {
            version_known_ = value == kTextVersion;
            return version_known_;
        }
        if (key_ == "until") {
            policy_.until = value;
            return true;
        }
        if (depth_ != 3 || key_ != "max-age" || value < 0 || value > kLatestTime) {
            return false;
        }
        (inner_key_ == "for" ? steps.back().duration : steps.back().value) = value;
        return inner_key_ == "for" || inner_key_ == "value";
    }

    SentPolicy& policy_;
    int depth_ = 0;
    std::string key_;        // of the outermost object
    std::string inner_key_;  // of an object within
    bool version_known_ = false;
    bool kind_known_ = false;
    bool all_pins_ = true;
};

std::string reversed(std::string_view host)
{
    std::string key;
    while (!host.empty()) {
        const std::size_t dot = host.rfind('.');
        key += host.substr(dot == std::string_view::npos ? 0 : dot + 1);
        key += '.';
        host = without_last_label(host);
    }
    return key;
}

}  // namespace

std::string recorded_name(const std::string& policy)
{
    return presentable(policy, std::numeric_limits<std::size_t>::max());
}

// By hand, and read event by event: nlohmann's tree allocates in its destructor, which ends the process where memory
// has run out.
std::string SentPolicy::to_text() const
{
    std::string text = "{\"version\":" + std::to_string(kTextVersion) + ",\"kind\":" + quoted(kind_text(kind))
                       + ",\"policy\":" + quoted(name)
                       + ",\"includeSubDomains\":" + (include_subdomains ? "true" : "false") + ",\"pins\":[";
    for (const PolicyPin& pin : pins.pins) {
        text += std::string(&pin == &pins.pins.front() ? "" : ",") + "{\"pin-sha256\":\"" + pin.pin.base64()
                + "\",\"name\":" + quoted(pin.name) + "}";
    }
    text += "],\"clients\":[";
    const char* separator = "";
    for (const auto& [set, client] :
         {std::pair(clients.chain, "chain"), {clients.sent, "sent"}, {clients.leaf, "leaf"}}) {
        if (set) {
            text += separator + quoted(client);
            separator = ",";
        }
    }
    text += "],\"trust\":{";
    separator = "";
    for (const auto& [store, path] : stores) {
        text += separator + quoted(store) + ":" + quoted(path);
        separator = ",";
    }
    text += "}";
    if (kind == Kind::enforced) {
        text += ",\"max-age\":[";
        separator = "";
        for (const MaxAge::Step& step : max_age.steps) {
            text += separator + std::string("{\"for\":") + std::to_string(step.duration)
                    + ",\"value\":" + std::to_string(step.value) + "}";
            separator = ",";
        }
        text += "]";
    }
    if (kind == Kind::guarded) {
        text += ",\"until\":" + std::to_string(until);
    }
    return text + "}";
}

std::shared_ptr<const SentPolicy> SentPolicy::from_text(const std::string& text)
{
    auto policy = std::make_shared<SentPolicy>();
    policy->clients = Clients{false, false, false};
    TextReader reader(*policy);
    if (!json::sax_parse(text, &reader) || !reader.complete()) {
        return nullptr;
    }
    policy->pins.owner = "policy \"" + policy->name + "\"";
    return policy;
}

Exceptions::Exceptions(std::vector<std::string> names) : names_(std::move(names))
{
    for (const std::string& name : names_) {
        const auto patterns = parse_server_name(name, false);
        if (!patterns.empty()) {
            const HostPattern& pattern = patterns.front();
            (pattern.kind == HostPattern::Kind::exact ? hosts_ : domains_).insert(pattern.domain);
        }
    }
}

bool Exceptions::cover(const std::string& host) const
{
    if (hosts_.count(host) != 0) {
        return true;
    }
    if (domains_.empty()) {
        return false;
    }
    for (std::string_view up = parent_domain(host); !up.empty(); up = parent_domain(up)) {
        if (domains_.count(std::string(up)) != 0) {
            return true;
        }
    }
    return false;
}

std::int64_t Entry::held_until(std::int64_t now) const
{
    switch (policy->kind) {
    case SentPolicy::Kind::enforced: {
        const std::int64_t last = open ? std::max(now, last_sent) : last_sent;
        // An old worker goes on climbing the ramp while it drains.
        const std::int64_t max_age = max_age_at(last + kDrainSeconds);
        // A ramp may begin with nothing; while it is open nobody knows how far it has come.
        const bool none = max_age == 0 && !(open && policy->max_age.highest() > 0);
        return none ? last : last + kDrainSeconds + max_age;
    }
    case SentPolicy::Kind::guarded:
        return policy->until;
    case SentPolicy::Kind::reported:
        break;
    }
    return 0;
}

bool Entry::reaches(const std::string& to) const
{
    if (host.kind == HostPattern::Kind::exact) {
        return to == host.domain || (policy->include_subdomains && is_subdomain(to, host.domain));
    }
    if (!is_subdomain(to, host.domain)) {
        return false;
    }
    const bool first_level = parent_domain(to) == host.domain;
    const bool itself = (first_level || !host.one_label) && !exceptions.cover(to);
    return itself || (policy->include_subdomains && !first_level);
}

std::string host_key(const HostPattern& host)
{
    const std::string key = reversed(host.domain);
    return host.kind == HostPattern::Kind::wildcard ? key + (host.one_label ? "+." : "*.") : key;
}

HostPattern host_from_key(const std::string& key)
{
    HostPattern host;
    std::string domain = reversed(std::string_view(key).substr(0, key.empty() ? 0 : key.size() - 1));
    if (!domain.empty()) {
        domain.pop_back();
    }
    host.domain = domain;
    if (domain.size() > 2 && (domain[0] == '*' || domain[0] == '+') && domain[1] == '.') {
        host.kind = HostPattern::Kind::wildcard;
        host.one_label = domain[0] == '+';
        host.domain = domain.substr(2);
    }
    host.text = host.kind == HostPattern::Kind::wildcard ? "*." + host.domain : host.domain;
    return host;
}

std::string key_prefix(std::string_view domain)
{
    return reversed(domain);
}

}  // namespace hpkp
