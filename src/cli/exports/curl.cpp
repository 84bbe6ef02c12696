// curl --pinnedpubkey, CURLOPT_PINNEDPUBLICKEY.
#include "export.hpp"

namespace hpkp::cli {

std::string write_curl(const Export& exported, Remarks&)
{
    std::string text;
    for (const ExportPin& pin : exported.pins) {
        text += (text.empty() ? "sha256//" : ";sha256//") + pin.pin.pin.base64();
    }
    return text + "\n";
}

}  // namespace hpkp::cli
