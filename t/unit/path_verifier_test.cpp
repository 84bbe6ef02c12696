// One path alone: what OpenSSL says of it, and that the openssl command says the same.
#include "paths/path_verifier.hpp"

#include "test_paths.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// What the search says of an issuer whose keyUsage lacks keyCertSign.
const std::string kMayNotSign = "Intermediate A: key usage does not include certificate signing";

Path path_of(std::vector<Certificate> certificates)
{
    Path path;
    path.certificates = std::move(certificates);
    path.stores = {"a"};
    return path;
}

/// What the verifier says of a path, and that the command agrees.
std::string judged(std::vector<Certificate> certificates, const std::string& doubt = "", std::time_t now = kNow)
{
    Path path = path_of(std::move(certificates));
    path.doubt = doubt;
    path.state = Path::State::invalid;
    path.reason = "not judged yet";
    PathVerifier(now).verify(path);
    EXPECT_EQ(ERR_peek_error(), 0U);
    expect_openssl_agrees(path, now);
    return verdict(path);
}

/// The usual path with a change of the options of one of its certificates.
template <typename Change>
CertOptions changed(CertOptions options, Change change)
{
    change(options);
    return options;
}

template <typename Change>
std::string with_leaf(Change change)
{
    CertOptions options;
    options.names = {"www.example.com"};
    return judged(
        {certify(pki().www_key, pki().intermediate_key, changed(options, change)), pki().intermediate, pki().root});
}

template <typename Change>
std::string with_intermediate(Change change, const std::string& doubt = "")
{
    const CertOptions options = changed(authority(), change);
    return judged({pki().www, certify(pki().intermediate_key, pki().root_key, options), pki().root}, doubt);
}

template <typename Change>
std::string with_root(Change change)
{
    return judged(
        {pki().www, pki().intermediate, certify(pki().root_key, pki().root_key, changed(authority(), change))});
}

TEST(PathVerifier, AValidPath)
{
    EXPECT_EQ(judged({pki().www, pki().intermediate, pki().root}), "valid");
    EXPECT_EQ(judged({leaf(pki().www_key, pki().root_key), pki().root}), "valid");
}

TEST(PathVerifier, KeysOfAllKinds)
{
    const Entity rsa("RSA", KeyType::rsa), ed25519("Ed25519", KeyType::ed25519);
    EXPECT_EQ(judged({leaf(rsa, pki().intermediate_key), pki().intermediate, pki().root}), "valid");
    EXPECT_EQ(judged({leaf(pki().www_key, rsa), ca(rsa, ed25519), ca(ed25519, ed25519)}), "valid");
}

TEST(PathVerifier, DatesAreOutdated)
{
    EXPECT_EQ(with_leaf([](CertOptions& o) { o.not_after = kNow - 1; }),
              "outdated: www.example.com: certificate has expired");
    EXPECT_EQ(with_leaf([](CertOptions& o) { o.not_before = kNow + 1; }), "outdated: www.example.com: " + kNotYetValid);
    EXPECT_EQ(with_intermediate([](CertOptions& o) { o.not_after = kNow - 1; }),
              "outdated: Intermediate A: certificate has expired");
    EXPECT_EQ(with_intermediate([](CertOptions& o) { o.not_before = kNow + 1; }),
              "outdated: Intermediate A: " + kNotYetValid);
}

TEST(PathVerifier, TheLastSecondIsOverAndTheFirstHasBegun)
{
    EXPECT_EQ(with_leaf([](CertOptions& o) { o.not_after = kNow; }),
              "outdated: www.example.com: certificate has expired");
    EXPECT_EQ(with_leaf([](CertOptions& o) { o.not_after = kNow + 1; }), "valid");
    EXPECT_EQ(with_leaf([](CertOptions& o) { o.not_before = kNow; }), "valid");
}

TEST(PathVerifier, AnAnchorsExpiryIsNoReason)
{
    EXPECT_EQ(with_root([](CertOptions& o) { o.not_after = kNow - 1; }), "valid");
    EXPECT_EQ(with_root([](CertOptions& o) { o.not_before = kNow + 1; }), "outdated: Root A: " + kNotYetValid);
}

TEST(PathVerifier, BesideAnExpiredAnchorTheRestCounts)
{
    const Certificate expired = certify(pki().root_key, pki().root_key, authority_until(kNow - 1));
    EXPECT_EQ(judged({leaf_until(pki().www_key, pki().intermediate_key, kNow - 1), pki().intermediate, expired}),
              "outdated: www.example.com: certificate has expired");
    EXPECT_EQ(judged({pki().www, certify(pki().intermediate_key, pki().root_key, authority_until(kNow - 1)), expired}),
              "outdated: Intermediate A: certificate has expired");
}

TEST(PathVerifier, ASelfSignedLeafIsNoAnchorWhoseExpiryIsNoReason)
{
    const Entity self("www.example.com");
    EXPECT_EQ(judged({leaf(self, self)}), "valid");
    EXPECT_EQ(judged({leaf_until(self, self, kNow - 1)}), "outdated: www.example.com: certificate has expired");
}

TEST(PathVerifier, ADateThatCannotBeReadIsInvalid)
{
    // A time zone, which RFC 5280 does not allow.
    const Certificate strange = certify(pki().intermediate_key, pki().root_key, authority());
    X509* const raw = strange.get();
    ASSERT_EQ(ASN1_STRING_set(X509_getm_notAfter(raw), "270101000000+0100", -1), 1);
    ASSERT_GT(X509_sign(raw, pki().root_key.key.get(), EVP_sha256()), 0);
    EXPECT_EQ(judged({pki().www, Certificate(raw), pki().root}),
              "invalid: Intermediate A: format error in certificate's notAfter field");
}

TEST(PathVerifier, NameConstraints)
{
    const auto constrained = [](const std::string& constraints) {
        return with_intermediate([&](CertOptions& o) { o.name_constraints = constraints; });
    };
    EXPECT_EQ(constrained("critical,permitted;DNS:example.com"), "valid");
    EXPECT_EQ(constrained("critical,permitted;DNS:example.org"),
              "invalid: www.example.com: permitted subtree violation");
    EXPECT_EQ(constrained("critical,excluded;DNS:example.org"), "valid");
    EXPECT_EQ(constrained("critical,excluded;DNS:example.com"), "invalid: www.example.com: excluded subtree violation");
}

TEST(PathVerifier, Purposes)
{
    EXPECT_EQ(with_leaf([](CertOptions& o) { o.extended_key_usage = "serverAuth"; }), "valid");
    EXPECT_EQ(with_leaf([](CertOptions& o) { o.extended_key_usage = "clientAuth"; }),
              "invalid: www.example.com: unsuitable certificate purpose");
    EXPECT_EQ(with_intermediate([](CertOptions& o) { o.extended_key_usage = "clientAuth"; }),
              "invalid: Intermediate A: unsuitable certificate purpose");
}

TEST(PathVerifier, AuthoritiesHaveToBeSome)
{
    EXPECT_EQ(with_intermediate([](CertOptions& o) { o.ca = false; }),
              "invalid: Intermediate A: invalid CA certificate");
    EXPECT_EQ(with_intermediate([](CertOptions& o) { o.basic_constraints = "critical,CA:FALSE"; }),
              "invalid: Intermediate A: invalid CA certificate");
    EXPECT_EQ(with_intermediate([](CertOptions& o) { o.key_usage = "critical,digitalSignature"; }, kMayNotSign),
              "invalid: Intermediate A: invalid CA certificate");
    EXPECT_EQ(with_root([](CertOptions& o) { o.basic_constraints = "critical,CA:TRUE,pathlen:1"; }), "valid");
    EXPECT_EQ(with_root([](CertOptions& o) { o.basic_constraints = "critical,CA:TRUE,pathlen:0"; }),
              "invalid: Root A: path length constraint exceeded");
}

TEST(PathVerifier, AnAnchorsOwnRestrictionsHold)
{
    EXPECT_EQ(with_root([](CertOptions& o) { o.name_constraints = "critical,permitted;DNS:example.org"; }),
              "invalid: www.example.com: permitted subtree violation");
    EXPECT_EQ(with_root([](CertOptions& o) { o.extended_key_usage = "emailProtection"; }),
              "invalid: Root A: unsuitable certificate purpose");
    EXPECT_EQ(with_root([](CertOptions& o) { o.extended_key_usage = "emailProtection,serverAuth"; }), "valid");
}

TEST(PathVerifier, WeakKeysAndDigests)
{
    const Entity weak("weak", KeyType::rsa1024);
    EXPECT_EQ(judged({leaf(weak, pki().intermediate_key), pki().intermediate, pki().root}),
              "invalid: weak: EE certificate key too weak");
    EXPECT_EQ(judged({leaf(pki().www_key, weak), ca(weak, pki().root_key), pki().root}),
              "invalid: weak: CA certificate key too weak");
    EXPECT_EQ(judged({leaf(pki().www_key, weak), ca(weak, weak)}), "invalid: weak: CA certificate key too weak");
    EXPECT_EQ(with_leaf([](CertOptions& o) { o.sha1 = true; }),
              "invalid: www.example.com: CA signature digest algorithm too weak");
    EXPECT_EQ(with_intermediate([](CertOptions& o) { o.sha1 = true; }),
              "invalid: Intermediate A: CA signature digest algorithm too weak");
    EXPECT_EQ(with_root([](CertOptions& o) { o.sha1 = true; }), "valid") << "nobody asks who signed an anchor";
}

TEST(PathVerifier, WhatIsWrongBesidesDatesComesToLight)
{
    EXPECT_EQ(with_leaf([](CertOptions& o) {
                  o.not_after = kNow - 1;
                  o.extended_key_usage = "clientAuth";
              }),
              "invalid: www.example.com: unsuitable certificate purpose");
    EXPECT_EQ(with_intermediate([](CertOptions& o) {
                  o.not_after = kNow - 1;
                  o.name_constraints = "critical,permitted;DNS:example.org";
              }),
              "invalid: www.example.com: permitted subtree violation");
    // The command goes no further than a date that is yet to come.
    CertOptions early = authority();
    early.not_before = kNow + 1;
    early.name_constraints = "critical,permitted;DNS:example.org";
    Path path = path_of({pki().www, certify(pki().intermediate_key, pki().root_key, early), pki().root});
    PathVerifier(kNow).verify(path);
    EXPECT_EQ(verdict(path), "invalid: www.example.com: permitted subtree violation");
    EXPECT_EQ(with_intermediate(
                  [](CertOptions& o) {
                      o.not_after = kNow - 1;
                      o.key_usage = "critical,digitalSignature";
                  },
                  kMayNotSign),
              "invalid: Intermediate A: invalid CA certificate");
}

TEST(PathVerifier, AStoreMayRejectARoot)
{
    // What a TRUSTED CERTIFICATE says of itself. (The command is asked in trust_paths_test.cpp: a certificate written
    // anew has lost it.)
    const auto with = [](const Certificate& root) {
        Path path = path_of({pki().www, pki().intermediate, root});
        PathVerifier(kNow).verify(path);
        return verdict(path);
    };
    EXPECT_EQ(with(with_trust(pki().root, NID_server_auth)), "valid");
    EXPECT_EQ(with(with_rejection(pki().root, NID_server_auth)), "invalid: Root A: certificate rejected");
    EXPECT_EQ(with(with_trust(pki().root, NID_client_auth)), "invalid: Root A: certificate rejected");
    EXPECT_EQ(with(with_rejection(pki().root, NID_client_auth)), "valid");
}

TEST(PathVerifier, AStoreMayTrustAnIntermediate)
{
    Path path = path_of({pki().www, with_trust(pki().intermediate, NID_server_auth)});
    PathVerifier(kNow).verify(path);
    EXPECT_EQ(verdict(path), "valid");
    path = path_of({pki().www, pki().intermediate});
    PathVerifier(kNow).verify(path);
    EXPECT_EQ(path.state, Path::State::invalid) << "only by its word";
}

TEST(PathVerifier, HasToBuildTheVeryPath)
{
    // A root and its cross-sign have one name and one key: OpenSSL ends at the anchor where it can.
    const Certificate cross = ca(pki().root_key, pki().other_root_key);
    Path path = path_of({pki().www, pki().intermediate, cross, pki().root});
    PathVerifier(kNow).verify(path);
    EXPECT_EQ(verdict(path), "invalid: OpenSSL builds another chain from these certificates");
    EXPECT_TRUE(path.in_doubt);
}

TEST(PathVerifier, KeyIdentifiersThatDoNotFit)
{
    CertOptions options;
    options.key_identifiers = true;
    options.authority = &pki().root_key;
    CertOptions of_authority = authority();
    of_authority.key_identifiers = true;
    const Certificate www = certify(pki().www_key, pki().intermediate_key, options);
    const Certificate intermediate = certify(pki().intermediate_key, pki().root_key, of_authority);
    Path path = path_of({www, intermediate, pki().root});
    path.doubt = "Intermediate A: authority and subject key identifier mismatch";
    PathVerifier(kNow).verify(path);
    EXPECT_EQ(verdict(path), "invalid: " + path.doubt) << "OpenSSL finds no issuer; why, the search knows";
    EXPECT_NE(openssl_verify(path, kNow).output.find("error 20 at 0 depth lookup: unable to get local issuer"),
              std::string::npos);
}

TEST(PathVerifier, AnIssuerBySignatureOnlyIsNone)
{
    // The caller verified the signatures; names are looked at here.
    Path path = path_of({pki().www, pki().other_intermediate, pki().root});
    PathVerifier(kNow).verify(path);
    EXPECT_EQ(verdict(path), "invalid: www.example.com: unable to get local issuer certificate");
}

TEST(PathVerifier, IsTheSameForOnePathAfterAnother)
{
    const Certificate expired_leaf = leaf_until(pki().www_key, pki().intermediate_key, kNow - 1);
    const Certificate constrained =
        certify(pki().intermediate_key, pki().root_key,
                changed(authority(), [](CertOptions& o) { o.name_constraints = "critical,excluded;DNS:example.com"; }));
    const Entity self("self");
    std::vector<Path> paths = {path_of({pki().www, pki().intermediate, pki().root}),
                               path_of({expired_leaf, pki().intermediate, pki().root}),
                               path_of({pki().www, constrained, pki().root}), path_of({leaf(self, self)})};
    PathVerifier verifier(kNow);
    for (int i = 0; i < 3; i++) {
        for (Path& path : paths) {
            verifier.verify(path);
        }
        EXPECT_EQ(verdict(paths[0]), "valid");
        EXPECT_EQ(verdict(paths[1]), "outdated: www.example.com: certificate has expired");
        EXPECT_EQ(verdict(paths[2]), "invalid: www.example.com: excluded subtree violation");
        EXPECT_EQ(verdict(paths[3]), "valid");
    }
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PathVerifier, GoesByTheTimeOfTheLoad)
{
    const std::vector<Certificate> usual = {pki().www, pki().intermediate, pki().root};
    EXPECT_EQ(judged(usual, "", kNow + 400 * kDay), "outdated: Intermediate A: certificate has expired")
        << "the first from above, and not the root";
    EXPECT_EQ(judged(usual, "", kNow - 31 * kDay), "outdated: Root A: " + kNotYetValid);
    EXPECT_EQ(judged(usual, "", 0), "outdated: Root A: " + kNotYetValid) << "a clock not yet set";
}

TEST(PathVerifier, AStepThatIssuedItselfByAnotherKeyIsInDoubt)
{
    // Rolled over without key identifiers: by its names alone OpenSSL takes it for a root.
    const Entity new_key("Intermediate A");
    Path path =
        path_of({leaf(pki().www_key, new_key), ca(new_key, pki().intermediate_key), pki().intermediate, pki().root});
    PathVerifier(kNow).verify(path);
    EXPECT_EQ(verdict(path), "invalid: Intermediate A: self-signed certificate in certificate chain");
    EXPECT_TRUE(path.in_doubt);
}

}  // namespace
