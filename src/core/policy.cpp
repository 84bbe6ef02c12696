#include "policy.hpp"

#include <algorithm>

namespace hpkp {

const PolicyPin* PinSet::find(const Pin& pin) const
{
    const auto found = std::find_if(pins.begin(), pins.end(), [&](const PolicyPin& p) { return p.pin == pin; });
    return found == pins.end() ? nullptr : &*found;
}

std::size_t PinSet::live() const
{
    return unreadable + static_cast<std::size_t>(std::count_if(pins.begin(), pins.end(), [](const PolicyPin& p) {
               return !p.retired;
           }));
}

std::string_view Policy::mode() const
{
    if (enforce && report_only) {
        return "both";
    }
    if (enforce) {
        return "enforce";
    }
    if (report_only) {
        return "report-only";
    }
    return guard ? "guard" : "";
}

const Policy* PolicyFile::find(const std::string& name) const
{
    const auto found = by_name.find(name);
    return found == by_name.end() || !found->second ? nullptr : &policies[*found->second];
}

bool PolicyFile::has(const std::string& name) const
{
    return by_name.count(name) != 0;
}

std::string names_of(const PolicyFile& file)
{
    constexpr std::size_t kShown = 20;
    std::string text;
    for (std::size_t i = 0; i < file.names.size() && i < kShown; i++) {
        text += (i == 0 ? "\"" : ", \"") + file.names[i] + "\"";
    }
    if (file.names.size() > kShown) {
        text += " and " + std::to_string(file.names.size() - kShown) + " more";
    }
    return text;
}

}  // namespace hpkp
