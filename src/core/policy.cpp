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
    return found == by_name.end() ? nullptr : &policies[found->second];
}

std::string names_of(const PolicyFile& file)
{
    constexpr std::size_t kShown = 20;
    std::string text;
    for (std::size_t i = 0; i < file.policies.size() && i < kShown; i++) {
        text += (i == 0 ? "\"" : ", \"") + file.policies[i].name + "\"";
    }
    if (file.policies.size() > kShown) {
        text += " and " + std::to_string(file.policies.size() - kShown) + " more";
    }
    return text;
}

}  // namespace hpkp
