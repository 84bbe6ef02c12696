// A policy file as values: what it said, and where. Built by read_policy_file(), never changed afterwards.
#pragma once

#include "finding.hpp"
#include "max_age.hpp"
#include "pin.hpp"
#include "report_uri.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

namespace hpkp {

struct PolicyPin {
    Pin pin;
    std::string name;       // may be empty
    bool retired = false;   // sent and matched, never a backup
    bool computed = false;  // from a file, not written in the policy
    Place place;

    /// What messages and $hpkp_pin call it: its name, or its base64.
    std::string label() const { return name.empty() ? pin.base64() : name; }
};

/// A list of pins and what it is for. A policy has one, or two where report-only has pins of its own.
struct PinSet {
    std::vector<PolicyPin> pins;  // each key once, in file order
    unsigned unreadable = 0;      // pins that could not be had and are findings already
    std::string owner;            // for messages: policy "www"
    Place place;

    bool enforced = false;        // goes out as Public-Key-Pins
    bool reported = false;        // goes out as Public-Key-Pins-Report-Only
    bool guarded = false;         // clients have them by other means
    bool allow_mismatch = false;  // a report-only policy of tomorrow's chain

    bool only_guarded() const { return guarded && !enforced && !reported; }
    /// Errors about the chain are warnings (allow-mismatch), unless something else relies on the same pins.
    bool lenient() const { return allow_mismatch && !enforced && !guarded; }

    const PolicyPin* find(const Pin& pin) const;
    /// Pins that are not retired; those that could not be read are given the benefit of the doubt.
    std::size_t live() const;
};

struct Enforce {
    MaxAge max_age;
    bool include_subdomains = false;
    std::optional<ReportUri> report_uri;
    Place max_age_place;
};

struct ReportOnly {
    bool include_subdomains = false;
    std::optional<ReportUri> report_uri;
};

struct Guard {
    bool include_subdomains = false;
    std::optional<std::int64_t> until;  // the first second after its last day, since the epoch
    Place until_place;
};

/// What clients compare the pins with. Every kind that is set must match.
struct Clients {
    bool chain = true;  // the validated chain: RFC 7469 2.6, Android, OkHttp, TrustKit
    bool sent = false;  // each certificate sent: GNU Wget2
    bool leaf = false;  // the leaf alone: curl --pinnedpubkey, Envoy, DANE 3 1 1
};

/// Trust stores by name: paths of bundles or hashed directories.
using TrustStores = std::map<std::string, std::string>;

struct Policy {
    std::string name;
    Place place;
    std::shared_ptr<const TrustStores> stores;  // of its file's "trust"; null: the system's bundle
    std::vector<PinSet> pin_sets;
    std::optional<Enforce> enforce;
    std::optional<ReportOnly> report_only;
    std::optional<Guard> guard;
    Clients clients;

    /// Whether clients will refuse a chain that does not match: enforced for some time, or a guard.
    bool binds() const { return (enforce && enforce->max_age.highest() > 0) || guard.has_value(); }
    /// Whether what binds covers subdomains.
    bool binds_subdomains() const
    {
        return (enforce && enforce->max_age.highest() > 0 && enforce->include_subdomains)
               || (guard && guard->include_subdomains);
    }
    /// "enforce", "report-only", "both", "guard" or "".
    std::string_view mode() const;
};

/// A file that was read for the policy, for checks of its mode.
struct SourceFile {
    std::string path;
    mode_t mode;
    Place named_at;
};

/// A store that a policy file names under "trust".
struct StoreRef {
    std::string name;
    std::string path;
    Place place;
};

struct PolicyFile {
    std::string path;
    Place policies_place;
    std::vector<std::string> names;  // of all policies, in file order, those too that are findings already
    std::vector<Policy> policies;    // that could be read, in file order
    std::unordered_map<std::string, std::optional<std::size_t>> by_name;  // all names, to the index in policies
    std::vector<StoreRef> trust;
    std::vector<SourceFile> sources;
    bool parsed = false;  // false: findings said why, and no policy can be missed in it

    const Policy* find(const std::string& name) const;
    bool has(const std::string& name) const;
};

/// The names of the file's policies, for a message.
std::string names_of(const PolicyFile& file);

}  // namespace hpkp
