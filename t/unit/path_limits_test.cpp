// How far the search for paths to a root goes, and that it ends: meshes, long lines, many candidates.
#include "paths/path_search.hpp"

#include "test_paths.hpp"
#include "test_site.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Strings = std::vector<std::string>;

SearchResult search(const Chain& chain, const std::vector<Certificate>& roots)
{
    const TrustStore store = store_of(roots);
    const Anchors anchors({{"s", &store}});
    Signatures signatures;
    return paths_to_anchors(chain, anchors, signatures);
}

std::string ca_name(std::size_t i)
{
    return "CA " + std::to_string(i);
}

/// A chain of `length` certificates, and the root that makes it one longer.
struct Line {
    explicit Line(std::size_t length)
    {
        Entity subject = pki().www_key;
        for (std::size_t i = 1; i <= length; i++) {
            authorities.emplace_back(ca_name(i));
            sent.sent.push_back(i == 1 ? leaf(subject, authorities.back()) : ca(subject, authorities.back()));
            subject = authorities.back();
        }
        root = {ca(subject, subject)};
    }
    Chain sent;
    std::vector<Entity> authorities;
    std::vector<Certificate> root;
};

TEST(PathLimits, TenCertificatesAreNotTooDeep)
{
    const Line line(9);
    const SearchResult found = search(line.sent, line.root);
    EXPECT_EQ(met(found.limits), "");
    ASSERT_EQ(found.paths.size(), 1U);
    EXPECT_EQ(found.paths.front().certificates.size(), 10U);
}

TEST(PathLimits, ElevenAreAndNoPathIsFound)
{
    const Line line(10);
    const SearchResult found = search(line.sent, line.root);
    EXPECT_EQ(met(found.limits), "depth");
    EXPECT_TRUE(found.paths.empty());
    EXPECT_TRUE(found.reaches_anchor) << "a root is there, too far away";
}

TEST(PathLimits, AShorterWayIsFoundBesideOneThatIsTooDeep)
{
    Line line(10);
    line.sent.sent.push_back(ca(line.authorities[2], line.authorities[9]));
    const SearchResult found = search(line.sent, line.root);
    EXPECT_EQ(met(found.limits), "depth");
    EXPECT_EQ(names_on(found.paths), Strings{"www.example.com > CA 1 > CA 2 > CA 3 > CA 10"});
}

/// A leaf of the first of `n` authorities of which each has certified every other.
struct Mesh {
    explicit Mesh(std::size_t n)
    {
        for (std::size_t i = 0; i < n; i++) {
            all.emplace_back(ca_name(i));
        }
        sent.sent.push_back(leaf(pki().www_key, all[0]));
        for (const Entity& subject : all) {
            for (const Entity& issuer : all) {
                if (&subject != &issuer) {
                    sent.sent.push_back(ca(subject, issuer));
                }
            }
        }
    }
    std::vector<Certificate> root(std::size_t i) const { return {ca(all[i], all[i])}; }

    std::vector<Entity> all;
    Chain sent;
};

TEST(PathLimits, AMeshOfFourIsSeenWhole)
{
    const Mesh mesh(4);
    const SearchResult found = search(mesh.sent, mesh.root(3));
    EXPECT_EQ(met(found.limits), "");
    EXPECT_EQ(names_on(found.paths),
              (Strings{"www.example.com > CA 0 > CA 1 > CA 2 > CA 3", "www.example.com > CA 0 > CA 1 > CA 3",
                       "www.example.com > CA 0 > CA 2 > CA 1 > CA 3", "www.example.com > CA 0 > CA 2 > CA 3",
                       "www.example.com > CA 0 > CA 3"}));
    // To all four roots: one at once, and from each of the five ways above, three times.
    std::vector<Certificate> roots;
    for (std::size_t i = 0; i < 4; i++) {
        roots.push_back(mesh.root(i).front());
    }
    EXPECT_EQ(search(mesh.sent, roots).paths.size(), 16U);
}

TEST(PathLimits, AMeshOfFiveHas16Ways)
{
    const Mesh mesh(5);
    const SearchResult found = search(mesh.sent, mesh.root(4));
    EXPECT_EQ(met(found.limits), "");
    EXPECT_EQ(found.paths.size(), 16U) << "1 + 3 + 3 x 2 + 3 x 2 x 1";
}

TEST(PathLimits, AMeshOfSixHasOneWayTooMany)
{
    const Mesh mesh(6);
    const SearchResult found = search(mesh.sent, mesh.root(5));
    EXPECT_EQ(met(found.limits), "paths") << "1 + 4 + 12 + 24 + 24 = 65";
    EXPECT_EQ(found.paths.size(), 64U);
}

/// Levels of two authorities, each certified by both of the next level: 2 to the power of `doublings` ways to a root.
struct Ladder {
    explicit Ladder(std::size_t doublings)
    {
        std::vector<std::vector<Entity>> levels = {{Entity("CA")}};
        for (std::size_t i = 1; i <= doublings; i++) {
            levels.push_back({Entity(ca_name(i) + "a"), Entity(ca_name(i) + "b")});
        }
        sent.sent.push_back(leaf(pki().www_key, levels[0][0]));
        for (std::size_t i = 0; i < doublings; i++) {
            for (const Entity& subject : levels[i]) {
                for (const Entity& issuer : levels[i + 1]) {
                    sent.sent.push_back(ca(subject, issuer));
                }
            }
        }
        for (const Entity& root : levels.back()) {
            roots.push_back(ca(root, root));
        }
    }
    Chain sent;
    std::vector<Certificate> roots;
};

TEST(PathLimits, SixtyFourWaysAreNotTooMany)
{
    const Ladder ladder(6);
    const SearchResult found = search(ladder.sent, ladder.roots);
    EXPECT_EQ(met(found.limits), "");
    EXPECT_EQ(found.paths.size(), 64U);
}

TEST(PathLimits, MoreThanSixtyFourAre)
{
    Ladder ladder(6);
    ladder.roots.push_back(ca(pki().root_key, pki().root_key));
    EXPECT_EQ(met(search(ladder.sent, ladder.roots).limits), "") << "another root is no way";
    const Ladder longer(7);
    const SearchResult found = search(longer.sent, longer.roots);
    EXPECT_EQ(met(found.limits), "paths");
    EXPECT_EQ(found.paths.size(), 64U);
}

/// The usual chain behind so many certificates of the intermediate's name and keys of their own.
Chain behind_impostors(std::size_t wrong)
{
    std::vector<Certificate> sent = {pki().www};
    for (std::size_t i = 0; i < wrong; i++) {
        sent.push_back(ca(Entity("Intermediate A"), pki().other_root_key));
    }
    sent.push_back(pki().intermediate);
    return chain(std::move(sent));
}

TEST(PathLimits, AThousandSignatureChecksAreNotTooMany)
{
    const SearchResult found = search(behind_impostors(998), {pki().root});
    EXPECT_EQ(met(found.limits), "") << "998, the intermediate, and the root";
    EXPECT_EQ(names_on(found.paths), Strings{"www.example.com > Intermediate A > Root A"});
}

TEST(PathLimits, OneMoreIs)
{
    const SearchResult found = search(behind_impostors(999), {pki().root});
    EXPECT_EQ(met(found.limits), "signatures");
    EXPECT_TRUE(found.paths.empty());
    EXPECT_TRUE(found.reaches_anchor) << "one may have been missed";
}

/// Throws where the search was not limited, or found more than it may.
void search_limited(const Chain& sent, const std::vector<Certificate>& roots)
{
    const SearchResult found = search(sent, roots);
    if (!found.limits.any() || found.paths.size() > kMaxPaths) {
        throw std::runtime_error("not limited");
    }
}

TEST(PathLimits, WaysThatLeadBackAreCounted)
{
    // The only way out of the mesh is at its first authority, which stands below all the others.
    const auto with_exit = [](std::size_t n) {
        Mesh mesh(n);
        mesh.sent.sent.push_back(ca(mesh.all[0], pki().root_key));
        return mesh.sent;
    };
    const SearchResult six = search(with_exit(6), {pki().root});
    EXPECT_EQ(met(six.limits), "");
    EXPECT_EQ(names_on(six.paths), Strings{"www.example.com > CA 0 > Root A"});
    const SearchResult nine = search(with_exit(9), {pki().root});
    EXPECT_TRUE(nine.limits.steps) << met(nine.limits);
    EXPECT_FALSE(nine.limits.signatures);
    EXPECT_LE(nine.paths.size(), 1U);
    const Chain fourteen = with_exit(14);
    EXPECT_TRUE(ends_within(3, [&] { search_limited(fourteen, {pki().root}); })) << "50 million steps";
}

TEST(PathLimits, AMeshOfAuthoritiesEndsSoon)
{
    for (const std::size_t n : {6U, 8U, 9U, 10U, 11U, 12U}) {
        const Mesh mesh(n);
        const auto root = mesh.root(n - 1);
        EXPECT_TRUE(ends_within(5, [&] { search_limited(mesh.sent, root); })) << n << " authorities";
    }
}

TEST(PathLimits, AMeshThatReachesNoRootEndsSoon)
{
    // Nothing leads to a root, so no way is followed.
    const Mesh mesh(12);
    EXPECT_TRUE(ends_within(5, [&] { search(mesh.sent, {pki().root}); }));
    const SearchResult found = search(mesh.sent, {pki().root});
    EXPECT_EQ(met(found.limits), "");
    EXPECT_TRUE(found.paths.empty());
    EXPECT_FALSE(found.reaches_anchor);
}

TEST(PathLimits, ManyWaysOfTheSameDepthEndSoon)
{
    // Ten authorities in a line, each certified ten times by the next: 10^9 ways to the root.
    std::vector<Entity> line;
    for (std::size_t i = 0; i < 10; i++) {
        line.emplace_back(ca_name(i));
    }
    Chain sent = chain({leaf(pki().www_key, line[0])});
    for (std::size_t i = 0; i < 9; i++) {
        for (int times = 0; times < 10; times++) {
            sent.sent.push_back(ca(line[i], line[i + 1]));
        }
    }
    EXPECT_TRUE(ends_within(5, [&] { search_limited(sent, {ca(line[8], line[8])}); })) << "ten certificates";
    EXPECT_TRUE(ends_within(5, [&] { search_limited(sent, {ca(line[9], line[9])}); })) << "eleven";
    EXPECT_EQ(met(search(sent, {ca(line[9], line[9])}).limits), "depth") << "which is seen before a step is taken";
    const Ladder ladder(40);
    EXPECT_TRUE(ends_within(5, [&] { search_limited(ladder.sent, ladder.roots); }));
}

}  // namespace
