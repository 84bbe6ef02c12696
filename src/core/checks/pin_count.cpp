// How many pins a policy has: RFC 7469 2.5 wants a live one and a backup; Firefox kept no more than about 22.
#include "checks.hpp"

namespace hpkp {

namespace {

constexpr std::size_t kFewestPins = 2;
constexpr std::size_t kMostPins = 20;

void check_pins(const PinSet& pins, Findings& findings)
{
    if (pins.live() < kFewestPins) {
        Finding finding(FindingId::too_few_pins, pins.place,
                        pins.owner + " has " + (pins.live() == 0 ? "no pin" : "one pin") + " that is not retired",
                        "pin the key in use and at least one backup whose private key is kept offline, better two");
        if (pins.only_guarded()) {
            finding.severity = Severity::warning;
        }
        findings.push_back(std::move(finding));
    }
    const std::size_t all = pins.pins.size() + pins.unreadable;
    if (all > kMostPins) {
        findings.emplace_back(
            FindingId::too_many_pins, pins.place,
            pins.owner + " has " + std::to_string(all) + " pins, more than some clients keep",
            "pin fewer: an issuer's key instead of many leaves, and no retired pins that nobody needs");
    }
}

}  // namespace

void check_pin_count(const Site& site, Findings& findings)
{
    for (const PolicyFile& file : site.files) {
        for (const Policy& policy : file.policies) {
            for (const PinSet& pins : policy.pin_sets) {
                check_pins(pins, findings);
            }
        }
    }
}

}  // namespace hpkp
