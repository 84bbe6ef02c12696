// Allocations that fail on demand, for tests of what happens then. Every `new` of the process goes through here.
#pragma once

namespace hpkp::test {

/// How many allocations of this thread succeed before all fail; none fails while it is negative.
extern thread_local long allocations_left;
/// Of those that fail, only the first one does; the rest succeed.
extern thread_local bool allocation_fails_once;
/// Whether one has thrown since this was last set to false.
extern thread_local bool allocation_failed;

/// What became of allocations in child processes too.
struct AllocationFailures {
    bool any;     // one has failed
    bool thrown;  // with std::bad_alloc: what std::stable_sort() asks for may fail without harm
};
/// Where that is told: in memory that the processes share, or null.
extern volatile AllocationFailures* shared_failures;

}  // namespace hpkp::test
