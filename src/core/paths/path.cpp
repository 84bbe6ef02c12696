#include "path.hpp"

#include <algorithm>

namespace hpkp {

const Certificate* Path::root() const
{
    const bool root = certificates.size() > 1 && (anchored() || certificates.back().self_issued());
    return root ? &certificates.back() : nullptr;
}

bool Path::contains(const Pin& pin) const
{
    return std::any_of(certificates.begin(), certificates.end(), [&](const Certificate& c) { return c.pin() == pin; });
}

bool Path::contains(const Certificate& certificate) const
{
    return std::find(certificates.begin(), certificates.end(), certificate) != certificates.end();
}

}  // namespace hpkp
