#include "child_process.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <ctime>
#include <sys/wait.h>
#include <unistd.h>

using namespace hpkp;

namespace {

void add_one(void* argument) noexcept
{
    ++*static_cast<int*>(argument);
}
void abort_now(void*) noexcept
{
    std::abort();
}
void exit_early(void*) noexcept
{
    ::_exit(3);
}
void never_end(void*) noexcept
{
    for (volatile bool forever = true; forever;) {
        ::usleep(10000);
    }
}
void write_to_null(void*) noexcept
{
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;
}

TEST(ChildProcess, LeavesItsResultInSharedMemory)
{
    SharedMemory memory(4096);
    int* shared = memory.make<int>(1);
    int own = 0;
    EXPECT_EQ(run_in_child(add_one, shared, 10), "");
    EXPECT_EQ(*shared, 1);
    EXPECT_EQ(run_in_child(add_one, &own, 10), "");
    EXPECT_EQ(own, 0) << "the rest is its own";
}

TEST(ChildProcess, ACrashIsAReasonAndNoMore)
{
    const std::string aborted = run_in_child(abort_now, nullptr, 10);
    const std::string crashed = run_in_child(write_to_null, nullptr, 10);
    EXPECT_NE(aborted, "");
    EXPECT_NE(crashed, "");
    EXPECT_NE(run_in_child(exit_early, nullptr, 10), "");
}

TEST(ChildProcess, AHangEnds)
{
    const std::time_t before = std::time(nullptr);
    EXPECT_NE(run_in_child(never_end, nullptr, 1), "");
    EXPECT_LT(std::time(nullptr) - before, 10);
}

TEST(ChildProcess, IsReapedByNobodyElseAndLeavesSignalsAsTheyWere)
{
    // nginx's handler waits for any child. SIGCHLD may come later all the same: a worker's could be in it.
    static volatile std::sig_atomic_t reaped = 0;
    struct sigaction old {};
    struct sigaction count {};
    count.sa_handler = [](int) {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
            reaped = 1;
        }
    };
    ::sigaction(SIGCHLD, &count, &old);
    sigset_t before;
    sigset_t after;
    ::sigprocmask(SIG_SETMASK, nullptr, &before);
    SharedMemory memory(64);
    EXPECT_EQ(run_in_child(add_one, memory.make<int>(1), 10), "");
    EXPECT_NE(run_in_child(abort_now, nullptr, 10), "");
    ::sigprocmask(SIG_SETMASK, nullptr, &after);
    ::sigaction(SIGCHLD, &old, nullptr);

    EXPECT_EQ(reaped, 0);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
    EXPECT_EQ(sigismember(&before, SIGCHLD), sigismember(&after, SIGCHLD));
    EXPECT_EQ(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

TEST(ChildProcess, AnotherChildOfTheCallerIsLeftAlone)
{
    const pid_t other = ::fork();
    if (other == 0) {
        ::_exit(7);
    }
    ASSERT_GT(other, 0);
    SharedMemory memory(64);
    EXPECT_EQ(run_in_child(add_one, memory.make<int>(1), 10), "");
    int status = 0;
    ASSERT_EQ(::waitpid(other, &status, 0), other) << "its end was not taken from the caller";
    EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(SharedMemory, ObjectsAreZeroAlignedAndApart)
{
    SharedMemory memory(4096);
    char* letters = memory.make<char>(3);
    auto* numbers = memory.make<std::uint64_t>(4);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(numbers) % alignof(std::uint64_t), 0U);
    EXPECT_GE(reinterpret_cast<char*>(numbers), letters + 3);
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(numbers[i], 0U);
    }
}

TEST(SharedMemory, FullIsAnException)
{
    SharedMemory memory(4096);
    EXPECT_THROW(memory.make<char>(1 << 30), std::bad_alloc);
    EXPECT_THROW(memory.make<std::uint64_t>(SIZE_MAX / 4), std::bad_alloc) << "the product overflows";
    EXPECT_NO_THROW(memory.make<char>(1));
    const std::size_t left = memory.left();
    EXPECT_NO_THROW(memory.make<char>(left / 2));
    EXPECT_LT(memory.left(), left);
}

TEST(SharedMemory, MayBeMoved)
{
    SharedMemory first(4096);
    int* number = first.make<int>(1);
    *number = 7;
    const SharedMemory second(std::move(first));
    EXPECT_EQ(*number, 7);
}

}  // namespace
