// TrustKit for iOS (a dictionary of Info.plist) and for Android (an addition to the network security config).
#include "export.hpp"

#include "xml.hpp"

namespace hpkp::cli {

namespace {

// What TrustKit refuses with an exception when the app starts.
void check_rules(const Export& exported, Remarks& remarks)
{
    const bool enforces = exported.mode != ExportMode::report_only;
    const std::size_t fewest = enforces ? 2 : 1;
    if (exported.live() < fewest) {
        remarks.errors.emplace_back("TrustKit ends an app that enforces fewer than two pins: add a backup pin to the "
                                    "policy");
    }
    for (const std::string& host : exported.hosts) {
        if (host.find('.') == std::string::npos) {
            remarks.errors.push_back("TrustKit ends an app that pins " + host + ": it wants a name with a domain");
        }
    }
    const auto& uri = exported.report_uri;
    if (uri && uri->scheme == "https" && exported.pins_host(uri->host)) {
        remarks.notes.push_back("reports go to " + uri->host
                                + ", which is pinned too: when its chain does not match, none arrives");
    }
}

std::string info_plist(const Export& exported)
{
    PlistWriter plist(made_from(exported) + " To be merged into the app's Info.plist.");
    plist.open("TSKConfiguration");
    plist.boolean("TSKSwizzleNetworkDelegates", false);
    plist.open("TSKPinnedDomains");
    for (const std::string& host : exported.hosts) {
        plist.open(host);
        plist.boolean("TSKIncludeSubdomains", exported.include_subdomains);
        plist.boolean("TSKEnforcePinning", exported.mode != ExportMode::report_only);
        // By default TrustKit sends reports to its maker too.
        plist.boolean("TSKDisableDefaultReportUri", true);
        if (exported.report_uri) {
            plist.strings("TSKReportUris", {exported.report_uri->text});
        }
        if (!exported.expiration.empty()) {
            plist.string("TSKExpirationDate", exported.expiration);
        }
        plist.pins("TSKPublicKeyHashes", exported);
        plist.close();
    }
    plist.close();
    plist.close();
    return plist.finish();
}

}  // namespace

std::string write_trustkit(const Export& exported, Remarks& remarks)
{
    check_rules(exported, remarks);
    if (!exported.android) {
        remarks.notes.emplace_back("TSKSwizzleNetworkDelegates is false: the app asks TrustKit's pinningValidator "
                                   "itself, or sets it to true");
        return info_plist(exported);
    }
    if (exported.mode == ExportMode::report_only) {
        remarks.notes.emplace_back("Android 7 and later enforce the pin-set in connections that do not go through "
                                   "TrustKit, whatever enforcePinning says");
    }
    return network_security_config(exported, true);
}

}  // namespace hpkp::cli
