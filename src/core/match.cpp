#include "match.hpp"

#include <algorithm>

namespace hpkp {

namespace {

const PolicyPin* pin_of(const Certificate& certificate, const PinSet& pins)
{
    return certificate.pin() ? pins.find(*certificate.pin()) : nullptr;
}

std::string drawn(const Certificate& certificate, const PinSet& pins, std::size_t name_width)
{
    std::string line = certificate.short_name();
    line.resize(std::max(line.size(), name_width), ' ');
    line += certificate.pin() ? "  pin-sha256=\"" + certificate.pin()->base64() + "\"" : "  (its key cannot be pinned)";
    if (const PolicyPin* pin = pin_of(certificate, pins)) {
        line += "  <- pinned" + (pin->name.empty() ? "" : " as \"" + pin->name + "\"");
    }
    return line;
}

}  // namespace

const PolicyPin* matching_pin(const Path& path, const PinSet& pins)
{
    const auto found =
        std::find_if(pins.pins.begin(), pins.pins.end(), [&](const PolicyPin& pin) { return path.contains(pin.pin); });
    return found == pins.pins.end() ? nullptr : &*found;
}

bool matches_every_path(const TrustPaths& paths, const PinSet& pins)
{
    return !paths.paths.empty() && std::all_of(paths.paths.begin(), paths.paths.end(), [&](const Path& path) {
        return matching_pin(path, pins) != nullptr;
    });
}

bool matches_sent(const Chain& chain, const PinSet& pins)
{
    return std::any_of(chain.sent.begin(), chain.sent.end(),
                       [&](const Certificate& certificate) { return pin_of(certificate, pins) != nullptr; });
}

bool matches_leaf(const Chain& chain, const PinSet& pins)
{
    return pin_of(chain.leaf(), pins) != nullptr;
}

bool accepted_by(const Clients& clients, const ServedChain& chain, const PinSet& pins)
{
    return (!clients.chain || matches_every_path(chain.trust_paths, pins))
           && (!clients.sent || matches_sent(chain.chain, pins)) && (!clients.leaf || matches_leaf(chain.chain, pins));
}

bool may_be_noted(const Chain& chain, const std::vector<Pin>& pins, std::size_t& matched)
{
    const TrustPaths paths = find_trust_paths(chain);
    for (const Path& path : paths.paths) {
        const auto on = [&](const Pin& pin) {
            return path.contains(pin);
        };
        const auto first = std::find_if(pins.begin(), pins.end(), on);
        if (first == pins.end() || std::all_of(pins.begin(), pins.end(), on)) {
            return false;
        }
        matched = static_cast<std::size_t>(first - pins.begin());
    }
    return !paths.paths.empty();
}

std::vector<std::string> draw(const ServedChain& chain, const PinSet& pins)
{
    constexpr std::size_t kPathsShown = 8;
    std::size_t width = 0;
    for (const Certificate& certificate : chain.chain.sent) {
        width = std::max(width, certificate.short_name().size());
    }

    std::vector<std::string> lines;
    const auto& paths = chain.trust_paths.paths;
    for (std::size_t i = 0; i < paths.size() && i < kPathsShown; i++) {
        if (paths.size() > 1) {
            lines.push_back("path " + std::to_string(i + 1) + " of " + std::to_string(paths.size()) + ":");
        }
        for (const Certificate& certificate : paths[i].certificates) {
            lines.push_back(drawn(certificate, pins, width));
        }
    }
    const auto superfluous = chain.superfluous();
    if (!superfluous.empty()) {
        lines.emplace_back("sent, but on no path (clients ignore them):");
    }
    for (const Certificate& certificate : superfluous) {
        lines.push_back(drawn(certificate, pins, width));
    }
    return lines;
}

}  // namespace hpkp
