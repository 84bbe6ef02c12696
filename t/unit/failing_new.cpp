#include "failing_new.hpp"

#include <cstdlib>
#include <new>

namespace hpkp::test {

thread_local long allocations_left = -1;
thread_local bool allocation_fails_once = false;
thread_local bool allocation_failed = false;
volatile AllocationFailures* shared_failures = nullptr;

}  // namespace hpkp::test

void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    long& left = hpkp::test::allocations_left;
    if (left > 0) {
        left--;
    } else if (left == 0) {
        left = hpkp::test::allocation_fails_once ? -1 : 0;
        if (hpkp::test::shared_failures != nullptr) {
            hpkp::test::shared_failures->any = true;
        }
        return nullptr;
    }
    return std::malloc(size == 0 ? 1 : size);
}

void* operator new(std::size_t size)
{
    void* memory = operator new(size, std::nothrow);
    if (memory == nullptr) {
        hpkp::test::allocation_failed = true;
        if (hpkp::test::shared_failures != nullptr) {
            hpkp::test::shared_failures->thrown = true;
        }
        throw std::bad_alloc();
    }
    return memory;
}

void operator delete(void* memory) noexcept
{
    std::free(memory);
}

void operator delete(void* memory, const std::nothrow_t&) noexcept
{
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    std::free(memory);
}
