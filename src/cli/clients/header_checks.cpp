#include "header_checks.hpp"

#include "checks/checks.hpp"
#include "drawing.hpp"

#include <algorithm>
#include <set>

namespace hpkp::cli {

namespace {

using Check = void (*)(const Site& site, Findings& findings);

// Of a header that clients keep. What nginx's configuration alone can have wrong is not among them.
constexpr Check kEnforcedChecks[] = {check_pin_count, check_max_age_long, check_report_uri_self,
                                     check_host_can_be_pinned};

// Of that and its chain, where the chain's paths are known.
constexpr Check kMatchChecks[] = {check_chain_has_pin, check_no_backup_pin, check_single_backup,
                                  check_off_path_pin,  check_root_only_pin, check_leaf_expires_first,
                                  check_path_in_doubt};

// Of one that they only report on.
constexpr Check kReportOnlyChecks[] = {check_chain_has_pin, check_off_path_pin, check_path_in_doubt};

// Of the chain, whatever the headers.
constexpr Check kChainChecks[] = {check_system_bundle, check_chain_expired, check_anchor_expired, check_name_covered,
                                  check_path_limit};

template <std::size_t N>
void run(const Check (&checks)[N], const Site& site, Findings& findings)
{
    for (const Check check : checks) {
        check(site, findings);
    }
}

std::optional<ReportUri> report_uri_of(const ParsedHeader& header)
{
    std::string ignored;
    return header.report_uri ? parse_report_uri(*header.report_uri, ignored) : std::nullopt;
}

Policy policy_of(const std::string& host, const PinsHeaders& headers)
{
    Policy policy;
    policy.name = host;
    if (headers.enforced) {
        policy.pin_sets.push_back(pin_set_of(*headers.enforced, kPinsHeader));
        policy.pin_sets.back().enforced = true;
        policy.enforce = Enforce{};
        policy.enforce->max_age = MaxAge(headers.enforced->max_age.value_or(0));
        policy.enforce->include_subdomains = headers.enforced->include_subdomains;
        policy.enforce->report_uri = report_uri_of(*headers.enforced);
    }
    if (headers.report_only) {
        policy.report_only = ReportOnly{headers.report_only->include_subdomains, report_uri_of(*headers.report_only)};
    }
    return policy;
}

/// The words for who has no policy file.
void reword(Finding& finding)
{
    finding.place.reset();
    finding.servers.clear();
    switch (finding.id) {
    case FindingId::no_backup_pin:
        finding.remedy = "make a key, keep it offline, and add its pin: openssl req -new -newkey rsa:2048 -keyout "
                         "backup.key -out backup.csr, then hpkp pin backup.csr";
        break;
    case FindingId::max_age_long:
        finding.remedy = "send max-age=5184000 or less; more protects nobody and makes a mistake last";
        break;
    case FindingId::ip_host:
        finding.remedy = "serve it under a name";
        break;
    case FindingId::name_not_covered:
        finding.remedy = "serve a certificate for that name";
        break;
    default:
        break;
    }
}

/// By valid paths, or by such as are wrong for dates alone. Where no root is known, a pin may be that root's.
bool reaches_root(const Observation& seen)
{
    return seen.trusted() || seen.paths->basis == TrustPaths::Basis::outdated;
}

void check_trusted(const Observation& seen, const PinsHeaders& headers, Site& site, Findings& findings)
{
    if (reaches_root(seen)) {
        return;  // what is outdated is chain-expired
    }
    const TrustStores* stores = site.files.front().policies.front().stores.get();
    std::string where = "the system's bundle";
    if (stores != nullptr) {
        where = "any store named by --trust (";
        for (const auto& [name, file] : *stores) {
            where += (where.back() == '(' ? "" : ", ") + name;
        }
        where += ")";
    }
    Finding finding(FindingId::untrusted_chain, std::nullopt,
                    seen.chain->text() + " has no valid path to a root of " + where
                        + ": clients refuse the connection, and no client notes pins from it",
                    "send the intermediate that is missing; where the authority is your own, name its root: --trust "
                    "own=FILE");
    const bool any_header = headers.enforced || headers.report_only;
    finding.severity = any_header ? Severity::error : Severity::warning;
    if (!any_header) {
        finding.details = draw(*seen.chain, *seen.paths, {});
    }
    findings.push_back(std::move(finding));
}

void check_pins(const ParsedHeader& header, const std::string& owner, Findings& findings)
{
    std::set<Pin> seen;
    std::set<Pin> repeated;
    for (const HeaderPin& pin : header.pins) {
        if (pin.hash != "sha256") {
            continue;
        }
        if (!pin.pin) {
            findings.emplace_back(FindingId::bad_pin, std::nullopt,
                                  owner + ", byte " + std::to_string(pin.offset) + ": \"" + pin.text.substr(0, 100)
                                      + "\" is not the base64 of a SHA-256: 44 characters, padded",
                                  "put the pin of a key there: hpkp pin FILE");
        } else if (const std::string why(pin.pin->placeholder()); !why.empty()) {
            findings.emplace_back(FindingId::placeholder_pin, std::nullopt,
                                  owner + ": " + pin.text + " " + why + ": nobody has its key",
                                  "put the pin of a key of your own there: hpkp pin FILE");
        } else if (!seen.insert(*pin.pin).second && repeated.insert(*pin.pin).second) {
            Finding finding(FindingId::duplicate_pin, std::nullopt,
                            owner + " has the pin " + pin.text + " more than once",
                            "send it once: it is one key, and counts once");
            finding.severity = Severity::warning;
            findings.push_back(std::move(finding));
        }
    }
}

void check_report_uri(const ParsedHeader& header, const std::string& owner, Findings& findings)
{
    std::string error;
    if (header.report_uri && !parse_report_uri(*header.report_uri, error)) {
        findings.emplace_back(FindingId::report_uri_invalid, std::nullopt,
                              owner + ": the report-uri \"" + header.report_uri->substr(0, 200) + "\" " + error
                                  + ": no report is sent, and some clients ignore the whole header",
                              "write the whole URI, https://HOST/PATH, or leave report-uri out");
    }
}

}  // namespace

PinsHeaders read_headers(const Observation& seen)
{
    PinsHeaders headers;
    if (const auto values = seen.values(kPinsHeader); !values.empty()) {
        headers.enforced = parse_pins_header(values.front());
    }
    if (const auto values = seen.values(kReportOnlyHeader); !values.empty()) {
        headers.report_only = parse_pins_header(values.front());
    }
    return headers;
}

PinSet pin_set_of(const ParsedHeader& header, const std::string& owner)
{
    PinSet pins;
    pins.owner = owner;
    std::set<Pin> known;
    for (const HeaderPin& pin : header.pins) {
        if (pin.pin && known.insert(*pin.pin).second) {
            pins.pins.push_back({*pin.pin, "", false, false, {}});
        }
    }
    return pins;
}

Site site_of(const std::string& host, const Chain& chain, const PinsHeaders& headers, const TrustStores& stores,
             std::time_t now)
{
    Site site;
    site.now = now;
    site.finder = std::make_unique<TrustPathFinder>(now, kSystemBundle);
    site.chains.push_back(chain);

    site.files.emplace_back();
    site.files.front().policies.push_back(policy_of(host, headers));
    Policy& policy = site.files.front().policies.front();
    policy.stores = stores.empty() ? nullptr : std::make_shared<const TrustStores>(stores);

    site.blocks.resize(1);
    site.blocks.front().listens = {{0, true, 0}};
    site.servers.resize(1);
    Server& server = site.servers.front();
    server.block = &site.blocks.front();
    server.tls = true;
    server.chains = {&site.chains.front()};
    server.policies = {&policy};
    server.names = {{HostPattern::Kind::exact, host, host, false}};
    site.addresses[0].add(server.names.front(), 0);
    site.uses.push_back({&policy, {&server}});
    site.pairs.push_back({&policy, &site.chains.front(), &site.paths(policy, site.chains.front()), {&server}});
    return site;
}

Findings check_headers(const Observation& seen, const PinsHeaders& headers, Site& site)
{
    Findings findings;
    run(kChainChecks, site, findings);
    check_trusted(seen, headers, site, findings);

    // Of a malformed header no client takes a part, and what could be read of it would only mislead.
    if (headers.enforced && headers.enforced->conforms()) {
        Findings found;
        run(kEnforcedChecks, site, found);
        if (reaches_root(seen)) {
            run(kMatchChecks, site, found);
        }
        // Of a policy that is being taken back, pins that do not match lock nobody out.
        for (Finding& finding : found) {
            if (headers.enforced->max_age == 0 && finding.severity == Severity::error) {
                finding.severity = Severity::warning;
            }
            findings.push_back(std::move(finding));
        }
    }
    if (headers.report_only && headers.report_only->conforms() && reaches_root(seen)) {
        PinSet pins = pin_set_of(*headers.report_only, kReportOnlyHeader);
        pins.reported = true;
        pins.allow_mismatch = true;  // it is there to find that out
        site.files.front().policies.front().pin_sets = {std::move(pins)};
        run(kReportOnlyChecks, site, findings);
    }
    std::for_each(findings.begin(), findings.end(), reword);
    // Without their places in a policy file, those of two headers may say the same.
    in_order(findings);
    const auto same = [](const Finding& a, const Finding& b) {
        return a.id == b.id && a.what == b.what && a.details == b.details;
    };
    findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
    Findings values = check_header_values(headers);
    findings.insert(findings.end(), std::make_move_iterator(values.begin()), std::make_move_iterator(values.end()));
    in_order(findings);
    return findings;
}

Findings check_header_values(const PinsHeaders& headers)
{
    Findings findings;
    if (headers.enforced) {
        check_pins(*headers.enforced, kPinsHeader, findings);
        check_report_uri(*headers.enforced, kPinsHeader, findings);
    }
    if (headers.report_only) {
        check_pins(*headers.report_only, kReportOnlyHeader, findings);
        check_report_uri(*headers.report_only, kReportOnlyHeader, findings);
        if (!headers.report_only->report_uri) {
            findings.emplace_back(FindingId::report_only_needs_report_uri, std::nullopt,
                                  std::string(kReportOnlyHeader)
                                      + " has no report-uri: clients ignore it (RFC 7469 2.3.2)",
                                  "add report-uri=\"https://HOST/PATH\", or leave the header out");
        }
    }
    in_order(findings);
    return findings;
}

}  // namespace hpkp::cli
