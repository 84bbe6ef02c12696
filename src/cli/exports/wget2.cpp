// The file in which GNU Wget2 notes pins.
#include "export.hpp"

#include "duration.hpp"
#include "input.hpp"

#include <algorithm>

namespace hpkp::cli {

namespace {

std::int64_t seconds_held(const Export& exported)
{
    if (exported.mode == ExportMode::enforce && exported.max_age) {
        return *exported.max_age;
    }
    if (exported.until) {
        return std::min<std::int64_t>(*exported.until - exported.now, kMaxSeconds);
    }
    throw InputError(std::string("GNU Wget2 wants to know how long to keep the pins, and \"") + text_of(exported.mode)
                     + "\" does not say: use --mode enforce, or give the guard an \"until\"");
}

}  // namespace

std::string write_wget2(const Export& exported, Remarks&)
{
    const std::string held = std::to_string(seconds_held(exported));
    std::string text = "# HPKP 1.0 file\n#<hostname> <incl. subdomains> <created> <max-age>\n\n";
    for (const std::string& host : exported.hosts) {
        text += host + (exported.include_subdomains ? " 1 " : " 0 ") + std::to_string(exported.now) + " " + held + "\n";
        for (const ExportPin& pin : exported.pins) {
            text += "*sha256 " + pin.pin.pin.base64() + "\n";
        }
    }
    return text;
}

}  // namespace hpkp::cli
