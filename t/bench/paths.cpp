// What it costs to find and judge all paths of a chain, once the stores are read.
//
//   cmake --build build --target hpkp_bench_paths && build/hpkp_bench_paths
//
// The store is the system's bundle and the test roots in one: an ordinary chain (leaf, intermediate, a root of the
// store), one whose intermediate is cross-signed, and the worst that a server can send, a mesh of twelve authorities
// that signed each other. Signatures are verified anew in every turn, as for the first server of a load; "again" is the
// next server below the same authority. The last one reads the bundle.
#include "../unit/test_pki.hpp"

#include "paths/path_search.hpp"
#include "paths/path_verifier.hpp"

#include <benchmark/benchmark.h>

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
    for (auto _ : state) {
        Signatures signatures = shared;
        SearchResult found = paths_to_anchors(chain, anchors, signatures);
        for (Path& path : found.paths) {
            verifier.verify(path);
        }
        if (found.paths.size() != expected_paths) {
            state.SkipWithError("another number of paths");
        }
        benchmark::DoNotOptimize(found);
    }
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
    const Certificate cross = ca(pki().intermediate_key, pki().other_root_key);
    find_all(state, chain({pki().www, pki().intermediate, cross}), {pki().root, pki().other_root}, 2);
}

void mesh_of_twelve(benchmark::State& state)
{
    std::vector<Entity> all;
    for (int i = 0; i < 12; i++) {
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
    find_all(state, chain(std::move(sent)), {ca(all[11], all[11])}, kMaxPaths);
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
BENCHMARK(cross_signed)->Unit(benchmark::kMicrosecond);
BENCHMARK(mesh_of_twelve)->Unit(benchmark::kMicrosecond);
BENCHMARK(read_the_bundle)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
