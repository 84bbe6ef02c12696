#include "pem.hpp"

#include "test_paths.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>

#include <algorithm>

using namespace hpkp;
using namespace hpkp::test;

namespace {

const std::string kNonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

struct Pem : testing::Test {
    std::vector<Certificate> read(const std::string& text)
    {
        error.clear();
        ERR_clear_error();
        auto certificates = read_pem_certificates(text, error);
        EXPECT_EQ(ERR_peek_error(), 0U);
        EXPECT_EQ(certificates.empty(), !error.empty()) << error;
        return certificates;
    }
    std::string error;
};

TEST_F(Pem, CertificatesInTheirOrder)
{
    const std::vector<Certificate> all = {pki().www, pki().root, pki().intermediate, pki().root};
    EXPECT_EQ(read(pem(all)), all) << "each as often as it stands there";
}

TEST_F(Pem, TextBetweenThemIsNoMatter)
{
    EXPECT_EQ(read("# mozilla\n\n" + pem(pki().www) + "Subject: CN=x\r\n" + pem(pki().root) + "the end").size(), 2U);
}

TEST_F(Pem, LineEndsOfAnySystem)
{
    std::string text = pem(pki().www);
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 2)) {
        text.insert(at, "\r");
    }
    EXPECT_EQ(read(text), std::vector<Certificate>{pki().www});
}

TEST_F(Pem, KeysBesideThemArePassedOver)
{
    EXPECT_EQ(read(private_key(pki().www_key) + pem(pki().www) + public_key(pki().www_key)),
              std::vector<Certificate>{pki().www});
}

TEST_F(Pem, WithoutACertificate)
{
    for (const std::string& text : {std::string(), std::string("nothing\n"), private_key(pki().www_key), der(pki().www),
                                    std::string(100, '\0')}) {
        EXPECT_TRUE(read(text).empty());
        EXPECT_EQ(error, "holds no PEM certificate");
    }
}

TEST_F(Pem, OneThatCannotBeReadSpoilsAll)
{
    const std::string good = pem(pki().www);
    EXPECT_TRUE(read(kNonsense + good).empty());
    EXPECT_EQ(error, "has a certificate that cannot be read, number 1");
    EXPECT_TRUE(read(good + kNonsense + good).empty());
    EXPECT_EQ(error, "has a certificate that cannot be read, number 2");
    EXPECT_TRUE(read(good + good + good.substr(0, 200)).empty()) << "the file was cut";
    EXPECT_EQ(error, "has a certificate that cannot be read, number 3");
    EXPECT_TRUE(read(good + "-----BEGIN CERTIFICATE-----\n").empty());
    EXPECT_EQ(error, "has a certificate that cannot be read, number 2");
}

TEST_F(Pem, TheOtherNamesOfACertificate)
{
    std::string old = pem(pki().www);
    for (std::size_t at = old.find("CERTIFICATE"); at != std::string::npos; at = old.find("CERTIFICATE", at + 16)) {
        old.insert(at, "X509 ");
    }
    EXPECT_EQ(read(old), std::vector<Certificate>{pki().www});
}

/// As `openssl x509 -trustout` writes it, with what it is trusted for.
std::string trusted_pem(const Certificate& certificate, const std::string& options)
{
    const TempDir dir;
    return run_command("openssl x509 -trustout " + options + " -in " + dir.write("c.pem", pem(certificate))).output;
}

TEST_F(Pem, WhatOpensslTrustsACertificateForIsKept)
{
    const std::string rejected = trusted_pem(pki().root, "-addreject serverAuth");
    ASSERT_NE(rejected.find("BEGIN TRUSTED CERTIFICATE"), std::string::npos) << rejected;
    const auto certificates = read(rejected + pem(pki().www));
    ASSERT_EQ(certificates.size(), 2U);
    EXPECT_TRUE(certificates[0] == pki().root) << "it is the same certificate";
    EXPECT_EQ(X509_check_trust(certificates[0].get(), X509_TRUST_SSL_SERVER, 0), X509_TRUST_REJECTED);
    EXPECT_NE(X509_check_trust(pki().root.get(), X509_TRUST_SSL_SERVER, 0), X509_TRUST_REJECTED);
}

}  // namespace
