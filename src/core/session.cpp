#include "session.hpp"

#include "checks/checks.hpp"
#include "gather.hpp"

#include <iterator>

namespace hpkp {

namespace {

std::string counted(std::size_t n, const char* word)
{
    return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
}

}  // namespace

LoadResult judge(std::vector<ServerBlock> blocks, std::time_t now, bool strict)
{
    LoadResult result;
    const Site site = gather(std::move(blocks), now, result.findings);
    run_checks(site, result.findings);

    for (const Finding& finding : result.findings) {
        auto lines = render(finding);
        std::move(lines.begin(), lines.end(), std::back_inserter(result.lines));
    }
    const std::size_t errors = count(result.findings, Severity::error);
    const std::size_t warnings = count(result.findings, Severity::warning);
    result.refused = errors != 0 || (strict && warnings != 0);
    if (!result.refused) {
        result.emissions = render_emissions(site);
        return result;
    }
    std::string summary = counted(errors, "error") + ", " + counted(warnings, "warning") + ": configuration refused";
    if (errors == 0) {
        summary += ", because of hpkp_strict";
    }
    result.lines.push_back({Severity::error, summary});
    return result;
}

}  // namespace hpkp
