#include "paths/anchors.hpp"

#include "test_paths.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Strings = std::vector<std::string>;
using Indices = std::vector<std::size_t>;

const X509_NAME* subject(const Certificate& certificate)
{
    return X509_get_subject_name(certificate.get());
}

TEST(SubjectIndex, FindsAllOfASubject)
{
    const Entity a("A"), again("A"), b("B");
    SubjectIndex index;
    const std::vector<Certificate> certificates = {ca(b, b), ca(a, a), ca(pki().root_key, b), ca(again, b)};
    index.build(certificates);
    EXPECT_EQ(index.find(subject(ca(a, b))), (Indices{1, 3}));
    EXPECT_EQ(index.find(subject(ca(b, a))), Indices{0});
    EXPECT_EQ(index.find(subject(pki().root)), Indices{2});
    EXPECT_TRUE(index.find(subject(pki().other_root)).empty());
    index.build({});
    EXPECT_TRUE(index.find(subject(ca(a, b))).empty()) << "built anew";
}

TEST(SubjectIndex, ComparesNamesAsRfc5280Says)
{
    SubjectIndex index;
    const Entity plain("Root of all"), spelled("ROOT   of  All ");
    const std::vector<Certificate> certificates = {ca(plain, plain)};
    index.build(certificates);
    EXPECT_EQ(index.find(subject(ca(spelled, spelled))), Indices{0});
}

TEST(Anchors, ASelfSignedCertificateIsOne)
{
    const TrustStore store = store_of({pki().root, pki().intermediate, pki().other_root, pki().www});
    const Anchors anchors({{"mozilla", &store}});
    EXPECT_FALSE(anchors.incomplete());
    ASSERT_EQ(anchors.all_of(pki().root).size(), 1U);
    EXPECT_TRUE(anchors.all_of(pki().root).front()->certificate == pki().root);
    EXPECT_EQ(anchors.all_of(pki().root).front()->stores, Strings{"mozilla"});
    EXPECT_EQ(anchors.all_of(pki().other_root).size(), 1U);
    EXPECT_TRUE(anchors.all_of(pki().intermediate).empty());
    EXPECT_EQ(anchors.intermediates(), (std::vector<Certificate>{pki().intermediate, pki().www}));
    EXPECT_EQ(anchors.intermediates_with_subject(subject(pki().intermediate)), Indices{0});
    EXPECT_EQ(anchors.with_subject(subject(pki().root)).size(), 1U);
    EXPECT_TRUE(anchors.with_subject(subject(pki().intermediate)).empty());
}

TEST(Anchors, ACrossSignedRootIsNone)
{
    // What is self-issued but not self-signed (a key's successor) is none either: its identifiers say so.
    const Entity successor("Root A");
    CertOptions options = authority();
    options.key_identifiers = true;
    const Certificate rollover = certify(successor, pki().root_key, options);
    const TrustStore store = store_of({ca(pki().root_key, pki().other_root_key), rollover});
    const Anchors anchors({{"a", &store}});
    EXPECT_TRUE(anchors.with_subject(subject(pki().root)).empty());
    EXPECT_EQ(anchors.intermediates_with_subject(subject(pki().root)).size(), 2U);
}

TEST(Anchors, OfSeveralStores)
{
    const TrustStore a = store_of({pki().root, pki().intermediate, pki().root});
    const TrustStore b = store_of({pki().other_root, pki().root, pki().intermediate});
    const Anchors anchors({{"a", &a}, {"b", &b}});
    ASSERT_EQ(anchors.all_of(pki().root).size(), 1U);
    EXPECT_EQ(anchors.all_of(pki().root).front()->stores, (Strings{"a", "b"})) << "each once";
    EXPECT_EQ(anchors.all_of(pki().other_root).front()->stores, Strings{"b"});
    EXPECT_EQ(anchors.intermediates().size(), 1U);
    EXPECT_EQ(anchors.with_subject(subject(pki().root)).size(), 1U);
}

TEST(Anchors, TwoCertificatesOfOneKeyAreTwo)
{
    const Certificate renewed = ca(pki().root_key, pki().root_key);
    const TrustStore store = store_of({pki().root, renewed});
    const Anchors anchors({{"a", &store}});
    EXPECT_EQ(anchors.with_subject(subject(pki().root)).size(), 2U);
    ASSERT_EQ(anchors.all_of(renewed).size(), 1U);
    EXPECT_TRUE(anchors.all_of(renewed).front()->certificate == renewed);
    EXPECT_TRUE(anchors.all_of(ca(pki().root_key, pki().root_key)).empty()) << "a third";
}

TEST(Anchors, WhatAStoreTrustsByNameIsOne)
{
    const TrustStore store = store_of({with_trust(pki().intermediate, NID_server_auth)});
    const Anchors anchors({{"a", &store}});
    EXPECT_TRUE(anchors.intermediates().empty());
    EXPECT_EQ(anchors.all_of(pki().intermediate).size(), 1U) << "whoever asks has it without the store's word";
    for (const int purpose : {NID_client_auth, NID_email_protect}) {
        const TrustStore other = store_of({with_trust(pki().intermediate, purpose)});
        EXPECT_EQ(Anchors({{"a", &other}}).intermediates().size(), 1U) << "not for servers";
    }
}

TEST(Anchors, ARootThatAStoreRejectsIsAnotherThanTheSameInAStoreThatDoesNot)
{
    const TrustStore rejects = store_of({with_rejection(pki().root, NID_server_auth), pki().other_root});
    const TrustStore trusts = store_of({pki().root, with_rejection(pki().other_root, NID_client_auth)});
    const TrustStore again = store_of({with_trust(pki().root, NID_server_auth)});
    const Anchors anchors({{"a", &rejects}, {"b", &trusts}, {"c", &again}});
    const auto found = anchors.all_of(pki().root);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0]->stores, Strings{"a"});
    EXPECT_EQ(found[1]->stores, (Strings{"b", "c"}));
    EXPECT_EQ(anchors.all_of(pki().other_root).size(), 1U) << "what clients may not do is no matter";
}

TEST(Anchors, AreIncompleteWhereAStoreCannotBeUsed)
{
    const TrustStore good = store_of({pki().root});
    TrustStore bad;
    bad.error = "cannot be opened";
    EXPECT_FALSE(Anchors({{"a", &good}}).incomplete());
    EXPECT_FALSE(Anchors({}).incomplete());
    for (const auto& stores : {std::vector<NamedStore>{{"a", &good}, {"b", &bad}}, {{"b", &bad}, {"a", &good}}}) {
        const Anchors anchors(stores);
        EXPECT_TRUE(anchors.incomplete());
        EXPECT_EQ(anchors.all_of(pki().root).size(), 1U);
    }
}

}  // namespace
