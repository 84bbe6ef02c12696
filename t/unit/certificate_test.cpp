#include "test_pki.hpp"

#include "duration.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

Certificate of(CertOptions options, const std::string& name = "www.example.com")
{
    const Entity owner(name);
    return certify(owner, pki().intermediate_key, options);
}

TEST(CertificateValue, PinAndFingerprint)
{
    EXPECT_EQ(pki().www.pin(), pki().www_key.pin());
    EXPECT_TRUE(pki().www == Certificate(pki().www.get()));
    EXPECT_FALSE(pki().www == pki().intermediate);
    const Certificate renewed = leaf(pki().www_key, pki().intermediate_key, {"www.example.com", "example.com"});
    EXPECT_FALSE(renewed == pki().www) << "the same key, another certificate";
    EXPECT_EQ(renewed.pin(), pki().www.pin());
}

TEST(CertificateValue, TakesAReferenceOfItsOwn)
{
    X509Ptr x509(X509_dup(pki().www.get()));
    const Certificate kept(x509.get());
    x509.reset();
    EXPECT_EQ(kept.short_name(), "www.example.com");
}

TEST(CertificateValue, ShortNames)
{
    CertOptions options;
    options.names = {"b.test", "a.test"};
    EXPECT_EQ(of(options).short_name(), "www.example.com") << "the common name";
    options.common_name = false;
    EXPECT_EQ(of(options).short_name(), "b.test") << "the first DNS name";
    options.names = {};
    EXPECT_EQ(of(options, "Example Inc").short_name(), "Example Inc") << "the organisation";
}

TEST(CertificateValue, LongNamesAreCut)
{
    CertOptions options;
    options.common_name = false;
    options.names = {std::string(60, 'a') + ".test"};
    const std::string cut = of(options).short_name();
    EXPECT_EQ(cut.size(), 64U);
    EXPECT_EQ(cut.substr(61), "...");
    options.names = {std::string(59, 'a') + ".test"};
    EXPECT_EQ(of(options).short_name(), options.names[0]) << "64 characters just fit";
}

TEST(CertificateValue, LongNamesAreCutBetweenCharacters)
{
    std::string name;
    for (int i = 0; i < 31; i++) {
        name += "\xe2\x82\xac";
    }
    const std::string cut = of({}, "x" + name.substr(0, 31 * 3)).short_name();
    EXPECT_LE(cut.size(), 64U);
    EXPECT_EQ((cut.size() - 1 - 3) % 3, 0U) << "no half of a character is left: " << cut;
}

TEST(CertificateValue, SelfIssued)
{
    EXPECT_TRUE(pki().root.self_issued());
    EXPECT_FALSE(pki().intermediate.self_issued());
    EXPECT_FALSE(pki().www.self_issued());
}

TEST(CertificateValue, Validity)
{
    CertOptions options;
    options.not_before = kNow;
    options.not_after = kNow + 100;
    const Certificate certificate = of(options);
    EXPECT_FALSE(certificate.valid_at(kNow - 1));
    EXPECT_TRUE(certificate.valid_at(kNow));
    EXPECT_TRUE(certificate.not_yet_valid_at(kNow - 1));
    EXPECT_FALSE(certificate.not_yet_valid_at(kNow));
    EXPECT_FALSE(certificate.not_yet_valid_at(kNow + 101));
    EXPECT_TRUE(certificate.valid_at(kNow + 99));
    EXPECT_FALSE(certificate.valid_at(kNow + 100));
    EXPECT_FALSE(certificate.valid_at(kNow + 101));
    EXPECT_EQ(certificate.not_after(), std::optional<std::time_t>(kNow + 100));
}

TEST(CertificateValue, FarDates)
{
    CertOptions options;
    options.not_after = 253402300799;  // 9999-12-31 23:59:59, "no end" in RFC 5280
    EXPECT_EQ(of(options).not_after(), std::optional<std::time_t>(253402300799));
    EXPECT_TRUE(of(options).valid_at(kNow));
}

TEST(CertificateValue, DatesAreOfRfc5280sForm)
{
    // Whatever else ASN.1 allows, OpenSSL takes for no date in a certificate.
    const auto with_end = [](const std::string& text, int type) {
        const Certificate made = of(CertOptions{});
        ASN1_TIME* end = X509_getm_notAfter(made.get());
        end->type = type;
        if (ASN1_STRING_set(end, text.data(), static_cast<int>(text.size())) != 1) {
            throw std::bad_alloc();
        }
        return Certificate(made.get());
    };
    EXPECT_EQ(with_end("300102030405Z", V_ASN1_UTCTIME).not_after(), std::optional<std::time_t>(1893553445));
    EXPECT_EQ(with_end("20300102030405Z", V_ASN1_GENERALIZEDTIME).not_after(), std::optional<std::time_t>(1893553445));
    EXPECT_TRUE(with_end("300102030405Z", V_ASN1_UTCTIME).valid_at(kNow));
    for (const char* text : {"3001020304Z", "300102030405+0100", "300102030405", "20300102030405Z", "", "Z",
                             "301302030405Z", "3001020304052", "            Z"}) {
        EXPECT_EQ(with_end(text, V_ASN1_UTCTIME).not_after(), std::nullopt) << text;
        EXPECT_FALSE(with_end(text, V_ASN1_UTCTIME).valid_at(kNow)) << text;
    }
    for (const char* text : {"203001020304Z", "20300102030405.5Z", "20300102030405+0100", "20300102030405",
                             "300102030405Z", "20301302030405Z"}) {
        EXPECT_EQ(with_end(text, V_ASN1_GENERALIZEDTIME).not_after(), std::nullopt) << text;
    }
}

TEST(CertificateValue, DnsNamesInLowerCase)
{
    CertOptions options;
    options.names = {"WWW.Example.com", "*.Example.com"};
    EXPECT_EQ(of(options).dns_names(), (std::vector<std::string>{"www.example.com", "*.example.com"}));
}

TEST(CertificateValue, CommonNamesWhereNoDnsNameIs)
{
    CertOptions options;
    EXPECT_EQ(of(options, "WWW.Example.com").dns_names(), std::vector<std::string>{"www.example.com"});
    for (const char* title : {"Example Server", "gateway01", "http://www.example.com/"}) {
        EXPECT_TRUE(of(options, title).dns_names().empty()) << title;
    }
    options.common_name = false;
    EXPECT_TRUE(of(options, "WWW.Example.com").dns_names().empty());
}

TEST(CertificateValue, Covers)
{
    CertOptions options;
    options.names = {"example.com", "*.example.com"};
    const Certificate certificate = of(options, "other.test");
    EXPECT_TRUE(certificate.covers("example.com"));
    EXPECT_TRUE(certificate.covers("www.example.com"));
    EXPECT_TRUE(certificate.covers("WWW.example.com"));
    EXPECT_FALSE(certificate.covers("a.b.example.com"));
    EXPECT_FALSE(certificate.covers("example.net"));
    EXPECT_FALSE(certificate.covers("other.test")) << "the common name does not count beside a subjectAltName";
}

TEST(TimeText, Utc)
{
    EXPECT_EQ(time_text(0), "1970-01-01 00:00:00 UTC");
    EXPECT_EQ(time_text(1795557600), "2026-11-24 22:00:00 UTC");
    EXPECT_FALSE(time_text(std::numeric_limits<std::time_t>::max()).empty());
    EXPECT_FALSE(time_text(std::numeric_limits<std::time_t>::min()).empty());
}

}  // namespace
