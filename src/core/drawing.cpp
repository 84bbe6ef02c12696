#include "drawing.hpp"

#include "match.hpp"

#include <algorithm>
#include <numeric>

namespace hpkp {

namespace {

constexpr std::size_t kPathsShown = 8;
constexpr std::size_t kSentShown = 20;

std::size_t name_width(const Chain& chain, const TrustPaths& paths)
{
    std::size_t width = 0;
    const auto widen = [&](const Certificate& certificate) {
        width = std::max(width, certificate.short_name().size());
    };
    std::for_each(chain.sent.begin(), chain.sent.end(), widen);
    for (const Path& path : paths.paths) {
        std::for_each(path.certificates.begin(), path.certificates.end(), widen);
    }
    return width;
}

std::string drawn(const Certificate& certificate, const PinSet& pins, std::size_t width)
{
    std::string line = certificate.short_name();
    line.resize(std::max(line.size(), width), ' ');
    if (!certificate.pin()) {
        return line + "  (its key cannot be pinned)";
    }
    line += "  pin-sha256=\"" + certificate.pin()->base64() + "\"";
    if (const PolicyPin* pin = pins.find(*certificate.pin())) {
        line += "  <- pinned" + (pin->name.empty() ? "" : " as \"" + pin->name + "\"");
    }
    return line;
}

std::string listed(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

/// "path 2 of 3, to a root in mozilla, android:"; empty for the only line of a private PKI.
std::string heading(const PathGroup& group, std::size_t number, std::size_t of)
{
    const bool anchored = group.front()->anchored();
    if (of == 1 && !anchored) {
        return "";
    }
    std::string text = of == 1 ? "the path" : "path " + std::to_string(number) + " of " + std::to_string(of);
    if (anchored) {
        std::vector<std::string> stores;
        for (const Path* path : group) {
            for (const std::string& store : path->stores) {
                if (std::find(stores.begin(), stores.end(), store) == stores.end()) {
                    stores.push_back(store);
                }
            }
        }
        text += group.size() == 1 ? ", to a root in "
                                  : " (" + std::to_string(group.size()) + " with the same keys), to roots in ";
        text += listed(stores);
    }
    if (group.front()->state != Path::State::valid) {
        text += ", outdated (" + group.front()->reason + ")";
    }
    return text + ":";
}

/// "www.example.com > Intermediate A > Root A (mozilla): Intermediate A: certificate has expired"
std::string rejection(const Path& path)
{
    std::string text;
    for (const Certificate& certificate : path.certificates) {
        text += (text.empty() ? "" : " > ") + certificate.short_name();
    }
    return text + " (" + listed(path.stores) + "): " + path.reason;
}

}  // namespace

std::vector<Certificate> superfluous(const Chain& chain, const TrustPaths& paths)
{
    std::vector<Certificate> off;
    std::copy_if(chain.sent.begin(), chain.sent.end(), std::back_inserter(off),
                 [&](const Certificate& certificate) { return !paths.contains(certificate); });
    return off;
}

std::vector<PathGroup> grouped_by_pins(const std::vector<Path>& paths)
{
    std::vector<PathGroup> groups;
    const auto same_pins = [](const Path& a, const Path& b) {
        return std::equal(a.certificates.begin(), a.certificates.end(), b.certificates.begin(), b.certificates.end(),
                          [](const Certificate& x, const Certificate& y) { return x.pin() == y.pin(); });
    };
    for (const Path& path : paths) {
        const auto group = std::find_if(groups.begin(), groups.end(),
                                        [&](const PathGroup& known) { return same_pins(*known.front(), path); });
        if (group == groups.end()) {
            groups.push_back({&path});
        } else {
            group->push_back(&path);
        }
    }
    return groups;
}

std::vector<std::string> draw(const Chain& chain, const TrustPaths& paths, const PinSet& pins)
{
    const std::size_t width = name_width(chain, paths);
    std::vector<std::string> lines;

    const auto groups = grouped_by_pins(paths.paths);
    std::vector<std::size_t> order(groups.size());
    std::iota(order.begin(), order.end(), 0);
    if (groups.size() > kPathsShown) {
        // Those that the pins miss come first: they are what the reader looks for.
        std::stable_partition(order.begin(), order.end(),
                              [&](std::size_t i) { return matching_pin(*groups[i].front(), pins) == nullptr; });
    }
    for (std::size_t i = 0; i < order.size() && i < kPathsShown; i++) {
        const PathGroup& group = groups[order[i]];
        if (const std::string text = heading(group, i + 1, groups.size()); !text.empty()) {
            lines.push_back(text);
        }
        for (const Certificate& certificate : group.front()->certificates) {
            lines.push_back(drawn(certificate, pins, width));
        }
    }
    if (groups.size() > kPathsShown) {
        lines.push_back("and " + std::to_string(groups.size() - kPathsShown) + " more");
    }

    // What is sent comes before what is rejected where there is no path: its pins are what the reader needs.
    const auto off = superfluous(chain, paths);
    if (!off.empty()) {
        lines.emplace_back(paths.paths.empty() ? "sent:" : "sent, but on no path (clients ignore them):");
    }
    for (std::size_t i = 0; i < off.size() && i < kSentShown; i++) {
        lines.push_back(drawn(off[i], pins, width));
    }
    if (off.size() > kSentShown) {
        lines.push_back("and " + std::to_string(off.size() - kSentShown) + " more");
    }

    if (!paths.rejected.empty()) {
        lines.emplace_back("these paths do not count:");
    }
    for (std::size_t i = 0; i < paths.rejected.size() && i < kPathsShown; i++) {
        lines.push_back(rejection(paths.rejected[i]));
    }
    if (paths.rejected.size() > kPathsShown) {
        lines.push_back("and " + std::to_string(paths.rejected.size() - kPathsShown) + " more");
    }
    return lines;
}

}  // namespace hpkp
