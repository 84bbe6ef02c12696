// What a check has to say: data, until an edge (nginx's log, the tool) prints it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace hpkp {

enum class Severity { note, warning, error };

enum class FindingId {
#define HPKP_FINDING(name, id, severity) name,
#include "finding_ids.def"
#undef HPKP_FINDING
};

/// The id as the user reads it, such as "no-pin-in-chain".
std::string_view id_text(FindingId id);

/// Where the id is explained: "docs/findings.md#no-pin-in-chain".
std::string section(FindingId id);

/// The severity that the id has where no rule lowers it.
Severity usual_severity(FindingId id);

/// A place in a file. Line and column count from 1; 0 means that the finding is about the file as a whole.
struct Place {
    std::string file;
    unsigned line = 0;
    unsigned column = 0;

    /// "file", "file:line" or "file:line:column".
    std::string text() const;

    friend bool operator==(const Place& a, const Place& b)
    {
        return a.line == b.line && a.column == b.column && a.file == b.file;
    }
    friend bool operator<(const Place& a, const Place& b)
    {
        return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
    }
};

struct Finding {
    FindingId id;
    Severity severity;
    std::optional<Place> place;        // in the policy file
    std::vector<Place> servers;        // each the line of a "server {"
    std::string what;                  // one sentence, no full stop
    std::vector<std::string> details;  // a line each
    std::string remedy;                // one sentence: what to do

    Finding(FindingId id, std::optional<Place> place, std::string what, std::string remedy)
        : id(id), severity(usual_severity(id)), place(std::move(place)), what(std::move(what)),
          remedy(std::move(remedy))
    {
    }
};

using Findings = std::vector<Finding>;

std::size_t count(const Findings& findings, Severity severity);

/// One line of output, at most kMaxLine bytes, printable ASCII and UTF-8 only.
struct Line {
    Severity severity;
    std::string text;
};

/// nginx cuts a log line at 2,047 bytes, its own prefix included.
constexpr std::size_t kMaxLine = 1900;

/// The one rendering of a finding, for nginx's log and for the tool alike: a line that says what and where, the
/// details, the remedy, and where more is written.
std::vector<Line> render(const Finding& finding);

}  // namespace hpkp
