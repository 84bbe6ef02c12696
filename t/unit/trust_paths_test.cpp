// What the paths of a chain stand on, and that nothing is looked for twice. Which paths there are:
// trust_paths_table_test.cpp.
#include "paths/trust_paths.hpp"

#include "test_paths.hpp"
#include "test_site.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>

#include <filesystem>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Strings = std::vector<std::string>;
using Basis = TrustPaths::Basis;

const Strings kUsual = {"www.example.com > Intermediate A > Root A"};

struct TrustPathsTest : testing::Test {
    std::string bundle(const std::vector<Certificate>& certificates)
    {
        return dir.write(std::to_string(number++) + ".pem", pem(certificates));
    }
    /// In the system's bundle of these certificates.
    TrustPaths in_system(const Chain& chain, const std::vector<Certificate>& certificates)
    {
        TrustPathFinder finder(kNow, bundle(certificates));
        return finder.find(chain, nullptr);
    }
    TrustPaths in_store(const Chain& chain, const std::vector<Certificate>& certificates)
    {
        const TrustStores stores = {{"mine", bundle(certificates)}};
        TrustPathFinder finder(kNow, unrelated_bundle());
        return finder.find(chain, &stores);
    }

    TempDir dir;
    int number = 0;
};

Chain constrained_chain()
{
    CertOptions options = authority();
    options.name_constraints = "critical,permitted;DNS:example.org";
    return chain({pki().www, certify(pki().intermediate_key, pki().root_key, options)});
}

TEST_F(TrustPathsTest, ToARootOfTheSystemsBundle)
{
    const TrustPaths found = in_system(pki().www_chain, {pki().root});
    EXPECT_EQ(found.basis, Basis::trusted);
    EXPECT_EQ(names_on(found.paths), kUsual);
    EXPECT_EQ(found.paths.front().stores, Strings{"the system's bundle"});
    EXPECT_TRUE(found.rejected.empty());
}

TEST_F(TrustPathsTest, NoRootOfTheSystemsBundleIsAPrivatePki)
{
    for (const auto& certificates : {std::vector<Certificate>{pki().other_root}, {pki().intermediate}}) {
        const TrustPaths found = in_system(pki().www_chain_with_root, certificates);
        EXPECT_EQ(found.basis, Basis::sent);
        EXPECT_EQ(names_on(found.paths), kUsual) << "the issuer line among the certificates sent";
        EXPECT_FALSE(found.paths.front().anchored());
        EXPECT_EQ(found.paths.front().state, Path::State::valid);
    }
    EXPECT_EQ(names_on(in_system(pki().www_chain, {pki().other_root}).paths),
              Strings{"www.example.com > Intermediate A"});
}

TEST_F(TrustPathsTest, APrivatePkisLinesAreThoseOfTheCertificatesSentAlone)
{
    // The store's intermediate leads no further than the store's missing root.
    EXPECT_EQ(names_on(in_system(chain({pki().www}), {pki().intermediate}).paths), Strings{"www.example.com"});
}

TEST_F(TrustPathsTest, ARenewedSelfSignedLeafIsAPrivatePki)
{
    const Entity self("www.example.com");
    const TrustPaths found = in_system(chain({leaf(self, self)}), {leaf(self, self), pki().root});
    EXPECT_EQ(found.basis, Basis::sent);
    EXPECT_EQ(names_on(found.paths), Strings{"www.example.com"});
}

TEST_F(TrustPathsTest, NoRootOfANamedStoreIsNone)
{
    const TrustPaths found = in_store(pki().www_chain_with_root, {pki().other_root});
    EXPECT_EQ(found.basis, Basis::none);
    EXPECT_TRUE(found.paths.empty());
    EXPECT_TRUE(found.rejected.empty());
    EXPECT_FALSE(found.contains(pki().www_key.pin()));
}

TEST_F(TrustPathsTest, PathsThatFailAreNoPrivatePki)
{
    for (const TrustPaths& found :
         {in_system(constrained_chain(), {pki().root}), in_store(constrained_chain(), {pki().root})}) {
        EXPECT_EQ(found.basis, Basis::none);
        EXPECT_TRUE(found.paths.empty());
        ASSERT_EQ(found.rejected.size(), 1U);
        EXPECT_EQ(verdict(found.rejected.front()), "invalid: www.example.com: permitted subtree violation");
    }
}

TEST_F(TrustPathsTest, PathsThatFailForDatesAloneAreThose)
{
    const Chain expired = chain({leaf_until(pki().www_key, pki().intermediate_key, kNow - 1), pki().intermediate});
    for (const TrustPaths& found : {in_system(expired, {pki().root}), in_store(expired, {pki().root})}) {
        EXPECT_EQ(found.basis, Basis::outdated);
        EXPECT_EQ(names_on(found.paths), kUsual);
        EXPECT_TRUE(found.rejected.empty());
    }
}

TEST_F(TrustPathsTest, OneValidPathMakesTheOthersNone)
{
    const Certificate expired = certify(pki().intermediate_key, pki().other_root_key, authority_until(kNow - 1));
    const Certificate other = certify(pki().intermediate_key, pki().other_root_key, authority_until(kNow - 1));
    const Chain sent = chain({pki().www, expired, pki().intermediate, other, constrained_chain().sent.back()});
    const TrustPaths found = in_store(sent, {pki().root, pki().other_root});
    EXPECT_EQ(found.basis, Basis::trusted);
    EXPECT_EQ(names_on(found.paths), kUsual);
    EXPECT_EQ(found.rejected.size(), 3U);
    EXPECT_TRUE(found.contains(pki().root_key.pin()));
    EXPECT_FALSE(found.contains(pki().other_root_key.pin()));
    EXPECT_TRUE(found.contains(pki().intermediate));
    EXPECT_FALSE(found.contains(expired));
}

TEST_F(TrustPathsTest, AStoreThatCannotBeReadProvesNothing)
{
    const std::string missing = dir / "missing.pem";
    TrustPathFinder finder(kNow, missing);
    EXPECT_FALSE(finder.system_bundle().ok());
    EXPECT_EQ(finder.find(pki().www_chain_with_root, nullptr).basis, Basis::sent);

    const TrustStores one = {{"bad", missing}}, both = {{"bad", missing}, {"good", bundle({pki().root})}};
    EXPECT_EQ(finder.find(pki().www_chain_with_root, &one).basis, Basis::sent);
    EXPECT_EQ(names_on(finder.find(pki().www_chain_with_root, &one).paths), kUsual);
    EXPECT_EQ(finder.find(pki().www_chain, &both).basis, Basis::trusted);
    EXPECT_EQ(finder.find(pki().other_chain, &both).basis, Basis::sent) << "it may lead to a root of the other";
}

TEST_F(TrustPathsTest, AStoreIsReadOnce)
{
    const std::string path = bundle({pki().root});
    const TrustStores first = {{"mine", path}}, second = {{"yours", path}};
    TrustPathFinder finder(kNow, path);
    const TrustStore& store = finder.store(path);
    EXPECT_EQ(&finder.system_bundle(), &store);
    std::filesystem::remove(path);
    EXPECT_EQ(&finder.store(path), &store);
    EXPECT_EQ(finder.find(pki().www_chain, &first).paths.front().stores, Strings{"mine"});
    EXPECT_EQ(finder.find(pki().www_chain, &second).paths.front().stores, Strings{"yours"});
    EXPECT_EQ(finder.find(pki().www_chain, nullptr).paths.front().stores, Strings{"the system's bundle"});
    EXPECT_FALSE(TrustPathFinder(kNow, path).system_bundle().ok()) << "another load reads it anew";
}

TEST_F(TrustPathsTest, AChainIsLookedAtOnceForTheSameStores)
{
    const TrustStores first = {{"mine", bundle({pki().root})}}, same = first;
    TrustPathFinder finder(kNow, unrelated_bundle());
    const TrustPaths& found = finder.find(pki().www_chain, &first);
    const TrustPaths& in_bundle = finder.find(pki().www_chain, nullptr);
    EXPECT_EQ(&finder.find(pki().www_chain, &first), &found);
    EXPECT_EQ(&finder.find(pki().www_chain, &same), &found) << "another policy file that names the same stores";
    EXPECT_EQ(&finder.find(pki().www_chain, nullptr), &in_bundle);
    EXPECT_NE(&finder.find(pki().other_chain, &first), &found);
    for (int i = 0; i < 100; i++) {
        const TrustStores more = {{"store " + std::to_string(i), first.at("mine")}};
        finder.find(pki().www_chain, &more);
    }
    EXPECT_EQ(names_on(found.paths), kUsual) << "the answer stays where it is";
    EXPECT_EQ(in_bundle.basis, Basis::sent);
}

TEST_F(TrustPathsTest, TheSystemsBundleNamedAsAStoreIsOne)
{
    // One file in both parts: what is a private PKI to the one is untrusted to the other.
    const TrustStores named = {{"system", unrelated_bundle()}};
    for (const bool named_first : {false, true}) {
        TrustPathFinder finder(kNow, unrelated_bundle());
        const TrustStores* const first = named_first ? &named : nullptr;
        const TrustStores* const second = named_first ? nullptr : &named;
        EXPECT_EQ(finder.find(pki().www_chain, first).basis, named_first ? Basis::none : Basis::sent);
        EXPECT_EQ(finder.find(pki().www_chain, second).basis, named_first ? Basis::sent : Basis::none);
    }
}

TEST_F(TrustPathsTest, ARootThatOneStoreRejectsAndAnotherTrusts)
{
    // OpenSSL's TRUSTED CERTIFICATE: the same root, with what a store takes it for. Each store has its own word.
    const std::string plain = bundle({pki().root});
    const std::string rejecting =
        dir.write("rejecting.pem", run_command("openssl x509 -trustout -addreject serverAuth -in " + plain).output);
    TrustPathFinder finder(kNow, unrelated_bundle());
    const TrustStores only_rejecting = {{"a", rejecting}};
    EXPECT_EQ(finder.find(pki().www_chain, &only_rejecting).basis, Basis::none);
    for (const TrustStores& both :
         {TrustStores{{"a", rejecting}, {"b", plain}}, TrustStores{{"a", plain}, {"b", rejecting}}}) {
        const TrustPaths& found = finder.find(pki().www_chain, &both);
        EXPECT_EQ(found.basis, Basis::trusted) << "clients with the other store take it";
        EXPECT_EQ(names_on(found.paths), kUsual);
    }
}

TEST_F(TrustPathsTest, OneNameForTwoKeysAndNoIdentifiersIsTooLittleForOpenssl)
{
    // A root's successor without key identifiers: OpenSSL goes by the name, and takes the wrong one.
    const Entity old_key("A"), new_key("A");
    const TrustPaths found =
        in_store(chain({leaf(pki().www_key, new_key), ca(new_key, old_key)}), {ca(old_key, old_key)});
    EXPECT_EQ(found.basis, Basis::none);
    ASSERT_EQ(found.rejected.size(), 1U);
    EXPECT_EQ(names_on(found.rejected.front()), "www.example.com > A > A");
    EXPECT_EQ(verdict(found.rejected.front()), "invalid: OpenSSL builds another chain from these certificates");
    EXPECT_TRUE(found.rejected.front().in_doubt);
    EXPECT_NE(openssl_verify(found.rejected.front(), kNow).status, 0) << "and the command says that of that one";
}

TEST_F(TrustPathsTest, LimitsAreSaid)
{
    Entity subject = pki().www_key;
    Chain line;
    for (int i = 1; i <= 10; i++) {
        const Entity issuer("CA " + std::to_string(i));
        line.sent.push_back(i == 1 ? leaf(subject, issuer) : ca(subject, issuer));
        subject = issuer;
    }
    const TrustPaths too_deep = in_store(line, {ca(subject, subject)});
    EXPECT_EQ(met(too_deep.limits), "depth");
    EXPECT_EQ(too_deep.basis, Basis::none);
    EXPECT_EQ(met(in_system(line, {ca(subject, subject)}).limits), "depth");
    EXPECT_EQ(met(in_system(line, {pki().root}).limits), "") << "as a private PKI's line it has ten";
    line.sent.push_back(ca(subject, subject));
    EXPECT_EQ(met(in_system(line, {pki().root}).limits), "depth");
    EXPECT_EQ(met(in_store(line, {pki().root}).limits), "");
}

TEST_F(TrustPathsTest, NothingIsLeftInOpensslsQueue)
{
    ERR_clear_error();
    in_store(constrained_chain(), {pki().root, pki().other_root});
    in_system(pki().other_chain, {ca(Entity("Root B"), pki().root_key)});
    EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
