#include "child_process.hpp"

#include "duration.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

namespace hpkp {

namespace {

/// While it lives, the end of a child is nobody's business but waitpid()'s: nginx's handler waits for any child, and a
/// program that started nginx may have left SIGCHLD ignored, which would let the kernel take the status.
class ChildSignalAside {
public:
    ChildSignalAside()
    {
        sigset_t child;
        ::sigemptyset(&child);
        ::sigaddset(&child, SIGCHLD);
        ::sigprocmask(SIG_BLOCK, &child, &mask_);
        ::sigaction(SIGCHLD, nullptr, &action_);
        // A handler stays, as it cannot run: SIG_DFL would drop the signal of a worker that has died meanwhile, and
        // nginx would never replace it.
        ignored_ = action_.sa_handler == SIG_IGN || (action_.sa_flags & SA_NOCLDWAIT) != 0;
        if (ignored_) {
            struct sigaction usual {};
            usual.sa_handler = SIG_DFL;
            ::sigaction(SIGCHLD, &usual, nullptr);
        }
    }
    ~ChildSignalAside()
    {
        if (ignored_) {
            ::sigaction(SIGCHLD, &action_, nullptr);
        }
        ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
    }
    ChildSignalAside(const ChildSignalAside&) = delete;
    ChildSignalAside& operator=(const ChildSignalAside&) = delete;

private:
    sigset_t mask_;
    struct sigaction action_ {};
    bool ignored_;
};

/// The child does not outlive its parent, nor its time.
void limit_child(unsigned seconds)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    sigset_t ends;
    ::sigemptyset(&ends);
    for (const int signal : {SIGALRM, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
        ::sigaction(signal, &usual, nullptr);
        ::sigaddset(&ends, signal);
    }
    ::sigprocmask(SIG_UNBLOCK, &ends, nullptr);
    ::alarm(seconds);
}

std::string reason(int status, unsigned seconds, const std::string& work)
{
    if (WIFEXITED(status)) {
        return WEXITSTATUS(status) == 0 ? "" : work + " ended with status " + std::to_string(WEXITSTATUS(status));
    }
    const int signal = WTERMSIG(status);
    if (signal == SIGALRM) {
        return work + " took over " + duration_text(seconds) + ", the limit";
    }
    const std::string text = work + " ended by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
    // Somebody else's signal is no bug.
    return signal == SIGKILL || signal == SIGTERM
               ? text
               : text + ": this is a bug, please report it with the policy and the chains";
}

}  // namespace

SharedMemory::SharedMemory(std::size_t bytes) : bytes_(bytes)
{
    void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        throw std::bad_alloc();
    }
    begin_ = static_cast<char*>(mapped);
}

SharedMemory::~SharedMemory()
{
    if (begin_ != nullptr) {
        ::munmap(begin_, bytes_);
    }
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : begin_(std::exchange(other.begin_, nullptr)), bytes_(other.bytes_), used_(other.used_)
{
}

void* SharedMemory::allocate(std::size_t count, std::size_t size)
{
    constexpr std::size_t kAlignment = alignof(std::max_align_t);
    if (count > left() / size) {
        throw std::bad_alloc();
    }
    const std::size_t rounded = (count * size + kAlignment - 1) / kAlignment * kAlignment;
    if (rounded > left()) {
        throw std::bad_alloc();
    }
    void* memory = begin_ + used_;
    used_ += rounded;
    return memory;
}

std::string run_in_child(void (*work)(void* argument) noexcept, void* argument, unsigned seconds, const char* name)
{
    const ChildSignalAside aside;
    const pid_t child = ::fork();
    if (child < 0) {
        return std::string("no process for ") + name + ": " + std::generic_category().message(errno);
    }
    if (child == 0) {
        limit_child(seconds);
        work(argument);
        ::_exit(0);
    }

    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return std::string("the process of ") + name + " was lost: " + std::generic_category().message(errno);
        }
    }
    return reason(status, seconds, name);
}

}  // namespace hpkp
