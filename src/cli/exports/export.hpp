// hpkp export: what every format starts from, and the list of formats.
//
// To add a format: its file in this folder with one function of ExportFormat::write's form, that function's line below
// and in the list of formats.cpp, its test in t/unit/exports_test.cpp.
#pragma once

#include "policy.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hpkp::cli {

/// Where a pinned key stands in the chains that the server serves.
enum class PinLevel {
    unknown,
    leaf,
    issuer,  // an authority's, among the certificates sent
    root,    // an authority's that clients add from their store: it is not sent
};

/// What a client compares the pins with. The kinds of a policy's `clients`, and those that only exports know.
enum class Compares {
    as_policy,  // whatever the policy's own `clients` names: the format carries the whole policy
    chain,      // the validated chain, root included
    sent,       // the certificates the server sent
    leaf,       // the leaf alone
    issuers,    // the certificates of authorities, the leaf not: the CA list of iOS
    one_list,   // leaf or issuers, one of them for all pins (iOS); judged_text() makes one of the two of it
};

enum class ExportMode { guard, enforce, report_only };

/// "guard", "enforce", "report-only".
const char* text_of(ExportMode mode);

struct ExportPin {
    PolicyPin pin;
    PinLevel level = PinLevel::unknown;
};

/// What is exported: one mode of one policy, for some hosts. The policy must outlive it.
struct Export {
    const Policy* policy = nullptr;
    ExportMode mode = ExportMode::guard;
    bool mode_chosen = false;        // by the user, not by default
    std::vector<std::string> hosts;  // valid_host()s, each once
    std::vector<ExportPin> pins;     // of the mode, in file order, retired ones too
    bool allow_mismatch = false;     // of the mode's pins
    Compares compares = Compares::as_policy;
    bool include_subdomains = false;      // of the mode
    std::optional<ReportUri> report_uri;  // of the mode; for a guard, which has none, of the header's policy
    std::optional<std::int64_t> max_age;  // of an enforced policy, now, in seconds
    std::optional<std::int64_t> until;    // of a guard: the first second after its last day, since the epoch
    std::string expiration;               // "2027-06-02": from the start of that day on pins are ignored; or empty
    unsigned port = 443;                  // of a TLSA record
    bool android = false;                 // TrustKit's form for Android, not that for iOS
    std::int64_t now = 0;                 // seconds since the epoch

    /// Pins that are not retired.
    std::size_t live() const;
    /// Whether this host or one that its entry includes is among `hosts`.
    bool pins_host(const std::string& host) const;
};

/// What there is to say of an export, a sentence each: with an error, nothing is exported.
struct Remarks {
    std::vector<std::string> errors;
    std::vector<std::string> notes;
};

// What a format can say of a policy. What it cannot say is a note, where the policy has it.
constexpr unsigned kSubdomains = 1;
constexpr unsigned kReportUri = 2;
constexpr unsigned kMaxAge = 4;
constexpr unsigned kExpiry = 8;
constexpr unsigned kReportOnly = 16;
constexpr unsigned kRetired = 32;
constexpr unsigned kAll = 63;

struct ExportFormat {
    const char* name;    // as in --to
    const char* client;  // as messages call it
    const char* what;    // for --help: what comes out
    Compares compares;
    bool needs_host;
    unsigned carries;                  // kSubdomains and the others
    std::vector<const char*> options;  // those that only some formats take

    /// The text, with a line end, of what was judged. May add to the remarks; with an error there, the text is not
    /// used. Throws InputError where the format wants something that was not given.
    std::string (*write)(const Export& exported, Remarks& remarks);

    /// Clients keep the pins until somebody gives them others: nothing in the format makes them forget.
    bool held_until_replaced() const { return (carries & kMaxAge) == 0; }
};

/// "Made by hpkp export from policy "www".", for a comment at the top; it wants comment_text().
std::string made_from(const Export& exported);

/// Every format, in the order of --help.
const std::vector<ExportFormat>& export_formats();

// One file each.
std::string write_android(const Export& exported, Remarks& remarks);
std::string write_ios(const Export& exported, Remarks& remarks);
std::string write_trustkit(const Export& exported, Remarks& remarks);
std::string write_okhttp(const Export& exported, Remarks& remarks);
std::string write_curl(const Export& exported, Remarks& remarks);
std::string write_tlsa(const Export& exported, Remarks& remarks);
std::string write_wget2(const Export& exported, Remarks& remarks);
std::string write_envoy(const Export& exported, Remarks& remarks);
std::string write_header(const Export& exported, Remarks& remarks);
std::string write_json(const Export& exported, Remarks& remarks);

}  // namespace hpkp::cli
