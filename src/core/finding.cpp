#include "finding.hpp"

#include "utf8.hpp"

#include <algorithm>
#include <array>

// The directory of findings.md, as a reader of the messages finds it: a packager names the installed one. Without
// quotes, for it comes through nginx's configure.
#ifndef HPKP_DOCS
#define HPKP_DOCS docs
#endif
#define HPKP_TEXT_OF(value) #value
#define HPKP_TEXT(value) HPKP_TEXT_OF(value)

namespace hpkp {

namespace {

struct IdEntry {
    std::string_view text;
    Severity severity;
};

constexpr IdEntry kIds[] = {
#define HPKP_FINDING(name, id, severity) {id, Severity::severity},
#include "finding_ids.def"
#undef HPKP_FINDING
};

constexpr std::size_t kServersShown = 3;

std::string places(const Finding& finding)
{
    std::string text;
    if (finding.place) {
        text = finding.place->text();
    }
    // The tool's servers stand in no file.
    if (!finding.servers.empty() && finding.servers.front().file.empty()) {
        return text;
    }
    const std::size_t shown = std::min(finding.servers.size(), kServersShown);
    for (std::size_t i = 0; i < shown; i++) {
        text += (text.empty() ? "in " : ", in ") + finding.servers[i].text();
    }
    if (shown < finding.servers.size()) {
        text += " (" + std::to_string(shown) + " of " + std::to_string(finding.servers.size()) + " servers)";
    }
    return text;
}

}  // namespace

std::string_view id_text(FindingId id)
{
    return kIds[static_cast<std::size_t>(id)].text;
}

std::string section(FindingId id)
{
    return HPKP_TEXT(HPKP_DOCS) "/findings.md#" + std::string(id_text(id));
}

Severity usual_severity(FindingId id)
{
    return kIds[static_cast<std::size_t>(id)].severity;
}

std::string Place::text() const
{
    if (line == 0) {
        return file;
    }
    std::string text = file + ":" + std::to_string(line);
    if (column != 0) {
        text += ":" + std::to_string(column);
    }
    return text;
}

std::size_t count(const Findings& findings, Severity severity)
{
    return static_cast<std::size_t>(
        std::count_if(findings.begin(), findings.end(), [&](const Finding& f) { return f.severity == severity; }));
}

std::vector<Line> render(const Finding& finding)
{
    std::vector<Line> lines;
    const auto add = [&](const std::string& text) {
        // Names and values come from files of anybody's making.
        lines.push_back({finding.severity, presentable(text, kMaxLine)});
    };

    std::string first(id_text(finding.id));
    const std::string where = places(finding);
    if (!where.empty()) {
        first += ": " + where;
    }
    add(first + ": " + finding.what);
    for (const std::string& detail : finding.details) {
        add("    " + detail);
    }
    if (!finding.remedy.empty()) {
        add("    remedy: " + finding.remedy);
    }
    add("    see: " + section(finding.id));
    return lines;
}

}  // namespace hpkp
