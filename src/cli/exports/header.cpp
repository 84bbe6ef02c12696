// The header lines, as the module sends them.
#include "header.hpp"

#include "export.hpp"
#include "input.hpp"
#include "output.hpp"

namespace hpkp::cli {

std::string write_header(const Export& exported, Remarks&)
{
    const Policy& policy = *exported.policy;
    const auto wanted = [&](ExportMode mode) {
        return !exported.mode_chosen || exported.mode == mode;
    };
    std::string text;
    for (const PinSet& pins : policy.pin_sets) {
        if (pins.enforced && policy.enforce && exported.max_age && wanted(ExportMode::enforce)) {
            text += "Public-Key-Pins: " + enforce_header(*policy.enforce, *exported.max_age, pins) + "\n";
        }
        if (pins.reported && policy.report_only && wanted(ExportMode::report_only)) {
            text += "Public-Key-Pins-Report-Only: " + report_only_header(*policy.report_only, pins) + "\n";
        }
    }
    if (text.empty()) {
        throw InputError("a guard sends no header: policy \"" + printable(policy.name)
                         + "\" needs \"enforce\" or \"report-only\" for that");
    }
    return text;
}

}  // namespace hpkp::cli
