// verify_certificate_spki of Envoy's CertificateValidationContext.
#include "export.hpp"

#include "text.hpp"

namespace hpkp::cli {

std::string write_envoy(const Export& exported, Remarks&)
{
    std::string text = "# " + comment_text(made_from(exported)) + "\nverify_certificate_spki:\n";
    for (const ExportPin& pin : exported.pins) {
        text += "- " + yaml_string(pin.pin.pin.base64());
        text += pin.pin.name.empty() ? "\n" : "  # " + comment_text(pin.pin.name) + "\n";
    }
    return text;
}

}  // namespace hpkp::cli
