// The policy in a JSON form of our own. Keys may be added within a version; none changes its meaning.
#include "export.hpp"

#include "output.hpp"

#include <sstream>

namespace hpkp::cli {

namespace {

nlohmann::json level_of(PinLevel level)
{
    switch (level) {
    case PinLevel::leaf:
        return "leaf";
    case PinLevel::issuer:
        return "issuer";
    case PinLevel::root:
        return "root";
    case PinLevel::unknown:
        break;
    }
    return nullptr;
}

nlohmann::json pins_of(const Export& exported)
{
    nlohmann::json pins = nlohmann::json::array();
    for (const ExportPin& pin : exported.pins) {
        pins.push_back({{"pin-sha256", pin.pin.pin.base64()},
                        {"name", pin.pin.name.empty() ? nlohmann::json() : nlohmann::json(pin.pin.name)},
                        {"retired", pin.pin.retired},
                        {"level", level_of(pin.level)}});
    }
    return pins;
}

nlohmann::json clients_of(const Clients& clients)
{
    nlohmann::json list = nlohmann::json::array();
    for (const auto& [set, name] :
         {std::make_pair(clients.chain, "chain"), {clients.sent, "sent"}, {clients.leaf, "leaf"}}) {
        if (set) {
            list.push_back(name);
        }
    }
    return list;
}

}  // namespace

std::string write_json(const Export& exported, Remarks&)
{
    const bool enforced = exported.mode == ExportMode::enforce;
    const bool has_uri = exported.mode != ExportMode::guard && exported.report_uri;
    nlohmann::json document = {
        {"policy", exported.policy->name},
        {"mode", text_of(exported.mode)},
        {"hosts", exported.hosts},
        {"include-subdomains", exported.include_subdomains},
        {"clients", clients_of(exported.policy->clients)},
        {"pins", pins_of(exported)},
        {"max-age", enforced && exported.max_age ? nlohmann::json(*exported.max_age) : nlohmann::json()},
        {"until", exported.until ? nlohmann::json(*exported.until) : nlohmann::json()},
        {"report-uri", has_uri ? nlohmann::json(exported.report_uri->text) : nlohmann::json()}};
    std::ostringstream text;
    print_json(text, std::move(document));
    return text.str();
}

}  // namespace hpkp::cli
