// The C side of the core, once a load is over: its changes of the ledger. Nothing here decides anything, and no
// exception leaves.
#include "hpkp.h"

#include "child_process.hpp"
#include "ledger/database.hpp"
#include "ledger/ledger.hpp"

#include <cstring>

namespace {

/// One change of the ledger, after a load, in a child process.
struct LedgerWork {
    hpkp_str_t ledger;
    const char* load;
    int64_t now;
    int64_t reached;
    void (hpkp::Ledger::*change)(const hpkp::LedgerLoad&);
    char* failure;  // in shared memory
};

constexpr std::size_t kFailureBytes = 256;
constexpr unsigned kMaxLedgerSeconds = 60;

void set(char* failure, const char* why) noexcept
{
    std::strncpy(failure, why, kFailureBytes - 1);
    failure[kFailureBytes - 1] = 0;
}

void change_ledger(void* argument) noexcept
{
    const LedgerWork& work = *static_cast<const LedgerWork*>(argument);
    try {
        hpkp::Ledger ledger({work.ledger.data, work.ledger.len}, hpkp::Database::Access::write);
        ledger.begin(true);
        (ledger.*work.change)({work.load, "", work.now, true, work.reached});
        ledger.commit();
    }
    catch (const hpkp::LedgerError& error) {
        set(work.failure, error.what());
    }
    catch (...) {
        set(work.failure, "out of memory");
    }
}

int with_ledger(hpkp_str_t ledger, const char* load, int64_t now, int64_t reached,
                void (hpkp::Ledger::*change)(const hpkp::LedgerLoad&), char* failure) noexcept
{
    try {
        hpkp::SharedMemory memory(kFailureBytes);
        LedgerWork work{ledger, load, now, reached, change, memory.make<char>(kFailureBytes)};
        work.failure[0] = 0;
        const std::string died = hpkp::run_in_child(change_ledger, &work, kMaxLedgerSeconds, "its process");
        set(failure, died.empty() ? work.failure : died.c_str());
    }
    catch (...) {
        set(failure, "out of memory");
    }
    return failure[0] == 0 ? 1 : 0;
}

}  // namespace

extern "C" {

int hpkp_ledger_settle(hpkp_str_t ledger, const char* load, int64_t now, char* failure)
{
    return with_ledger(ledger, load, now, 0, &hpkp::Ledger::settle, failure);
}

int hpkp_ledger_withdraw(hpkp_str_t ledger, const char* load, int64_t now, char* failure)
{
    return with_ledger(ledger, load, now, 0, &hpkp::Ledger::withdraw, failure);
}

int hpkp_ledger_close(hpkp_str_t ledger, const char* load, int64_t now, int64_t reached, char* failure)
{
    return with_ledger(ledger, load, now, reached, &hpkp::Ledger::close, failure);
}

}  // extern "C"
