// The ways from a leaf to the roots of stores. Issuer lines, which lead to none: issuer_lines_test.cpp.
#include "paths/path_search.hpp"

#include "test_paths.hpp"
#include "test_site.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>

#include <algorithm>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Strings = std::vector<std::string>;

SearchResult search(const Chain& chain, const Stores& stores)
{
    std::map<std::string, TrustStore> read;
    std::vector<NamedStore> named;
    for (const auto& [name, certificates] : stores) {
        read.emplace(name, store_of(certificates));
        named.push_back({name, &read.at(name)});
    }
    const Anchors anchors(named);
    Signatures signatures;
    SearchResult found = paths_to_anchors(chain, anchors, signatures);
    EXPECT_EQ(ERR_peek_error(), 0U);
    EXPECT_TRUE(found.reaches_anchor || found.paths.empty());
    for (const Path& path : found.paths) {
        EXPECT_TRUE(path.anchored());
    }
    return found;
}

/// "www.example.com > Intermediate A > Root A", in alphabetical order, of a search that sees them all.
Strings ways(std::vector<Certificate> sent, const Stores& stores)
{
    const SearchResult found = search(chain(std::move(sent)), stores);
    EXPECT_EQ(met(found.limits), "");
    EXPECT_EQ(found.reaches_anchor, !found.paths.empty());
    return names_on(found.paths);
}

const Stores& store_a()
{
    static const Stores stores = {{"a", {pki().root}}};
    return stores;
}

const Strings kUsual = {"www.example.com > Intermediate A > Root A"};

TEST(PathSearch, EndsAtARootOfAStore)
{
    const SearchResult found = search(pki().www_chain, store_a());
    ASSERT_EQ(names_on(found.paths), kUsual);
    EXPECT_EQ(found.paths.front().certificates, (std::vector<Certificate>{pki().www, pki().intermediate, pki().root}));
    EXPECT_EQ(found.paths.front().stores, Strings{"a"});
    EXPECT_EQ(found.paths.front().doubt, "");
    EXPECT_FALSE(found.paths.front().in_doubt);
    EXPECT_TRUE(found.reaches_anchor);
}

TEST(PathSearch, LeadsNowhereWithoutARoot)
{
    EXPECT_EQ(ways({pki().www, pki().intermediate}, {{"b", {pki().other_root}}}), Strings{});
    EXPECT_EQ(ways({pki().www, pki().intermediate, pki().root}, {{"b", {pki().other_root}}}), Strings{})
        << "a root that is sent is not trusted for it";
    EXPECT_EQ(ways({pki().www, pki().intermediate}, {}), Strings{});
}

TEST(PathSearch, AMissingIntermediateIsAGap)
{
    EXPECT_EQ(ways({pki().www}, store_a()), Strings{});
    EXPECT_EQ(ways({pki().www, pki().root}, store_a()), Strings{});
}

TEST(PathSearch, TakesTheCertificatesInAnyOrderAndSentTwice)
{
    const Entity a("A"), b("B"), c("C"), d("D");
    const std::vector<Certificate> rest = {ca(a, b), ca(b, c), ca(c, d), ca(d, d), ca(b, c)};
    const Certificate first = leaf(pki().www_key, a);
    std::vector<std::size_t> order = {0, 1, 2, 3, 1, 4};
    std::sort(order.begin(), order.end());
    do {
        std::vector<Certificate> sent = {first};
        for (const std::size_t i : order) {
            sent.push_back(rest[i]);
        }
        ASSERT_EQ(ways(sent, {{"s", {rest[3]}}}),
                  (Strings{"www.example.com > A > B > C > D", "www.example.com > A > B > C > D"}))
            << "B is certified twice";
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(PathSearch, ARootThatIsAppendedIsTheStores)
{
    EXPECT_EQ(ways(pki().www_chain_with_root.sent, store_a()), kUsual);
    EXPECT_EQ(ways({pki().www, pki().root, pki().intermediate, pki().root, pki().www}, store_a()), kUsual);
}

TEST(PathSearch, WhatIsSuperfluousIsOnNoPath)
{
    EXPECT_EQ(ways({pki().www, pki().other_intermediate, pki().intermediate, pki().other, pki().other_root}, store_a()),
              kUsual);
}

TEST(PathSearch, AnIntermediateOfAStoreIsAStepAndNoAnchor)
{
    EXPECT_EQ(ways({pki().www}, {{"a", {pki().intermediate}}}), Strings{});
    EXPECT_EQ(ways({pki().www}, {{"a", {pki().intermediate, pki().root}}}), kUsual);
    EXPECT_EQ(ways({pki().www}, {{"a", {pki().root}}, {"b", {pki().intermediate}}}), kUsual) << "of another store too";
    EXPECT_EQ(ways(pki().www_chain.sent, {{"a", {pki().root, pki().intermediate}}}), kUsual) << "and is one with it";
}

TEST(PathSearch, ALeafInAStore)
{
    EXPECT_EQ(ways({pki().www, pki().intermediate}, {{"a", {pki().www}}}), Strings{}) << "it is no root";
    EXPECT_EQ(ways({pki().www, pki().intermediate}, {{"a", {pki().www, pki().root}}}), kUsual);
}

TEST(PathSearch, ASelfSignedLeaf)
{
    const Entity self("www.example.com");
    const Certificate certificate = leaf(self, self);
    EXPECT_EQ(ways({certificate, pki().intermediate}, store_a()), Strings{});
    EXPECT_EQ(ways({certificate, certificate}, {{"a", {pki().root, certificate}}}), Strings{"www.example.com"});
    EXPECT_EQ(search(chain({certificate}), {{"x", {certificate}}, {"y", {certificate}}}).paths.front().stores,
              (Strings{"x", "y"}));
}

TEST(PathSearch, ASelfSignedLeafWhoseTwinIsInAStore)
{
    // Renewed with the same key: the old one in the store is no way up from it, and no client takes it for one.
    const Entity self("www.example.com");
    EXPECT_EQ(ways({leaf(self, self)}, {{"a", {leaf(self, self)}}}), Strings{});
}

TEST(PathSearch, ACrossSignedIntermediateMakesTwo)
{
    const std::vector<Certificate> sent = {pki().www, ca(pki().intermediate_key, pki().other_root_key),
                                           pki().intermediate};
    const std::string to_b = "www.example.com > Intermediate A > Root B";
    EXPECT_EQ(ways(sent, {{"a", {pki().root}}, {"b", {pki().other_root}}}), (Strings{kUsual[0], to_b}));
    EXPECT_EQ(ways(sent, {{"ab", {pki().root, pki().other_root}}}), (Strings{kUsual[0], to_b}));
    EXPECT_EQ(ways(sent, {{"b", {pki().other_root}}}), Strings{to_b});
}

TEST(PathSearch, ACrossSignedRootMakesTwo)
{
    // As DST Root CA X3 above ISRG Root X1: the root itself, or its cross-sign and another root.
    const std::vector<Certificate> sent = {pki().www, pki().intermediate, ca(pki().root_key, pki().other_root_key)};
    const std::string by_cross = "www.example.com > Intermediate A > Root A > Root B";
    EXPECT_EQ(ways(sent, {{"a", {pki().root}}, {"b", {pki().other_root}}}), (Strings{kUsual[0], by_cross}));
    EXPECT_EQ(ways(sent, store_a()), kUsual);
    EXPECT_EQ(ways(sent, {{"b", {pki().other_root}}}), Strings{by_cross});
}

TEST(PathSearch, NamesAllTheStoresOfARoot)
{
    const SearchResult found = search(
        chain({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key)}),
        {{"android", {pki().root}}, {"mozilla", {pki().other_root, pki().root, pki().root}}, {"none", {pki().www}}});
    ASSERT_EQ(found.paths.size(), 2U);
    for (const Path& path : found.paths) {
        EXPECT_EQ(path.stores,
                  path.certificates.back() == pki().root ? (Strings{"android", "mozilla"}) : Strings{"mozilla"});
    }
}

TEST(PathSearch, TwoRootsOfOneSubjectAndKeyAreTwo)
{
    const Certificate renewed = ca(pki().root_key, pki().root_key);
    const SearchResult found = search(pki().www_chain_with_root, {{"old", {pki().root}}, {"new", {renewed}}});
    ASSERT_EQ(found.paths.size(), 2U);
    for (const Path& path : found.paths) {
        EXPECT_EQ(names_on(path), kUsual[0]);
        EXPECT_EQ(path.stores, Strings{path.certificates.back() == renewed ? "new" : "old"});
    }
    // Sent, the other is no step on the way to it.
    EXPECT_EQ(ways(pki().www_chain_with_root.sent, {{"new", {renewed}}}), kUsual);
}

TEST(PathSearch, OneKeyWithTwoSubjectsMayStandTwice)
{
    const Entity first("A"), renamed("B", first);
    EXPECT_EQ(ways({leaf(pki().www_key, first), ca(first, renamed)}, {{"s", {ca(renamed, renamed), ca(first, first)}}}),
              (Strings{"www.example.com > A", "www.example.com > A > B"}));
}

TEST(PathSearch, ARootWithANewKeySignedByItsOld)
{
    const Entity old_key("A"), new_key("A");
    CertOptions options = authority();
    options.key_identifiers = true;
    const Certificate old_root = certify(old_key, old_key, options), new_root = certify(new_key, new_key, options);
    const Certificate rollover = certify(new_key, old_key, options), backwards = certify(old_key, new_key, options);
    options.ca = false;
    const Certificate www = certify(pki().www_key, new_key, options);
    EXPECT_EQ(ways({www, rollover, backwards}, {{"old", {old_root}}}), Strings{"www.example.com > A > A"});
    EXPECT_EQ(ways({www, rollover, backwards}, {{"new", {new_root}}}), Strings{"www.example.com > A"});
    EXPECT_EQ(ways({www}, {{"both", {old_root, new_root, rollover}}}),
              (Strings{"www.example.com > A", "www.example.com > A > A"}));
}

TEST(PathSearch, ANameWithAnotherKeyIsNoIssuer)
{
    const Entity impostor("Intermediate A"), false_root("Root A");
    EXPECT_EQ(ways({pki().www, ca(impostor, pki().root_key)}, store_a()), Strings{});
    EXPECT_EQ(ways(pki().www_chain.sent, {{"false", {ca(false_root, false_root)}}}), Strings{});
    EXPECT_EQ(ways({pki().www, ca(impostor, pki().root_key), pki().intermediate},
                   {{"mixed", {ca(false_root, false_root), pki().root}}}),
              kUsual);
}

TEST(PathSearch, KeepsAPathWhoseIssuerMayNotSign)
{
    CertOptions options = authority();
    options.key_usage = "critical,digitalSignature";
    const Certificate may_not = certify(pki().intermediate_key, pki().root_key, options);
    const SearchResult found = search(chain({pki().www, may_not, pki().intermediate}), store_a());
    ASSERT_EQ(found.paths.size(), 2U);
    for (const Path& path : found.paths) {
        EXPECT_FALSE(path.in_doubt);
        EXPECT_EQ(path.doubt, path.certificates[1] == pki().intermediate
                                  ? ""
                                  : "Intermediate A: key usage does not include certificate signing");
    }
}

TEST(PathSearch, KeepsAPathWhoseKeyIdentifiersDiffer)
{
    CertOptions options = authority();
    options.key_identifiers = true;
    options.authority = &pki().other_root_key;
    const Certificate odd = certify(pki().intermediate_key, pki().root_key, options);
    options.authority = nullptr;
    const Certificate root = certify(pki().root_key, pki().root_key, options);
    const SearchResult found = search(chain({pki().www, odd, pki().intermediate}), {{"a", {root}}});
    ASSERT_EQ(found.paths.size(), 2U);
    for (const Path& path : found.paths) {
        EXPECT_EQ(path.in_doubt, path.certificates[1] == odd);
        EXPECT_EQ(path.doubt,
                  path.certificates[1] == odd ? "Root A: authority and subject key identifier mismatch" : "");
    }
}

TEST(PathSearch, KeysOfAllKinds)
{
    const Entity rsa("RSA", KeyType::rsa), ed25519("Ed25519", KeyType::ed25519);
    EXPECT_EQ(ways({leaf(pki().www_key, rsa), ca(rsa, ed25519)}, {{"s", {ca(ed25519, ed25519)}}}),
              Strings{"www.example.com > RSA > Ed25519"});
    EXPECT_EQ(ways({leaf(rsa, pki().intermediate_key), pki().intermediate}, store_a()),
              Strings{"RSA > Intermediate A > Root A"});
}

}  // namespace
