// What the tests of scope.cpp share.
#pragma once

#include "test_site.hpp"

namespace hpkp::test {

inline PolicyText policy_of(std::vector<std::string> modes)
{
    PolicyText policy = good_policy();
    policy.modes = std::move(modes);
    return policy;
}

/// A chain of the pinned key, or of the stranger's, for these names.
inline Chain pinned_for(std::vector<std::string> names)
{
    return chain({leaf(pki().www_key, pki().intermediate_key, std::move(names)), pki().intermediate});
}
inline Chain stranger_for(std::vector<std::string> names)
{
    return chain({leaf(pki().other_key, pki().other_intermediate_key, std::move(names)), pki().other_intermediate});
}

}  // namespace hpkp::test
