#include "session.hpp"

#include "checks/checks.hpp"
#include "ledger/book.hpp"
#include "proof.hpp"

#include <set>
#include <string_view>
#include <utility>

namespace hpkp {

namespace {

std::string counted(std::size_t n, const char* word)
{
    return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
}

/// What refuses under hpkp_strict, for the one line that stands in a log that keeps no warnings.
std::string warning_ids(const Findings& findings)
{
    std::set<std::string_view> ids;
    for (const Finding& finding : findings) {
        if (finding.severity == Severity::warning) {
            ids.insert(id_text(finding.id));
        }
    }
    std::string text;
    for (const std::string_view id : ids) {
        text += text.empty() ? "" : ", ";
        text += id;
    }
    return text;
}

/// A log with more lines than this helps nobody.
constexpr std::size_t kMaxLines = 2000;

/// The findings as text, the gravest last; where there are too many, the last of them.
std::vector<Line> lines_of(const Findings& findings)
{
    std::vector<std::vector<Line>> shown;
    std::size_t lines = 0;
    for (auto finding = findings.rbegin(); finding != findings.rend(); finding++) {
        shown.push_back(render(*finding));
        lines += shown.back().size();
        if (lines > kMaxLines) {
            break;
        }
    }
    std::vector<Line> result;
    if (shown.size() < findings.size()) {
        result.push_back({shown.back().front().severity, counted(findings.size() - shown.size(), "more finding")
                                                             + ", none graver than the next, not shown"});
    }
    for (auto finding = shown.rbegin(); finding != shown.rend(); finding++) {
        for (Line& line : *finding) {
            result.push_back(std::move(line));
        }
    }
    return result;
}

bool is_refused(const Findings& findings, bool strict)
{
    return count(findings, Severity::error) != 0 || (strict && count(findings, Severity::warning) != 0);
}

/// hpkp_lockout warn: the operator knows.
void lower(Findings& findings, FindingId id)
{
    for (Finding& finding : findings) {
        if (finding.id == id) {
            finding.severity = Severity::warning;
        }
    }
}

}  // namespace

LoadResult judge(std::vector<ServerBlock> blocks, const LoadOptions& options)
{
    LoadResult result;
    Book book(options);
    Site site = gather(std::move(blocks), options, book.any_held(), result.findings);
    book.recall_into(site);
    run_checks(site, result.findings);
    if (options.lockout_warns) {
        lower(result.findings, FindingId::locks_out_clients);
    }
    result.recorded = book.record(site, !is_refused(result.findings, options.strict), result.findings);
    in_order(result.findings);

    const std::size_t errors = count(result.findings, Severity::error);
    const std::size_t warnings = count(result.findings, Severity::warning);
    result.refused = is_refused(result.findings, options.strict);
    result.lines = lines_of(result.findings);
    if (!result.refused) {
        result.emissions = render_emissions(site);
        result.proofs = proofs_of(site, result.emissions);
        return result;
    }
    std::string summary = counted(errors, "error") + ", " + counted(warnings, "warning") + ": configuration refused";
    if (errors == 0) {
        summary += ", because of hpkp_strict: " + warning_ids(result.findings) + " (nginx -t shows them whole)";
    }
    result.lines.push_back({Severity::error, summary});
    return result;
}

}  // namespace hpkp
