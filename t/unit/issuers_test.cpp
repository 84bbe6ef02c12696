#include "paths/issuers.hpp"

#include "test_paths.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>

#include <algorithm>

using namespace hpkp;
using namespace hpkp::test;

namespace {

constexpr std::size_t kPlenty = 1000;

/// An authority with one option of its own.
template <typename Change>
CertOptions authority_with(Change change)
{
    CertOptions options = authority();
    change(options);
    return options;
}

TEST(Signatures, AreMadeByAKey)
{
    Signatures signatures;
    for (int i = 0; i < 2; i++) {
        EXPECT_TRUE(signatures.made_by(pki().www, pki().intermediate));
        EXPECT_TRUE(signatures.made_by(pki().root, pki().root));
        EXPECT_FALSE(signatures.made_by(pki().www, pki().other_intermediate));
        EXPECT_FALSE(signatures.made_by(pki().intermediate, pki().www)) << "the other way round";
    }
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Signatures, WhoeverHoldsTheKey)
{
    // The same answer for every certificate of the issuer's key, and another for another key of its name.
    Signatures signatures;
    EXPECT_TRUE(signatures.made_by(pki().www, ca(pki().intermediate_key, pki().other_root_key)));
    EXPECT_TRUE(signatures.made_by(pki().www, ca(Entity("B", pki().intermediate_key), pki().root_key)));
    EXPECT_FALSE(signatures.made_by(pki().www, ca(Entity("Intermediate A"), pki().root_key)));
}

TEST(Signatures, AreNotMixedUp)
{
    const Entity rsa("RSA", KeyType::rsa), ed25519("Ed25519", KeyType::ed25519);
    const std::vector<Entity> issuers = {pki().root_key, rsa, ed25519};
    Signatures signatures;
    for (int i = 0; i < 2; i++) {
        for (const Entity& by : issuers) {
            const Certificate subject = leaf(pki().www_key, by);
            for (const Entity& claimed : issuers) {
                EXPECT_EQ(signatures.made_by(subject, ca(claimed, claimed)), by.key == claimed.key);
            }
        }
    }
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Signatures, ACertificateThatWasChangedHasNone)
{
    std::string text = der(pki().www);
    text.back() = static_cast<char>(text.back() ^ 1);
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    const X509Ptr changed(d2i_X509(nullptr, &bytes, static_cast<long>(text.size())));
    ASSERT_NE(changed, nullptr);
    Signatures signatures;
    EXPECT_FALSE(signatures.made_by(Certificate(changed.get()), pki().intermediate));
    EXPECT_TRUE(signatures.made_by(pki().www, pki().intermediate));
}

TEST(Signatures, AKeyOfAnUnknownKindMadeNone)
{
    const X509Ptr strange(X509_dup(pki().intermediate.get()));
    X509_ALGOR* algorithm = nullptr;
    ASSERT_EQ(X509_PUBKEY_get0_param(nullptr, nullptr, nullptr, &algorithm, X509_get_X509_PUBKEY(strange.get())), 1);
    ASSERT_EQ(X509_ALGOR_set0(algorithm, OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1), V_ASN1_UNDEF, nullptr), 1);
    ASSERT_GT(X509_sign(strange.get(), pki().root_key.key.get(), EVP_sha256()), 0);
    std::string text = der(Certificate(strange.get()));
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    const X509Ptr read(d2i_X509(nullptr, &bytes, static_cast<long>(text.size())));
    ASSERT_NE(read, nullptr);
    ASSERT_EQ(X509_get0_pubkey(read.get()), nullptr);
    Signatures signatures;
    EXPECT_FALSE(signatures.made_by(pki().www, Certificate(read.get())));
    EXPECT_EQ(ERR_peek_error(), 0U);
}

struct IssuersTest : testing::Test {
    /// The issuers of the leaf as labels, in their order: "sent I", "store I", "root A", and what they may not do.
    std::string of_leaf(const Chain& chain, const Anchors* anchors)
    {
        Issuers issuers(chain, anchors, signatures, kPlenty);
        return text(chain, issuers.of(chain.leaf()));
    }
    static std::string text(const Chain& chain, const std::vector<Issuers::Issuer>& issuers)
    {
        std::string all;
        for (const Issuers::Issuer& issuer : issuers) {
            const bool sent = std::find(chain.sent.begin(), chain.sent.end(), *issuer.certificate) != chain.sent.end();
            all +=
                (all.empty() ? "" : ", ")
                + std::string(issuer.anchor != nullptr ? "root "
                              : sent                   ? "sent "
                                                       : "store ")
                + issuer.certificate->short_name()
                + (issuer.doubt == X509_V_OK ? ""
                                             : std::string(" (") + X509_verify_cert_error_string(issuer.doubt) + ")");
            EXPECT_TRUE(issuer.anchor == nullptr || issuer.anchor->certificate == *issuer.certificate);
        }
        return all;
    }

    Signatures signatures;
};

TEST_F(IssuersTest, AmongTheCertificatesSent)
{
    EXPECT_EQ(of_leaf(pki().www_chain, nullptr), "sent Intermediate A");
    EXPECT_EQ(of_leaf(chain({pki().www, pki().root, pki().other_intermediate, pki().intermediate}), nullptr),
              "sent Intermediate A");
    EXPECT_EQ(of_leaf(chain({pki().www}), nullptr), "");
    EXPECT_EQ(of_leaf(chain({pki().www, pki().www}), nullptr), "");
    EXPECT_EQ(of_leaf(chain({pki().www, pki().intermediate, pki().intermediate}), nullptr), "sent Intermediate A");
    EXPECT_EQ(of_leaf(chain({pki().root, pki().root}), nullptr), "") << "nobody's issuer is itself";
}

TEST_F(IssuersTest, TheSentComeFirstThenTheStoresIntermediatesThenItsRoots)
{
    // One key signed the leaf: the intermediate's, cross-signed by two, and a root's of the same name.
    const Certificate by_b = ca(pki().intermediate_key, pki().other_root_key);
    const Certificate itself = ca(pki().intermediate_key, pki().intermediate_key);
    const TrustStore store = store_of({itself, by_b, pki().intermediate});
    const Anchors anchors({{"a", &store}});
    EXPECT_EQ(of_leaf(pki().www_chain, &anchors), "sent Intermediate A, store Intermediate A, root Intermediate A")
        << "one that is sent and lies in the store is one";
    EXPECT_EQ(of_leaf(chain({pki().www}), &anchors), "store Intermediate A, store Intermediate A, root Intermediate A");
}

TEST_F(IssuersTest, ARootThatIsSentIsTheStores)
{
    const TrustStore store = store_of({pki().root});
    const Anchors anchors({{"a", &store}});
    const Chain sent = chain({pki().intermediate, pki().root, ca(pki().root_key, pki().root_key)});
    EXPECT_EQ(of_leaf(sent, &anchors), "sent Root A, root Root A") << "the other one of its key is in no store";
    EXPECT_EQ(of_leaf(sent, nullptr), "sent Root A, sent Root A");
}

TEST_F(IssuersTest, ARootOfTheStoreIsNotItsOwn)
{
    const TrustStore store = store_of({pki().root});
    const Anchors anchors({{"a", &store}});
    EXPECT_EQ(of_leaf(chain({pki().root}), &anchors), "");
}

TEST_F(IssuersTest, NeedTheNameAndTheKey)
{
    const Entity impostor("Intermediate A"), renamed("Another name", pki().intermediate_key);
    EXPECT_EQ(of_leaf(chain({pki().www, ca(impostor, pki().root_key), ca(renamed, pki().root_key)}), nullptr), "");
}

TEST_F(IssuersTest, AreInDoubtWhereTheKeyIdentifierDoesNotFit)
{
    CertOptions options;
    options.key_identifiers = true;
    const Certificate subject = certify(pki().www_key, pki().intermediate_key, options);
    const Certificate with = certify(pki().intermediate_key, pki().root_key,
                                     authority_with([](CertOptions& o) { o.key_identifiers = true; }));
    EXPECT_EQ(of_leaf(chain({subject, with}), nullptr), "sent Intermediate A");
    EXPECT_EQ(of_leaf(chain({subject, pki().intermediate}), nullptr), "sent Intermediate A") << "it has none";
    options.authority = &pki().root_key;
    EXPECT_EQ(of_leaf(chain({certify(pki().www_key, pki().intermediate_key, options), with}), nullptr),
              "sent Intermediate A (authority and subject key identifier mismatch)")
        << "which not every client looks at";
}

TEST_F(IssuersTest, OneThatMayNotSignIsMarked)
{
    const Certificate may_not =
        certify(pki().intermediate_key, pki().root_key,
                authority_with([](CertOptions& o) { o.key_usage = "critical,digitalSignature,cRLSign"; }));
    EXPECT_EQ(of_leaf(chain({pki().www, may_not}), nullptr),
              "sent Intermediate A (key usage does not include certificate signing)");
    const Certificate no_usage = certify(pki().intermediate_key, pki().root_key,
                                         authority_with([](CertOptions& o) { o.key_usage = "critical,keyCertSign"; }));
    EXPECT_EQ(of_leaf(chain({pki().www, no_usage}), nullptr), "sent Intermediate A");
}

TEST_F(IssuersTest, OfAnAnswerBefore)
{
    const TrustStore store = store_of({pki().root});
    const Anchors anchors({{"a", &store}});
    Issuers issuers(pki().www_chain, &anchors, signatures, kPlenty);
    const auto& first = issuers.of(pki().www_chain.leaf());
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(text(pki().www_chain, issuers.of(*first.front().certificate)), "root Root A");
    EXPECT_EQ(&issuers.of(pki().www_chain.leaf()), &first) << "asked once";
}

/// A chain with so many certificates of the issuer's name and keys of their own before the issuer's own.
Chain behind_impostors(std::size_t wrong)
{
    std::vector<Certificate> sent = {pki().www};
    for (std::size_t i = 0; i < wrong; i++) {
        sent.push_back(ca(Entity("Intermediate A"), pki().other_root_key));
    }
    sent.push_back(pki().intermediate);
    return chain(std::move(sent));
}

TEST_F(IssuersTest, ChecksAreCounted)
{
    const Chain four = behind_impostors(3);
    Issuers enough(four, nullptr, signatures, 4);
    EXPECT_EQ(text(four, enough.of(four.leaf())), "sent Intermediate A");
    EXPECT_FALSE(enough.limited());
    enough.of(four.leaf());
    EXPECT_FALSE(enough.limited()) << "asked again, it checks nothing";

    Issuers too_few(four, nullptr, signatures, 3);
    EXPECT_EQ(text(four, too_few.of(four.leaf())), "");
    EXPECT_TRUE(too_few.limited());
}

TEST_F(IssuersTest, OneKeyUnderManyCertificatesIsOneCheck)
{
    std::vector<Certificate> sent = {pki().www, pki().intermediate};
    for (int i = 0; i < 5; i++) {
        sent.push_back(ca(pki().intermediate_key, pki().other_root_key));
    }
    const Chain reissued = chain(sent);
    Issuers issuers(reissued, nullptr, signatures, 1);
    EXPECT_EQ(issuers.of(reissued.leaf()).size(), 6U);
    EXPECT_FALSE(issuers.limited());
    Issuers another(reissued, nullptr, signatures, 0);
    EXPECT_TRUE(another.of(reissued.leaf()).empty());
    EXPECT_TRUE(another.limited()) << "a chain's limit does not depend on what others have asked";
}

TEST_F(IssuersTest, WhatDoesNotFitByNameIsNotChecked)
{
    const Chain sent = chain({pki().www, pki().other, pki().root, pki().other_root});
    Issuers issuers(sent, nullptr, signatures, 0);
    issuers.of(sent.leaf());
    EXPECT_FALSE(issuers.limited());
}

}  // namespace
