// max-age: how long clients remember.
#include "checks.hpp"

#include "../duration.hpp"

namespace hpkp {

namespace {

/// Where Chromium and Firefox capped it; RFC 7469 4.1 suggests as much.
constexpr std::int64_t kClientCap = std::int64_t{60} * 86400;

}  // namespace

void check_max_age_long(const Site& site, Findings& findings)
{
    for (const PolicyFile& file : site.files) {
        for (const Policy& policy : file.policies) {
            if (policy.enforce && policy.enforce->max_age.highest() > kClientCap) {
                findings.emplace_back(FindingId::max_age_long, policy.enforce->max_age_place,
                                      "policy \"" + policy.name + "\" has a max-age of "
                                          + duration_text(policy.enforce->max_age.highest())
                                          + ", over the 60 days that clients keep",
                                      "write max-age: 60d or less; more protects nobody and makes a mistake last");
            }
        }
    }
}

}  // namespace hpkp
