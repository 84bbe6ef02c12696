// Allocations that fail on demand, for tests of what happens then. Every `new` of the process goes through here.
#pragma once

namespace hpkp::test {

/// How many allocations of this thread succeed before all fail; none fails while it is negative.
extern thread_local long allocations_left;
/// Whether one has thrown since this was last set to false.
extern thread_local bool allocation_failed;

}  // namespace hpkp::test
