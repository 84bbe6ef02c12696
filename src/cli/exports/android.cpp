// Android's network security config, and TrustKit's additions to it.
#include "export.hpp"

#include "xml.hpp"

namespace hpkp::cli {

std::string network_security_config(const Export& exported, bool trustkit)
{
    XmlWriter xml;
    xml.comment(made_from(exported));
    xml.open("network-security-config");
    xml.open("domain-config");
    for (const std::string& host : exported.hosts) {
        xml.element("domain", host, {{"includeSubdomains", exported.include_subdomains ? "true" : "false"}});
    }
    // Without the attribute the pins never expire.
    xml.open("pin-set", exported.expiration.empty() ? XmlWriter::Attributes{}
                                                    : XmlWriter::Attributes{{"expiration", exported.expiration}});
    for (const ExportPin& pin : exported.pins) {
        xml.element("pin", pin.pin.pin.base64(), {{"digest", "SHA-256"}}, pin.pin.name);
    }
    xml.close();
    if (trustkit) {
        // By default TrustKit sends reports to its maker too.
        xml.open("trustkit-config", {{"enforcePinning", exported.mode == ExportMode::report_only ? "false" : "true"},
                                     {"disableDefaultReportUri", "true"}});
        if (exported.report_uri) {
            xml.element("report-uri", exported.report_uri->text);
        }
        xml.close();
    }
    xml.close();
    xml.close();
    return xml.text();
}

std::string write_android(const Export& exported, Remarks&)
{
    return network_security_config(exported, false);
}

}  // namespace hpkp::cli
