// The roots that Debian's ca-certificates installs: public ones, as they are.
#include "paths/trust_paths.hpp"

#include "pem.hpp"
#include "test_paths.hpp"
#include "test_site.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Basis = TrustPaths::Basis;
using Strings = std::vector<std::string>;

const char* const kBundle = "/etc/ssl/certs/ca-certificates.crt";

const std::vector<Certificate>& public_roots()
{
    static const std::vector<Certificate> roots = [] {
        TrustStore store = read_trust_store(kBundle);
        if (!store.ok()) {
            throw std::runtime_error(std::string("these tests need Debian's public roots (apt-get install "
                                                 "ca-certificates): ")
                                     + kBundle + " " + store.error);
        }
        return store.certificates;
    }();
    return roots;
}

std::size_t lines_with(const std::string& path, const std::string& wanted)
{
    std::ifstream file(path);
    std::size_t found = 0;
    for (std::string line; std::getline(file, line);) {
        found += line == wanted ? 1U : 0U;
    }
    return found;
}

/// The first root that has this name; they come and go.
const Certificate* root_named(const std::string& name)
{
    const auto& roots = public_roots();
    const auto found =
        std::find_if(roots.begin(), roots.end(), [&](const Certificate& root) { return root.short_name() == name; });
    return found == roots.end() ? nullptr : &*found;
}

/// Some of them, of different makes: the first with a key of each kind and the first of a few that everybody knows.
std::vector<Certificate> some_roots()
{
    std::vector<Certificate> some;
    std::set<std::string> kinds;
    for (const Certificate& root : public_roots()) {
        const EVP_PKEY* key = X509_get0_pubkey(root.get());
        const std::string kind = std::string(EVP_PKEY_get0_type_name(key)) + std::to_string(EVP_PKEY_get_bits(key));
        if (kinds.insert(kind).second) {
            some.push_back(root);
        }
    }
    for (const char* name : {"ISRG Root X1", "DigiCert Global Root G2", "GlobalSign Root R46"}) {
        const Certificate* root = root_named(name);
        if (root != nullptr && std::find(some.begin(), some.end(), *root) == some.end()) {
            some.push_back(*root);
        }
    }
    return some;
}

TEST(RealRoots, AllAreRead)
{
    EXPECT_EQ(public_roots().size(), lines_with(kBundle, "-----BEGIN CERTIFICATE-----"));
    EXPECT_GE(public_roots().size(), 100U);
    for (const Certificate& root : public_roots()) {
        EXPECT_TRUE(root.pin().has_value()) << root.short_name();
        EXPECT_TRUE(root.not_after().has_value()) << root.short_name();
        EXPECT_NE(root.short_name(), "(no name)");
    }
}

TEST(RealRoots, AllAreAnchors)
{
    const TrustStore store = read_trust_store(kBundle);
    const Anchors anchors({{"debian", &store}});
    EXPECT_TRUE(anchors.intermediates().empty());
    for (const Certificate& root : public_roots()) {
        ASSERT_EQ(anchors.all_of(root).size(), 1U) << root.short_name();
        EXPECT_TRUE(anchors.all_of(root).front()->certificate == root);
    }
}

TEST(RealRoots, TheDirectoryHasThemToo)
{
    const TrustStore directory = read_trust_store("/etc/ssl/certs");
    ASSERT_TRUE(directory.ok()) << directory.error;
    for (const Certificate& root : public_roots()) {
        EXPECT_NE(std::find(directory.certificates.begin(), directory.certificates.end(), root),
                  directory.certificates.end())
            << root.short_name();
    }
}

TEST(RealRoots, TwoOfOneSubjectAndKeyAreTwoAnchors)
{
    // Firmaprofesional's in 2023's bundle; renewed roots keep their key.
    std::map<std::string, std::vector<Certificate>> by_key;
    for (const Certificate& root : public_roots()) {
        by_key[root.pin()->base64() + root.short_name()].push_back(root);
    }
    const TrustStore store = read_trust_store(kBundle);
    const Anchors anchors({{"debian", &store}});
    std::size_t pairs = 0;
    for (const auto& [key, roots] : by_key) {
        if (roots.size() < 2) {
            continue;
        }
        pairs++;
        EXPECT_EQ(anchors.with_subject(X509_get_subject_name(roots.front().get())).size(), roots.size())
            << roots.front().short_name();
        for (const Certificate& root : roots) {
            EXPECT_EQ(anchors.all_of(root).size(), 1U);
        }
    }
    RecordProperty("pairs", static_cast<int>(pairs));
}

TEST(RealRoots, EachIsAPathOfItsOwn)
{
    // A root that is served as a leaf: its path is itself, whatever OpenSSL says of its purpose.
    TrustPathFinder finder(kNow, kBundle);
    std::deque<Chain> chains;
    for (const Certificate& root : public_roots()) {
        chains.push_back(chain({root}));
        const TrustPaths& found = finder.find(chains.back(), nullptr);
        std::vector<Path> all = found.paths;
        all.insert(all.end(), found.rejected.begin(), found.rejected.end());
        ASSERT_EQ(all.size(), 1U) << root.short_name();
        EXPECT_EQ(all.front().certificates, std::vector<Certificate>{root});
        EXPECT_NE(found.basis, Basis::sent);
    }
}

TEST(RealRoots, ALeafUnderATestRootBesideThem)
{
    const TempDir dir;
    auto store = some_roots();
    ASSERT_GE(store.size(), 4U);
    store.insert(store.begin() + 2, pki().root);
    const TrustStores stores = {{"mixed", dir.write("mixed.pem", pem(store))},
                                {"hashed", hashed_directory(dir, "hashed", store)},
                                {"debian", kBundle}};
    TrustPathFinder finder(kNow, kBundle);
    const TrustPaths& found = finder.find(pki().www_chain, &stores);
    EXPECT_EQ(found.basis, Basis::trusted);
    EXPECT_TRUE(found.rejected.empty());
    ASSERT_EQ(found.paths.size(), 1U);
    EXPECT_EQ(found.paths.front().certificates, (std::vector<Certificate>{pki().www, pki().intermediate, pki().root}));
    EXPECT_EQ(found.paths.front().stores, (Strings{"hashed", "mixed"}));
    expect_openssl_agrees(found.paths.front(), kNow);

    const TrustPaths& elsewhere = finder.find(pki().www_chain, nullptr);
    EXPECT_EQ(elsewhere.basis, Basis::sent) << "none of the public ones issued it";
    EXPECT_EQ(names_on(elsewhere.paths), Strings{"www.example.com > Intermediate A"});
}

TEST(RealRoots, SentTheyAreSuperfluous)
{
    auto sent = pki().www_chain.sent;
    for (const Certificate& root : some_roots()) {
        sent.push_back(root);
    }
    const Chain with_roots = chain(sent);
    const TempDir dir;
    const TrustStores stores = {{"mine", dir.write("mine.pem", pem(pki().root))}, {"debian", kBundle}};
    TrustPathFinder finder(kNow, kBundle);
    const TrustPaths& found = finder.find(with_roots, &stores);
    EXPECT_EQ(names_on(found.paths), Strings{"www.example.com > Intermediate A > Root A"});
    EXPECT_EQ(found.paths.front().stores, Strings{"mine"});
    EXPECT_TRUE(found.rejected.empty());
    EXPECT_EQ(met(found.limits), "");
    for (const Certificate& root : some_roots()) {
        EXPECT_FALSE(found.contains(root)) << root.short_name();
        EXPECT_FALSE(found.contains(*root.pin())) << root.short_name();
    }
    EXPECT_EQ(finder.find(with_roots, nullptr).basis, Basis::sent);
}

TEST(RealRoots, OneOfTheirNamesWithAnotherKeyIsNoWay)
{
    const Certificate real = some_roots().front();
    // A forged intermediate "by" it: the issuer's name is right, the signature is our own.
    const X509Ptr forged(X509_dup(pki().intermediate.get()));
    ASSERT_EQ(X509_set_issuer_name(forged.get(), X509_get_subject_name(real.get())), 1);
    ASSERT_GT(X509_sign(forged.get(), pki().root_key.key.get(), EVP_sha256()), 0);
    const Chain sent = chain({pki().www, Certificate(forged.get()), real});
    const TempDir dir;
    const TrustStores stores = {{"debian", kBundle}};
    TrustPathFinder finder(kNow, kBundle);
    EXPECT_EQ(finder.find(sent, &stores).basis, Basis::none);
    EXPECT_EQ(finder.find(sent, nullptr).basis, Basis::sent);
    EXPECT_EQ(names_on(finder.find(sent, nullptr).paths), Strings{"www.example.com > Intermediate A"});
}

TEST(RealRoots, AreTheSystemsBundleOfALoad)
{
    World world;
    world.system_bundle = kBundle;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "");
    EXPECT_EQ(notes(findings), "private-pki");
    EXPECT_NE(only(findings, FindingId::private_pki).what.find(kBundle), std::string::npos);
}

}  // namespace
