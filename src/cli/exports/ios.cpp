// NSPinnedDomains of iOS 14 and macOS 11.
#include "export.hpp"

#include "xml.hpp"

#include <algorithm>

namespace hpkp::cli {

std::string write_ios(const Export& exported, Remarks& remarks)
{
    // With both lists in a domain, both must match: the pins, any of which is enough, all go into one.
    const char* list = exported.compares == Compares::leaf ? "NSPinnedLeafIdentities" : "NSPinnedCAIdentities";
    const bool root = std::any_of(exported.pins.begin(), exported.pins.end(),
                                  [](const ExportPin& pin) { return pin.level == PinLevel::root; });
    if (root && exported.compares == Compares::issuers) {
        remarks.notes.emplace_back("a root that is not sent is pinned: Apple's text speaks of the chain that the "
                                   "server presents, so try it on a device, or send or pin an intermediate");
    }
    PlistWriter plist(made_from(exported) + " To be merged into the app's Info.plist.");
    plist.open("NSAppTransportSecurity");
    plist.open("NSPinnedDomains");
    for (const std::string& host : exported.hosts) {
        plist.open(host);
        plist.boolean("NSIncludesSubdomains", exported.include_subdomains);
        plist.pins(list, exported, "SPKI-SHA256-BASE64");
        plist.close();
    }
    plist.close();
    plist.close();
    return plist.finish();
}

}  // namespace hpkp::cli
