#include "observation.hpp"

#include "rules.hpp"

namespace hpkp::cli {

std::vector<std::string> Observation::values(const std::string& name) const
{
    std::vector<std::string> found;
    for (const HeaderField& field : fields) {
        if (same_name(field.name, name)) {
            found.push_back(field.value);
        }
    }
    return found;
}

}  // namespace hpkp::cli
