#include "export.hpp"

#include "host_name.hpp"

#include <algorithm>

namespace hpkp::cli {

const char* text_of(ExportMode mode)
{
    switch (mode) {
    case ExportMode::guard:
        return "guard";
    case ExportMode::enforce:
        return "enforce";
    case ExportMode::report_only:
        break;
    }
    return "report-only";
}

std::size_t Export::live() const
{
    return static_cast<std::size_t>(
        std::count_if(pins.begin(), pins.end(), [](const ExportPin& pin) { return !pin.pin.retired; }));
}

bool Export::pins_host(const std::string& host) const
{
    return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& pinned) {
        return host == pinned || (include_subdomains && is_subdomain(host, pinned));
    });
}

std::string made_from(const Export& exported)
{
    return "Made by hpkp export from policy \"" + exported.policy->name + "\".";
}

const std::vector<ExportFormat>& export_formats()
{
    static const std::vector<ExportFormat> formats = {
        {"android",
         "Android",
         "res/xml/network_security_config.xml of an Android app",
         Compares::chain,
         true,
         kSubdomains | kExpiry,
         {"--expiration"},
         write_android},
        {"ios",
         "iOS",
         "NSPinnedDomains for the Info.plist of an iOS or macOS app",
         Compares::one_list,
         true,
         kSubdomains,
         {"--level"},
         write_ios},
        {"trustkit",
         "TrustKit",
         "TSKConfiguration for an Info.plist; --platform android: its network security config",
         Compares::chain,
         true,
         kSubdomains | kReportUri | kExpiry | kReportOnly,
         {"--expiration", "--platform"},
         write_trustkit},
        {"okhttp", "OkHttp", "a CertificatePinner, in Kotlin", Compares::chain, true, kSubdomains, {}, write_okhttp},
        {"curl", "curl", "the value of curl --pinnedpubkey", Compares::leaf, false, 0, {"--level"}, write_curl},
        {"tlsa",
         "DANE",
         "TLSA records for a DNS zone: 3 1 1, and 2 1 1 for an authority's key",
         Compares::sent,
         true,
         0,
         {"--level", "--port"},
         write_tlsa},
        {"wget2",
         "GNU Wget2",
         "entries for its HPKP file, as in wget2 --hpkp-file FILE",
         Compares::sent,
         true,
         kSubdomains | kMaxAge,
         {},
         write_wget2},
        {"envoy",
         "Envoy",
         "verify_certificate_spki of a validation_context, in YAML",
         Compares::leaf,
         false,
         0,
         {"--level"},
         write_envoy},
        {"header",
         "the header",
         "the header lines that nginx would send",
         Compares::as_policy,
         false,
         kAll,
         {},
         write_header},
        {"json",
         "the JSON form",
         "the policy in a JSON form of our own, for your scripts",
         Compares::as_policy,
         false,
         kAll,
         {"--level"},
         write_json},
    };
    return formats;
}

}  // namespace hpkp::cli
