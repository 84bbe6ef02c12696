// A load is judged in a child process, and leaves its result in memory that both share.
//
// Whatever happens to the child, nginx's master goes on: a crash or a hang inside a library becomes a refused load with
// a reason, and nothing that the load allocated, cached or leaked is left in the memory that the workers inherit.
#pragma once

#include <cstddef>
#include <new>
#include <string>
#include <type_traits>

namespace hpkp {

/// Memory shared with child processes, at the same address in each: what is built in it may hold pointers into it.
/// Pages cost nothing until they are written.
class SharedMemory {
public:
    /// Throws std::bad_alloc.
    explicit SharedMemory(std::size_t bytes);
    ~SharedMemory();
    SharedMemory(SharedMemory&& other) noexcept;
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;
    SharedMemory& operator=(SharedMemory&&) = delete;

    /// `count` zeroed objects, owned by the memory; their destructors never run. Throws std::bad_alloc when it is full.
    template <typename T>
    T* make(std::size_t count)
    {
        static_assert(std::is_trivially_destructible_v<T>);
        return new (allocate(count, sizeof(T))) T[count]();
    }

    std::size_t left() const { return bytes_ - used_; }

private:
    void* allocate(std::size_t count, std::size_t size);

    char* begin_ = nullptr;
    std::size_t bytes_;
    std::size_t used_ = 0;
};

/// Runs `work(argument)` in a child of its own and waits for it, at most `seconds`. Empty if it came to its end; else
/// why not, for a message. nginx's handlers see nothing of the child. A signal that ends the caller ends the child.
/// `work` must not throw. `name` is what the message calls it.
std::string run_in_child(void (*work)(void* argument) noexcept, void* argument, unsigned seconds,
                         const char* name = "the checks");

}  // namespace hpkp
