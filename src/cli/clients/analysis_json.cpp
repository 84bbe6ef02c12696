// The analysis for programs.
#include "analysis.hpp"

#include "../output.hpp"

namespace hpkp::cli {

namespace {

using nlohmann::json;

json text_or_null(const std::string& text)
{
    return text.empty() ? json() : json(text);
}

template <typename Value>
json value_or_null(const std::optional<Value>& value)
{
    return value ? json(*value) : json();
}

json json_of(const Certificate& certificate)
{
    const auto& pin = certificate.pin();
    return {{"name", certificate.short_name()},
            {"pin-sha256", pin ? json(pin->base64()) : json()},
            {"not-after", value_or_null(certificate.not_after())}};
}

json json_of(const std::vector<Certificate>& certificates)
{
    json list = json::array();
    for (const Certificate& certificate : certificates) {
        list.push_back(json_of(certificate));
    }
    return list;
}

json paths_of(const std::vector<Path>& paths)
{
    json list = json::array();
    for (const Path& path : paths) {
        list.push_back({{"certificates", json_of(path.certificates)},
                        {"stores", path.stores},
                        {"reason", text_or_null(path.reason)}});
    }
    return list;
}

const char* basis_text(TrustPaths::Basis basis)
{
    switch (basis) {
    case TrustPaths::Basis::trusted:
        return "trusted";
    case TrustPaths::Basis::outdated:
        return "outdated";
    case TrustPaths::Basis::sent:
    case TrustPaths::Basis::none:
        break;
    }
    return "untrusted";
}

json chain_of(const Observation& seen)
{
    if (seen.chain == nullptr) {
        return {};
    }
    return {{"sent", json_of(seen.chain->sent)},    {"trust", basis_text(seen.paths->basis)},
            {"built-in-root", seen.built_in},       {"name-covered", seen.name_covered},
            {"paths", paths_of(seen.paths->paths)}, {"rejected-paths", paths_of(seen.paths->rejected)}};
}

json pins_of(const ParsedHeader& header, const Observation& seen)
{
    json list = json::array();
    for (const HeaderPin& pin : header.pins) {
        const PinPlace place = pin.pin ? place_of(*pin.pin, seen) : PinPlace{};
        list.push_back({{"hash", pin.hash},
                        {"value", pin.text},
                        {"readable", pin.pin.has_value()},
                        {"on-paths", place.on_paths},
                        {"off-paths", place.off_paths}});
    }
    return list;
}

json faults_of(const ParsedHeader& header)
{
    json list = json::array();
    for (const HeaderFault& fault : header.faults) {
        list.push_back({{"byte", fault.offset}, {"what", fault.what}});
    }
    return list;
}

json header_of(const char* name, const std::optional<ParsedHeader>& header, const Observation& seen)
{
    if (!header) {
        return {};
    }
    return {{"values", seen.values(name)},
            {"conforms", header->conforms()},
            {"faults", faults_of(*header)},
            {"max-age", value_or_null(header->max_age)},
            {"include-subdomains", header->include_subdomains},
            {"report-uri", value_or_null(header->report_uri)},
            {"pins", pins_of(*header, seen)}};
}

json clients_of(const Analysis& analysis)
{
    json list = json::array();
    for (std::size_t i = 0; i < analysis.verdicts.size(); i++) {
        const Verdict& verdict = analysis.verdicts[i];
        list.push_back({{"id", all_clients()[i].id},
                        {"title", all_clients()[i].title},
                        {"action", action_text(verdict.action)},
                        {"why", text_or_null(verdict.why)},
                        {"max-age", value_or_null(verdict.max_age)},
                        {"include-subdomains", verdict.include_subdomains},
                        {"report-only", text_or_null(verdict.report_only)}});
    }
    return list;
}

}  // namespace

json json_of(const Analysis& analysis)
{
    const Response& response = analysis.response;
    return {{"url", analysis.url.text},
            {"host", analysis.url.host},
            {"address", text_or_null(response.address)},
            {"http-version", response.http_version},
            {"status", response.status},
            {"redirect", text_or_null(response.redirect)},
            {"tls-version", text_or_null(response.tls_version)},
            {"chain", chain_of(analysis.seen)},
            {"public-key-pins", header_of(kPinsHeader, analysis.headers.enforced, analysis.seen)},
            {"public-key-pins-report-only", header_of(kReportOnlyHeader, analysis.headers.report_only, analysis.seen)},
            {"clients", clients_of(analysis)},
            {"findings", json_of(analysis.findings)},
            {"advice", analysis.advice}};
}

}  // namespace hpkp::cli
