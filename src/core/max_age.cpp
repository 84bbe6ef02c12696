#include "max_age.hpp"

namespace hpkp {

std::int64_t MaxAge::at(std::int64_t seconds) const
{
    for (const Step& step : steps) {
        if (&step == &steps.back() || seconds < step.duration) {
            return step.value;
        }
        seconds -= step.duration;
    }
    return 0;
}

}  // namespace hpkp
