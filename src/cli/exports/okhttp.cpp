// CertificatePinner of OkHttp, in Kotlin.
#include "export.hpp"

#include "text.hpp"

namespace hpkp::cli {

std::string write_okhttp(const Export& exported, Remarks&)
{
    std::string text = "// " + comment_text(made_from(exported))
                       + "\n"
                         "import okhttp3.CertificatePinner\n"
                         "\n"
                         "val certificatePinner = CertificatePinner.Builder()\n";
    for (const std::string& host : exported.hosts) {
        // "*.h" is one label and not h; "**.h" is h and all below it, as includeSubDomains.
        text += "    .add(\n        " + kotlin_string((exported.include_subdomains ? "**." : "") + host) + ",\n";
        for (const ExportPin& pin : exported.pins) {
            const bool last = &pin == &exported.pins.back();
            text += "        " + kotlin_string("sha256/" + pin.pin.pin.base64()) + (last ? "" : ",");
            text += pin.pin.name.empty() ? "\n" : " // " + comment_text(pin.pin.name) + "\n";
        }
        text += "    )\n";
    }
    return text + "    .build()\n";
}

}  // namespace hpkp::cli
