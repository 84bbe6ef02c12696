// What it costs to find and judge all paths of a chain, once the stores are read: t/bench/paths.sh.
//
// The store is the system's bundle and the test roots in one. An ordinary chain is leaf, intermediate, and a root of
// the store; "again" is the next server's below the same authority. cross_signed/N has an intermediate that N roots
// have signed, so N paths. mesh/N is the worst that a server can send: N authorities that all signed each other, up to
// where the limit on paths ends the search. Signatures are verified anew in every turn, as for the first server of a
// load. The last one reads the bundle.
#include "../unit/test_pki.hpp"

#include "paths/path_search.hpp"
#include "paths/path_verifier.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <stdexcept>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct Stores {
    explicit Stores(const std::vector<Certificate>& roots) : system(read_trust_store(kSystemBundle))
    {
        if (!system.ok()) {
            throw std::runtime_error(system.path + " " + system.error);
        }
        ours.certificates = roots;
    }

    TrustStore system;
    TrustStore ours;
    Anchors anchors() const { return Anchors({{"system", &system}, {"ours", &ours}}); }
};

void find_all(benchmark::State& state, const Chain& chain, const std::vector<Certificate>& roots,
              std::size_t expected_paths, const Chain* first = nullptr)
{
    const Stores stores(roots);
    const Anchors anchors = stores.anchors();
    PathVerifier verifier(kNow);
    Signatures shared;
    if (first != nullptr) {
        paths_to_anchors(*first, anchors, shared);
    }
    std::size_t paths = 0;
    for (auto _ : state) {
        Signatures signatures = shared;
        SearchResult found = paths_to_anchors(chain, anchors, signatures);
        for (Path& path : found.paths) {
            verifier.verify(path);
        }
        paths = found.paths.size();
        benchmark::DoNotOptimize(found);
    }
    if (paths != expected_paths) {
        state.SkipWithError("another number of paths");
    }
    state.counters["paths"] = static_cast<double>(paths);
}

void ordinary_p256(benchmark::State& state)
{
    find_all(state, pki().www_chain, {pki().root, pki().other_root}, 1);
}

void ordinary_p256_again(benchmark::State& state)
{
    const Chain next = chain({leaf(Entity("next.example.com"), pki().intermediate_key), pki().intermediate});
    find_all(state, next, {pki().root, pki().other_root}, 1, &pki().www_chain);
}

void ordinary_rsa(benchmark::State& state)
{
    const Entity root("RSA root", KeyType::rsa);
    const Entity intermediate("RSA intermediate", KeyType::rsa);
    find_all(state, chain({leaf(pki().www_key, intermediate), ca(intermediate, root)}), {ca(root, root)}, 1);
}

void cross_signed(benchmark::State& state)
{
    std::vector<Certificate> sent = {pki().www};
    std::vector<Certificate> roots;
    for (int i = 0; i < state.range(0); i++) {
        const Entity root("Root " + std::to_string(i));
        sent.push_back(ca(pki().intermediate_key, root));
        roots.push_back(ca(root, root));
    }
    find_all(state, chain(std::move(sent)), roots, roots.size());
}

/// Paths from the first of `authorities` to the last, over any of the others in any order.
std::size_t paths_in_mesh(std::size_t authorities)
{
    std::size_t paths = 0;
    std::size_t of_this_length = 1;
    for (std::size_t others = authorities - 2, used = 0; used <= others; used++) {
        paths += of_this_length;
        of_this_length *= others - used;
    }
    return std::min(paths, kMaxPaths);
}

void mesh(benchmark::State& state)
{
    const auto authorities = static_cast<std::size_t>(state.range(0));
    std::vector<Entity> all;
    for (std::size_t i = 0; i < authorities; i++) {
        all.emplace_back("CA " + std::to_string(i));
    }
    std::vector<Certificate> sent = {leaf(pki().www_key, all[0])};
    for (const Entity& subject : all) {
        for (const Entity& issuer : all) {
            if (&subject != &issuer) {
                sent.push_back(ca(subject, issuer));
            }
        }
    }
    find_all(state, chain(std::move(sent)), {ca(all.back(), all.back())}, paths_in_mesh(authorities));
}

void read_the_bundle(benchmark::State& state)
{
    for (auto _ : state) {
        benchmark::DoNotOptimize(read_trust_store(kSystemBundle));
    }
}

BENCHMARK(ordinary_p256)->Unit(benchmark::kMicrosecond);
BENCHMARK(ordinary_p256_again)->Unit(benchmark::kMicrosecond);
BENCHMARK(ordinary_rsa)->Unit(benchmark::kMicrosecond);
BENCHMARK(cross_signed)->Unit(benchmark::kMicrosecond)->RangeMultiplier(4)->Range(1, 64);
BENCHMARK(mesh)->Unit(benchmark::kMicrosecond)->DenseRange(3, 12, 3);
BENCHMARK(read_the_bundle)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
