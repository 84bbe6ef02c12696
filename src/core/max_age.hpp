// How long clients remember a policy: one value, or a ramp of them.
#pragma once

#include <cstdint>
#include <vector>

namespace hpkp {

/// A max-age that may rise with time. Immutable once read.
struct MaxAge {
    struct Step {
        std::int64_t duration = 0;  // seconds that the value is in force; of the last step 0: it stays
        std::int64_t value = 0;     // seconds
        friend bool operator==(const Step& a, const Step& b) { return a.duration == b.duration && a.value == b.value; }
    };

    std::vector<Step> steps;  // values never fall; a policy without a ramp has one step

    MaxAge() = default;
    explicit MaxAge(std::int64_t value) : steps{{0, value}} {}

    bool is_ramp() const { return steps.size() > 1; }

    /// The value in force this many seconds after the ramp began; before it begins, the first. 0 without any step.
    std::int64_t at(std::int64_t seconds) const;
    /// The last value, which is the highest. 0 without any step.
    std::int64_t highest() const { return steps.empty() ? 0 : steps.back().value; }

    friend bool operator==(const MaxAge& a, const MaxAge& b) { return a.steps == b.steps; }
};

}  // namespace hpkp
