#include "report_uri.hpp"

#include <gtest/gtest.h>

using namespace hpkp;

namespace {

TEST(ReportUri, AbsoluteHttpAndHttps)
{
    std::string error;
    const auto uri = parse_report_uri("https://Reports.Example.net:8443/pkp?x=1;y=2#z", error);
    ASSERT_TRUE(uri.has_value()) << error;
    EXPECT_EQ(uri->text, "https://Reports.Example.net:8443/pkp?x=1;y=2#z") << "as written";
    EXPECT_EQ(uri->scheme, "https");
    EXPECT_EQ(uri->host, "reports.example.net");

    for (const char* text :
         {"http://reports.example.net", "HTTPS://reports.example.net/", "https://user@reports.example.net/",
          "https://reports.example.net/%22%5c", "https://reports.example.net/a'b"}) {
        const auto taken = parse_report_uri(text, error);
        ASSERT_TRUE(taken.has_value()) << text;
        EXPECT_EQ(taken->host, "reports.example.net") << text;
    }
    EXPECT_EQ(parse_report_uri("HTTPS://reports.example.net/", error)->scheme, "https");
}

TEST(ReportUri, Addresses)
{
    std::string error;
    EXPECT_EQ(parse_report_uri("http://192.0.2.1/pkp", error)->host, "192.0.2.1");
    EXPECT_EQ(parse_report_uri("https://[2001:DB8::1]:8443/pkp", error)->host, "2001:db8::1");
}

TEST(ReportUri, AnythingElseSaysWhy)
{
    for (const std::string& text : {
             std::string(""),
             std::string("reports.example.net"),
             std::string("/pkp"),
             std::string("//reports.example.net/pkp"),
             std::string("ftp://reports.example.net/"),
             std::string("mailto:a@example.net"),
             std::string("file:///etc/passwd"),
             std::string("javascript:alert(1)"),
             std::string("https:"),
             std::string("https://"),
             std::string("https:///pkp"),
             std::string("https:/reports.example.net/"),
             std::string("https://reports.example.net/a b"),
             std::string("https://reports.example.net/\"x"),
             std::string("https://reports.example.net/\\x"),
             std::string("https://reports.example.net/\x7f"),
             std::string("https://reports.example.net/\r\nX: y"),
             std::string("https://reports.example.net/\xc3\xa4"),
             std::string("https://reports.example.net/\0", 29),
             std::string("https://reports.example.net/%zz"),
             std::string("https://[2001:db8::1/"),
             std::string("https://reports.example.net:port/"),
             std::string("https://<reports>/"),
             std::string("https://:443/"),
             std::string("https://?x"),
             std::string("httpss://reports.example.net/"),
         }) {
        std::string error;
        EXPECT_FALSE(parse_report_uri(text, error).has_value()) << text;
        EXPECT_FALSE(error.empty()) << text;
    }
}

TEST(ReportUri, APercentSignInTheHostHidesNothing)
{
    std::string error;
    const auto uri = parse_report_uri("https://%65x%41mple.COM/%41", error);
    ASSERT_TRUE(uri.has_value()) << error;
    EXPECT_EQ(uri->host, "example.com");
    EXPECT_EQ(uri->text, "https://%65x%41mple.COM/%41") << "it is sent as written";
}

TEST(ReportUri, LongOnesAreNoTrouble)
{
    std::string error;
    EXPECT_TRUE(parse_report_uri("https://reports.example.net/" + std::string(100000, 'a'), error).has_value());
}

}  // namespace
