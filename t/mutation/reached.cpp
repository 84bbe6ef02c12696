// Linked into the mutated unit tests. HPKP_MUTANT=N makes them test mutant N. HPKP_REACHED=FILE gets a line a test: its
// name, its milliseconds, whether it failed, and the mutants that it evaluates, which are those that it can notice.
#include "mutation.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>

namespace hpkp::mutation {

namespace {

constexpr int kMost = 1 << 16;

/// Shared, because some tests fork.
unsigned char* shared_bytes()
{
    void* const bytes = ::mmap(nullptr, kMost, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) {
        throw std::bad_alloc();
    }
    return static_cast<unsigned char*>(bytes);
}

/// What is reached before a test begins, by its fixture's suite, counts as that test's.
struct Recorder : testing::EmptyTestEventListener {
    explicit Recorder(const char* file) : out(file) {}

    void OnTestEnd(const testing::TestInfo& test) override
    {
        out << test.test_suite_name() << '.' << test.name() << ' ' << test.result()->elapsed_time() << ' '
            << test.result()->Failed();
        for (int mutant = 1; mutant < kMost; mutant++) {
            if (reached[mutant] != 0) {
                out << ' ' << mutant;
            }
        }
        out << std::endl;
        std::memset(reached, 0, kMost);
    }

    std::ofstream out;
};

int from_environment()
{
    if (const char* const file = std::getenv("HPKP_REACHED")) {
        testing::UnitTest::GetInstance()->listeners().Append(new Recorder(file));
    }
    const char* const mutant = std::getenv("HPKP_MUTANT");
    return mutant == nullptr ? 0 : std::atoi(mutant);
}

}  // namespace

unsigned char* reached = shared_bytes();
int active = from_environment();

}  // namespace hpkp::mutation
