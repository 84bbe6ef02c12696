#include "test_paths.hpp"
#include "test_site.hpp"

#include "paths/path_search.hpp"

#include <openssl/err.h>

#include <gtest/gtest.h>

#include <algorithm>

using namespace hpkp;
using namespace hpkp::test;

namespace {

std::vector<std::string> lines_among(std::vector<Certificate> sent)
{
    const TrustPaths found = lines_of(chain(std::move(sent)));
    EXPECT_EQ(met(found.limits), "");
    return names_on(found.paths);
}

using Paths = std::vector<std::string>;

const Paths kUsual = {"www.example.com > Intermediate A > Root A"};

TEST(IssuerLines, ALeafAloneIsItsPath)
{
    EXPECT_EQ(lines_among({pki().www}), Paths{"www.example.com"});
}

TEST(IssuerLines, IssuersFollow)
{
    EXPECT_EQ(lines_among({pki().www, pki().intermediate}), Paths{"www.example.com > Intermediate A"});
    EXPECT_EQ(lines_among({pki().www, pki().intermediate, pki().root}), kUsual);
}

TEST(IssuerLines, AnyOrderWillDo)
{
    const Entity a("A"), b("B"), c("C"), d("D");
    std::vector<Certificate> rest = {ca(a, b), ca(b, c), ca(c, d), ca(d, d)};
    const Certificate first = leaf(pki().www_key, a);
    std::vector<std::size_t> order = {0, 1, 2, 3};
    do {
        std::vector<Certificate> sent = {first};
        for (const std::size_t i : order) {
            sent.push_back(rest[i]);
        }
        EXPECT_EQ(lines_among(sent), Paths{"www.example.com > A > B > C > D"});
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(IssuerLines, TheFirstCertificateIsTheLeaf)
{
    EXPECT_EQ(lines_among({pki().intermediate, pki().www, pki().root}), Paths{"Intermediate A > Root A"});
}

TEST(IssuerLines, ACertificateSentTwiceIsOne)
{
    EXPECT_EQ(lines_among({pki().www, pki().intermediate, pki().intermediate, pki().root, pki().root, pki().www}),
              kUsual);
}

TEST(IssuerLines, SuperfluousCertificatesAreOnNoPath)
{
    EXPECT_EQ(lines_among(
                  {pki().www, pki().other_intermediate, pki().intermediate, pki().other, pki().root, pki().other_root}),
              kUsual);
}

TEST(IssuerLines, AGapEndsThePath)
{
    EXPECT_EQ(lines_among({pki().www, pki().root}), Paths{"www.example.com"});
}

TEST(IssuerLines, TheNameAloneIsNotEnough)
{
    const Entity impostor("Intermediate A");
    EXPECT_EQ(lines_among({pki().www, ca(impostor, impostor)}), Paths{"www.example.com"});
    EXPECT_EQ(lines_among({pki().www, ca(impostor, pki().root_key), pki().intermediate, pki().root}), kUsual);
}

TEST(IssuerLines, TheKeyAloneIsNotEnough)
{
    EXPECT_EQ(lines_among({pki().www, ca(Entity("Another name", pki().intermediate_key), pki().root_key)}),
              Paths{"www.example.com"});
}

TEST(IssuerLines, ASelfSignedLeafIsItsPath)
{
    const Entity self("www.example.com");
    EXPECT_EQ(lines_among({leaf(self, self)}), Paths{"www.example.com"});
    const Certificate once = leaf(self, self);
    EXPECT_EQ(lines_among({once, once}), Paths{"www.example.com"});
}

TEST(IssuerLines, ASelfSignedRootEndsThePath)
{
    const TrustPaths found = lines_of(pki().www_chain_with_root);
    ASSERT_EQ(found.paths.size(), 1U);
    EXPECT_EQ(found.paths.front().certificates.size(), 3U);
}

TEST(IssuerLines, ACrossSignedIntermediateMakesTwo)
{
    EXPECT_EQ(lines_among({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key), pki().root,
                           pki().other_root}),
              (Paths{"www.example.com > Intermediate A > Root A", "www.example.com > Intermediate A > Root B"}));
}

TEST(IssuerLines, ACrossSignedIntermediateWithoutItsRootsMakesTwo)
{
    EXPECT_EQ(lines_among({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key)}),
              (Paths{"www.example.com > Intermediate A", "www.example.com > Intermediate A"}));
}

TEST(IssuerLines, ACrossSignedRootMakesTwo)
{
    // As DST Root CA X3 above ISRG Root X1: the root itself, or its cross-sign and another root.
    EXPECT_EQ(
        lines_among(
            {pki().www, pki().intermediate, pki().root, ca(pki().root_key, pki().other_root_key), pki().other_root}),
        (Paths{"www.example.com > Intermediate A > Root A", "www.example.com > Intermediate A > Root A > Root B"}));
}

TEST(IssuerLines, ASubjectWithOneKeyStandsOnceOnAPath)
{
    // Two authorities that signed each other.
    const Entity a("A"), b("B");
    EXPECT_EQ(lines_among({leaf(pki().www_key, a), ca(a, b), ca(b, a)}), Paths{"www.example.com > A > B"});
    EXPECT_EQ(lines_among({leaf(pki().www_key, a), ca(a, b), ca(b, a), ca(a, a), ca(b, b)}),
              (Paths{"www.example.com > A", "www.example.com > A > B", "www.example.com > A > B"}));
}

TEST(IssuerLines, OneSubjectWithTwoKeysMayStandTwice)
{
    // A root that renewed its key, and signed the new one with the old.
    const Entity old_key("A"), new_key("A");
    EXPECT_EQ(lines_among({leaf(pki().www_key, new_key), ca(new_key, old_key), ca(old_key, old_key)}),
              Paths{"www.example.com > A > A"});
}

TEST(IssuerLines, OneKeyWithTwoSubjectsMayStandTwice)
{
    const Entity first("A"), renamed("B", first);
    EXPECT_EQ(lines_among({leaf(pki().www_key, first), ca(first, renamed), ca(renamed, renamed)}),
              Paths{"www.example.com > A > B"});
}

TEST(IssuerLines, KeysOfAllKindsAreVerified)
{
    const Entity rsa("RSA", KeyType::rsa), ed25519("Ed25519", KeyType::ed25519);
    EXPECT_EQ(lines_among({leaf(pki().www_key, rsa), ca(rsa, ed25519), ca(ed25519, ed25519)}),
              Paths{"www.example.com > RSA > Ed25519"});
}

/// A leaf and `length` - 1 authorities, each the issuer of the one before it.
std::vector<Certificate> line_of(std::size_t length)
{
    std::vector<Certificate> sent;
    Entity subject = pki().www_key;
    for (std::size_t i = 1; i <= length; i++) {
        const Entity issuer("CA " + std::to_string(i));
        sent.push_back(i == 1 ? leaf(subject, issuer) : ca(subject, issuer));
        subject = issuer;
    }
    return sent;
}

TEST(IssuerLines, TenCertificatesAreNotTooDeep)
{
    const TrustPaths found = lines_of(chain(line_of(10)));
    EXPECT_EQ(met(found.limits), "");
    ASSERT_EQ(found.paths.size(), 1U);
    EXPECT_EQ(found.paths.front().certificates.size(), 10U);
}

TEST(IssuerLines, ElevenAreAndWhatWasSeenIsThePath)
{
    const TrustPaths found = lines_of(chain(line_of(11)));
    EXPECT_EQ(met(found.limits), "depth");
    ASSERT_EQ(found.paths.size(), 1U);
    EXPECT_EQ(found.paths.front().certificates.size(), 10U);
}

/// Levels of two authorities, each certified by both of the next level: 2 to the power of `doublings` paths.
std::vector<Certificate> doubled(std::size_t doublings)
{
    std::vector<std::vector<Entity>> levels = {{Entity("CA 0")}};
    for (std::size_t i = 1; i <= doublings; i++) {
        levels.push_back({Entity("CA " + std::to_string(i) + "a"), Entity("CA " + std::to_string(i) + "b")});
    }
    std::vector<Certificate> sent = {leaf(pki().www_key, levels[0][0])};
    for (std::size_t i = 0; i < doublings; i++) {
        for (const Entity& subject : levels[i]) {
            for (const Entity& issuer : levels[i + 1]) {
                sent.push_back(ca(subject, issuer));
            }
        }
    }
    return sent;
}

TEST(IssuerLines, SixtyFourPathsAreNotTooMany)
{
    const TrustPaths found = lines_of(chain(doubled(6)));
    EXPECT_EQ(met(found.limits), "");
    EXPECT_EQ(found.paths.size(), 64U);
}

TEST(IssuerLines, MoreThanSixtyFourAre)
{
    const TrustPaths found = lines_of(chain(doubled(7)));
    EXPECT_EQ(met(found.limits), "paths");
    EXPECT_EQ(found.paths.size(), 64U);
}

/// `wrong` certificates with the issuer's name and keys of their own before the issuer's own.
std::vector<Certificate> behind_impostors(std::size_t wrong)
{
    std::vector<Certificate> sent = {pki().www};
    for (std::size_t i = 0; i < wrong; i++) {
        sent.push_back(ca(Entity("Intermediate A"), pki().other_root_key));
    }
    sent.push_back(pki().intermediate);
    return sent;
}

TEST(IssuerLines, SignatureChecksAreLimited)
{
    const TrustPaths within = lines_of(chain(behind_impostors(900)));
    EXPECT_EQ(met(within.limits), "");
    EXPECT_EQ(names_on(within.paths), Paths{"www.example.com > Intermediate A"});

    EXPECT_EQ(names_on(lines_of(chain(behind_impostors(999))).paths), Paths{"www.example.com > Intermediate A"});

    const TrustPaths beyond = lines_of(chain(behind_impostors(1000)));
    EXPECT_EQ(met(beyond.limits), "signatures");
    EXPECT_EQ(names_on(beyond.paths), Paths{"www.example.com"});
}

/// A leaf of one of `n` authorities of which each has certified every other.
Chain mesh(std::size_t n)
{
    std::vector<Entity> all;
    for (std::size_t i = 0; i < n; i++) {
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
    return chain(std::move(sent));
}

/// Throws where the search was not limited, or found more than it may.
void search_limited(const Chain& sent)
{
    const TrustPaths found = lines_of(sent);
    if (found.paths.empty() || found.paths.size() > kMaxPaths || !found.limits.any()) {
        throw std::runtime_error("not limited");
    }
}

TEST(IssuerLines, AMeshOfAuthoritiesEndsSoon)
{
    for (const std::size_t n : {6U, 9U, 10U, 11U, 12U}) {
        const Chain sent = mesh(n);
        EXPECT_TRUE(ends_within(5, [&] { search_limited(sent); })) << n << " authorities";
    }
}

TEST(IssuerLines, AMeshOfThreeIsSeenWhole)
{
    // CA 0 by 1, then 1 by 0, or 1 by 2 and 2 by 0 or by 1; and the same by 2.
    const TrustPaths found = lines_of(mesh(3));
    EXPECT_EQ(met(found.limits), "");
    EXPECT_EQ(found.paths.size(), 6U);
}

TEST(IssuerLines, ManyWaysThatAllEndAtTheDepthLimitEndSoon)
{
    // Eleven authorities in a line, each certified ten times by the next: 10^9 ways to depth 10.
    std::vector<Entity> line;
    for (int i = 0; i < 12; i++) {
        line.emplace_back("CA " + std::to_string(i));
    }
    std::vector<Certificate> sent = {leaf(pki().www_key, line[0])};
    for (std::size_t i = 0; i < 11; i++) {
        for (int times = 0; times < 10; times++) {
            sent.push_back(ca(line[i], line[i + 1]));
        }
    }
    const Chain reissued = chain(sent);
    EXPECT_TRUE(ends_within(3, [&] { search_limited(reissued); }));
    const Chain ladder = chain(doubled(40));
    EXPECT_TRUE(ends_within(3, [&] { search_limited(ladder); }));
}

TEST(IssuerLines, NothingIsLeftInOpensslsQueue)
{
    ERR_clear_error();
    lines_of(chain({pki().www, ca(Entity("Intermediate A"), pki().root_key)}));
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(IssuerLines, APathContainsThePinsOfItsCertificates)
{
    const TrustPaths found = lines_of(chain({pki().www, pki().intermediate, pki().other_intermediate}));
    ASSERT_EQ(found.paths.size(), 1U);
    EXPECT_TRUE(found.paths.front().contains(pki().www_key.pin()));
    EXPECT_TRUE(found.paths.front().contains(pki().intermediate_key.pin()));
    EXPECT_FALSE(found.paths.front().contains(pki().other_intermediate_key.pin()));
    EXPECT_TRUE(found.contains(pki().intermediate_key.pin()));
    EXPECT_FALSE(found.contains(pki().other_intermediate_key.pin()));
}

TEST(IssuerLines, ContainThePinsOfAnyPath)
{
    const Certificate cross = ca(pki().intermediate_key, pki().other_root_key);
    const TrustPaths found = lines_of(chain({pki().www, pki().intermediate, cross, pki().root, pki().other_root}));
    EXPECT_TRUE(found.contains(pki().root_key.pin()));
    EXPECT_TRUE(found.contains(pki().other_root_key.pin()));
    EXPECT_TRUE(found.contains(pki().www_key.pin()));
    EXPECT_FALSE(found.contains(pki().backup_1.pin()));
}

}  // namespace
