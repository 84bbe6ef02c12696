#include "policy_reader.hpp"

#include "duration.hpp"
#include "file.hpp"
#include "map_reader.hpp"
#include "max_age_reader.hpp"
#include "pin_list_reader.hpp"
#include "yaml_tree.hpp"

#include <algorithm>
#include <iterator>
#include <memory>

namespace hpkp {

namespace {

using Kind = YamlNode::Kind;

constexpr std::int64_t kSecondsOfDay = 86400;

class PolicyReader {
public:
    PolicyReader(PolicyFile& file, std::time_t now, Findings& findings) : file_(file), now_(now), findings_(findings) {}

    void read_root(const YamlNode& root);

private:
    void read_version(const MapReader& top);
    void read_trust(const MapReader& top);
    void read_policy(const YamlNode& key, const YamlNode& value);
    Enforce read_enforce(const YamlNode& node, const std::string& subject);
    ReportOnly read_report_only(const YamlNode& node, const std::string& subject, PinSet& pins, bool& own_pins);
    Guard read_guard(const YamlNode& node, const std::string& subject);
    void read_clients(const MapReader& policy, const YamlNode& node, Clients& clients);
    std::optional<ReportUri> read_report_uri(const MapReader& reader, const YamlNode& node);

    void add(FindingId id, const Place& place, std::string what, std::string remedy)
    {
        findings_.emplace_back(id, place, std::move(what), std::move(remedy));
    }

    PolicyFile& file_;
    std::time_t now_;
    Findings& findings_;
    std::shared_ptr<const TrustStores> stores_;  // null: no "trust"
};

void PolicyReader::read_root(const YamlNode& root)
{
    if (root.kind != Kind::map) {
        add(FindingId::policy_syntax, root.place,
            "the file is " + std::string(kind_text(root.kind)) + ", not a mapping", "begin with \"version: 1\"");
        return;
    }
    file_.parsed = true;

    const MapReader top(root, "the policy file", {"version", "trust", "policies"}, findings_);
    read_version(top);
    read_trust(top);

    file_.policies_place = root.place;
    const YamlNode* policies = top.required("policies", "policies: {NAME: {...}}");
    if (policies == nullptr || !top.is(*policies, Kind::map, "policies")) {
        file_.parsed = false;
        return;
    }
    file_.policies_place = policies->place;
    if (policies->entries.empty()) {
        file_.parsed = false;
        add(FindingId::missing_key, policies->place, "\"policies\" names no policy",
            "add one: policies: {NAME: {...}}");
    }
    for (const auto& [key, value] : policies->entries) {
        read_policy(key, value);
    }
}

void PolicyReader::read_version(const MapReader& top)
{
    const YamlNode* version = top.required("version", "version: 1");
    if (version == nullptr || !top.is(*version, Kind::scalar, "version")) {
        return;
    }
    if (version->scalar != "1" || version->quoted) {
        add(FindingId::bad_value, version->place,
            "version " + version->scalar + " of the policy file is not known here", "write version: 1, without quotes");
    }
}

void PolicyReader::read_trust(const MapReader& top)
{
    const YamlNode* trust = top.optional("trust");
    if (trust == nullptr || !top.is(*trust, Kind::map, "trust")) {
        return;
    }
    auto stores = std::make_shared<TrustStores>();
    for (const auto& [name, value] : trust->entries) {
        if (name.scalar.empty()) {
            add(FindingId::bad_value, name.place, "a trust store without a name", "name it: messages say which store");
        }
        const auto path = top.string(value, name.scalar);
        if (!path) {
            continue;
        }
        file_.trust.push_back({name.scalar, relative_to(file_.path, *path), value.place});
        stores->emplace(name.scalar, file_.trust.back().path);
    }
    if (!stores->empty()) {
        stores_ = std::move(stores);
    }
}

void PolicyReader::read_policy(const YamlNode& key, const YamlNode& value)
{
    Policy policy;
    policy.name = key.scalar;
    file_.names.push_back(policy.name);
    file_.by_name.emplace(policy.name, std::nullopt);
    policy.place = key.place;
    policy.stores = stores_;
    const std::string subject = "policy \"" + policy.name + "\"";
    if (policy.name.empty()) {
        add(FindingId::bad_value, key.place, "a policy without a name",
            "name it: \"hpkp_policy\" refers to it by name");
    }
    if (value.kind != Kind::map) {
        add(FindingId::bad_value, value.kind == Kind::null ? key.place : value.place,
            subject + " is " + std::string(kind_text(value.kind)) + ", not a mapping",
            "indent its keys below its name");
        return;
    }

    const MapReader reader(value, subject, {"pins", "enforce", "report-only", "guard", "clients"}, findings_);
    const auto section = [&](std::string_view name) -> const YamlNode* {
        const YamlNode* node = reader.optional(name);
        if (node == nullptr || node->kind == Kind::map) {
            return node;
        }
        reader.is(*node, Kind::map, name);
        return nullptr;
    };

    PinSet own;
    own.place = key.place;
    own.owner = subject;
    PinSet reported;
    bool report_has_pins = false;
    bool guard_over = false;
    if (const YamlNode* node = section("enforce")) {
        policy.enforce = read_enforce(*node, subject);
        own.enforced = true;
    }
    if (const YamlNode* node = section("report-only")) {
        policy.report_only = read_report_only(*node, subject, reported, report_has_pins);
    }
    if (const YamlNode* node = section("guard")) {
        policy.guard = read_guard(*node, subject);
        if (policy.guard->until && *policy.guard->until <= now_) {
            add(FindingId::guard_over, policy.guard->until_place,
                "the guard of " + subject + " is over: the last day of its clients has passed",
                "remove \"guard\", and the policy if nothing else is in it");
            policy.guard.reset();
            guard_over = true;
        }
        own.guarded = policy.guard.has_value();
    }
    if (const YamlNode* clients = reader.optional("clients")) {
        read_clients(reader, *clients, policy.clients);
    }
    if (reader.optional("enforce") == nullptr && reader.optional("report-only") == nullptr
        && reader.optional("guard") == nullptr) {
        add(FindingId::no_mode, key.place, subject + " has neither \"enforce\", \"report-only\" nor \"guard\"",
            "begin with report-only: {report-uri: https://...}");
    }

    if (report_has_pins) {
        policy.pin_sets.push_back(std::move(reported));
    } else if (policy.report_only) {
        own.reported = true;
        own.allow_mismatch = reported.allow_mismatch;
    }
    const YamlNode* pins = report_has_pins && !own.enforced && !own.guarded ? reader.optional("pins")
                                                                            : reader.required("pins", "pins: [...]");
    if (pins != nullptr && reader.is(*pins, Kind::sequence, "pins")) {
        read_pin_list(*pins, subject, own, file_, findings_);
        // Where report-only has pins of its own and nothing else relies on these, nobody ever gets them.
        // The same once a guard is over; but what was never anything (no-mode) has its pins looked at.
        if (own.enforced || own.guarded || own.reported || !(report_has_pins || guard_over)) {
            policy.pin_sets.insert(policy.pin_sets.begin(), std::move(own));
        }
    }
    file_.by_name[policy.name] = file_.policies.size();
    file_.policies.push_back(std::move(policy));
}

Enforce PolicyReader::read_enforce(const YamlNode& node, const std::string& subject)
{
    const MapReader reader(node, "\"enforce\" of " + subject, {"max-age", "includeSubDomains", "report-uri"},
                           findings_);
    Enforce enforce;
    if (const YamlNode* max_age =
            reader.required("max-age", "max-age: 5m, and more once a renewal has been lived through")) {
        enforce.max_age = read_max_age(reader, *max_age, findings_);
        enforce.max_age_place = max_age->place;
    }
    enforce.include_subdomains = reader.boolean_or("includeSubDomains", false);
    if (const YamlNode* uri = reader.optional("report-uri")) {
        enforce.report_uri = read_report_uri(reader, *uri);
    }
    return enforce;
}

ReportOnly PolicyReader::read_report_only(const YamlNode& node, const std::string& subject, PinSet& pins,
                                          bool& own_pins)
{
    const std::string here = "\"report-only\" of " + subject;
    const MapReader reader(node, here, {"report-uri", "includeSubDomains", "pins", "allow-mismatch"}, findings_);
    ReportOnly report_only;
    report_only.include_subdomains = reader.boolean_or("includeSubDomains", false);

    const YamlNode* uri = reader.optional("report-uri");
    if (uri == nullptr) {
        add(FindingId::report_only_needs_report_uri, node.place,
            here + " has no report-uri: clients have nothing to do with it (RFC 7469 2.3.2)",
            "add report-uri: https://..., on another domain");
    } else {
        report_only.report_uri = read_report_uri(reader, *uri);
    }

    pins.place = node.place;
    pins.owner = here;
    pins.reported = true;
    pins.allow_mismatch = reader.boolean_or("allow-mismatch", false);
    const YamlNode* list = reader.optional("pins");
    own_pins = list != nullptr;
    if (own_pins && reader.is(*list, Kind::sequence, "pins")) {
        read_pin_list(*list, here, pins, file_, findings_);
    }
    return report_only;
}

Guard PolicyReader::read_guard(const YamlNode& node, const std::string& subject)
{
    const MapReader reader(node, "\"guard\" of " + subject, {"until", "includeSubDomains"}, findings_);
    Guard guard;
    guard.include_subdomains = reader.boolean_or("includeSubDomains", false);
    const YamlNode* until = reader.optional("until");
    if (until == nullptr) {
        return guard;
    }
    const auto text = reader.string(*until, "until");
    const auto date = text ? parse_date(*text) : std::nullopt;
    if (text && !date) {
        add(FindingId::bad_value, until->place, "\"until\" is \"" + *text + "\", not a date", "write it as 2027-06-01");
    }
    if (date) {
        guard.until = *date + kSecondsOfDay;
        guard.until_place = until->place;
    }
    return guard;
}

void PolicyReader::read_clients(const MapReader& policy, const YamlNode& node, Clients& clients)
{
    if (!policy.is(node, Kind::sequence, "clients")) {
        return;
    }
    if (node.items.empty()) {
        add(FindingId::bad_value, node.place, "\"clients\" is an empty list",
            "name chain, sent or leaf, or remove the key");
        return;
    }
    clients = Clients{false, false, false};
    for (const YamlNode& item : node.items) {
        bool* kind = item.scalar == "chain"  ? &clients.chain
                     : item.scalar == "sent" ? &clients.sent
                     : item.scalar == "leaf" ? &clients.leaf
                                             : nullptr;
        if (item.kind != Kind::scalar || kind == nullptr) {
            add(FindingId::bad_value, item.place, "a kind of clients is chain, sent or leaf", "correct or remove it");
            continue;
        }
        if (*kind) {
            add(FindingId::bad_value, item.place, "\"" + item.scalar + "\" is named twice", "remove one");
        }
        *kind = true;
    }
}

std::optional<ReportUri> PolicyReader::read_report_uri(const MapReader& reader, const YamlNode& node)
{
    const auto text = reader.string(node, "report-uri");
    if (!text) {
        return std::nullopt;
    }
    std::string error;
    auto uri = parse_report_uri(*text, error);
    if (!uri) {
        add(FindingId::report_uri_invalid, node.place, "report-uri \"" + *text + "\" " + error,
            "write an absolute URI, such as https://reports.example.net/pkp, with anything special percent-encoded");
        return std::nullopt;
    }
    uri->place = node.place;
    return uri;
}

}  // namespace

PolicyFile read_policy_file(const std::string& path, std::time_t now, Findings& findings)
{
    // More than these from one file are one mistake many times over, and would flood the log.
    constexpr std::size_t kMaxFindings = 100;

    PolicyFile file;
    file.path = path;

    const FileContent content = read_file(path);
    if (!content.ok()) {
        const Place place = content.too_large ? Place{path, 1, 1} : Place{path, 0, 0};
        findings.emplace_back(FindingId::policy_unreadable, place, "the policy file " + content.error,
                              content.too_large
                                  ? "is this the right file? Else part it: hpkp_policy takes several files"
                                  : "check the path and that nginx's master process may read it");
        return file;
    }
    file.sources.push_back({path, content.mode, Place{path, 0, 0}});

    Findings found;
    if (const auto root = load_yaml(path, content.bytes, found)) {
        PolicyReader(file, now, found).read_root(*root);
    }
    if (found.size() > kMaxFindings) {
        // An error behind many warnings (guards that are over) still refuses the load.
        std::stable_partition(found.begin(), found.end(),
                              [](const Finding& finding) { return finding.severity == Severity::error; });
        found[kMaxFindings - 1].details.push_back("and " + std::to_string(found.size() - kMaxFindings)
                                                  + " more findings in this file");
        found.erase(found.begin() + kMaxFindings, found.end());
    }
    std::move(found.begin(), found.end(), std::back_inserter(findings));
    return file;
}

}  // namespace hpkp
