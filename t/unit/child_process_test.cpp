// What happens in the child stays there, but for what it leaves in shared memory.
#include "test_ledger.hpp"

#include "child_process.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

TEST(RunInChild, LeavesItsResultInSharedMemory)
{
    SharedMemory memory(4096);
    int* shared = memory.make<int>(1);
    int own = 0;
    struct Both {
        int* shared;
        int* own;
    } both{shared, &own};
    const auto work = [](void* argument) noexcept {
        *static_cast<Both*>(argument)->shared = 7;
        *static_cast<Both*>(argument)->own = 7;
    };
    EXPECT_EQ(run_in_child(work, &both, 60), "");
    EXPECT_EQ(*shared, 7);
    EXPECT_EQ(own, 0);
}

TEST(RunInChild, SaysWhichSignalEndedIt)
{
    const auto crash = [](void*) noexcept {
        raise(SIGSEGV);
    };
    const std::string why = run_in_child(crash, nullptr, 60);
    EXPECT_NE(why.find("ended by signal 11"), std::string::npos) << why;
    EXPECT_NE(why.find("bug"), std::string::npos) << why;
}

TEST(RunInChild, SaysThatItEndedWithAStatus)
{
    const auto leave = [](void*) noexcept {
        _exit(3);
    };
    EXPECT_EQ(run_in_child(leave, nullptr, 60), "the checks ended with status 3");
}

TEST(RunInChild, EndsWhatNeverEnds)
{
    const auto hang = [](void*) noexcept {
        for (;;) {
            pause();
        }
    };
    EXPECT_EQ(run_in_child(hang, nullptr, 1), "the checks took over 1 second, the limit");
}

volatile std::sig_atomic_t children_seen = 0;

TEST(RunInChild, LeavesSignalsAsTheyWere)
{
    struct sigaction before {};
    struct sigaction counting {};
    counting.sa_handler = [](int) {
        // nginx's handler waits for any child: ours must be gone by then.
        if (waitpid(-1, nullptr, WNOHANG) > 0) {
            children_seen = children_seen + 1;
        }
    };
    sigaction(SIGCHLD, &counting, &before);
    sigset_t mask_before;
    sigset_t mask_after;
    sigprocmask(SIG_SETMASK, nullptr, &mask_before);
    EXPECT_EQ(run_in_child([](void*) noexcept {}, nullptr, 60), "");
    sigprocmask(SIG_SETMASK, nullptr, &mask_after);
    sigaction(SIGCHLD, &before, nullptr);
    EXPECT_EQ(children_seen, 0);
    for (const int signal : {SIGCHLD, SIGHUP, SIGTERM, SIGALRM}) {
        EXPECT_EQ(sigismember(&mask_after, signal), sigismember(&mask_before, signal)) << signal;
    }
}

TEST(RunInChild, LosesNoChildOfTheCallers)
{
    // A worker of nginx's dies while the master loads, which then may make no process: nginx still has to hear of it.
    EXPECT_TRUE(as_nobody([] {
        struct sigaction handler {};
        handler.sa_handler = [](int) {
            children_seen = children_seen + 1;
        };
        sigaction(SIGCHLD, &handler, nullptr);
        sigset_t child;
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child, nullptr);
        const pid_t worker = fork();
        if (worker == 0) {
            _exit(0);
        }
        siginfo_t info;
        EXPECT_EQ(waitid(P_PID, static_cast<id_t>(worker), &info, WEXITED | WNOWAIT), 0);
        const rlimit none{0, 0};
        setrlimit(RLIMIT_NPROC, &none);
        EXPECT_EQ(run_in_child([](void*) noexcept {}, nullptr, 60).find("no process for the checks: "), 0U);
        sigset_t pending;
        sigpending(&pending);
        EXPECT_EQ(sigismember(&pending, SIGCHLD), 1);
    }));
}

TEST(SharedMemory, HandsOutZeroedObjectsUntilItIsFull)
{
    SharedMemory memory(4096);
    const char* text = memory.make<char>(3);
    EXPECT_EQ(text[0], 0);
    EXPECT_EQ(text[2], 0);
    const long* number = memory.make<long>(1);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(number) % alignof(long), 0U);
    EXPECT_EQ(*number, 0);
    EXPECT_NE(memory.make<char>(0), nullptr);

    const std::size_t left = memory.left();
    EXPECT_THROW(memory.make<char>(left + 1), std::bad_alloc);
    EXPECT_THROW(memory.make<long>(static_cast<std::size_t>(-1)), std::bad_alloc);
    EXPECT_EQ(memory.left(), left);
    memory.make<char>(left);
    EXPECT_EQ(memory.left(), 0U);
    EXPECT_THROW(memory.make<char>(1), std::bad_alloc);
}

TEST(SharedMemory, TooMuchOfItIsBadAlloc)
{
    EXPECT_THROW(SharedMemory memory(static_cast<std::size_t>(-1)), std::bad_alloc);
}

}  // namespace
