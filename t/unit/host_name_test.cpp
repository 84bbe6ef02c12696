#include "host_name.hpp"

#include <gtest/gtest.h>

using namespace hpkp;

namespace {

using Kind = HostPattern::Kind;

/// "exact:www.example.com", "wildcard:example.com", ...: kind and domain of each pattern.
std::vector<std::string> parsed(const std::string& name, bool regex = false)
{
    static const char* const kKinds[] = {"exact", "wildcard", "tail", "regex"};
    std::vector<std::string> all;
    for (const HostPattern& pattern : parse_server_name(name, regex)) {
        all.push_back(std::string(kKinds[static_cast<int>(pattern.kind)]) + ":" + pattern.domain);
    }
    return all;
}

using Patterns = std::vector<std::string>;

TEST(HostName, KindsOfServerNames)
{
    EXPECT_EQ(parsed("www.example.com"), Patterns{"exact:www.example.com"});
    EXPECT_EQ(parsed("*.example.com"), Patterns{"wildcard:example.com"});
    EXPECT_EQ(parsed("www.example.*"), Patterns{"tail:www.example"});
    EXPECT_EQ(parsed(".example.com"), (Patterns{"exact:example.com", "wildcard:example.com"}));
    EXPECT_EQ(parsed("^www\\.", true), Patterns{"regex:"});
    EXPECT_EQ(parsed("localhost"), Patterns{"exact:localhost"});
    EXPECT_EQ(parsed("192.0.2.1"), Patterns{"exact:192.0.2.1"});
    EXPECT_EQ(parsed("::1"), Patterns{"exact:::1"});
}

TEST(HostName, LowerCase)
{
    EXPECT_EQ(parsed("WWW.Example.COM"), Patterns{"exact:www.example.com"});
    EXPECT_EQ(parsed("*.Example.COM"), Patterns{"wildcard:example.com"});
    EXPECT_EQ(parse_server_name("WWW.Example.COM", false).front().text, "www.example.com");
}

TEST(HostName, ARegularExpressionStaysAsItIs)
{
    EXPECT_EQ(parse_server_name("^WWW\\D", true).front().text, "~^WWW\\D");
    EXPECT_EQ(parsed("", true), Patterns{"regex:"});
}

TEST(HostName, NoNames)
{
    for (const char* name : {"", "_", "__", "--", ".", "*", "!@#"}) {
        EXPECT_TRUE(parse_server_name(name, false).empty()) << name;
    }
}

TEST(HostName, AnExampleIsAnsweredToByItsPattern)
{
    const auto example = [](const char* name) {
        return parse_server_name(name, false).back().example();
    };
    EXPECT_EQ(example("www.example.com"), "www.example.com");
    EXPECT_TRUE(is_subdomain(example("*.example.com"), "example.com"));
    EXPECT_EQ(example("www.example.*").substr(0, 12), "www.example.");
    EXPECT_EQ(parse_server_name("x", true).front().example(), "");
}

TEST(HostName, Addresses)
{
    for (const char* host : {"192.0.2.1", "0.0.0.0", "::1", "2001:db8::1", "[::1]", "[2001:db8::1]"}) {
        EXPECT_TRUE(is_ip_address(host)) << host;
    }
    for (const char* host : {"www.example.com", "192.0.2", "192.0.2.256", "192.0.2.1.example.com", "[192.0.2.1]",
                             "[::1", "::1]", "[]", "", "localhost", "1", "[]x"}) {
        EXPECT_FALSE(is_ip_address(host)) << host;
    }
}

TEST(HostName, Subdomains)
{
    EXPECT_TRUE(is_subdomain("www.example.com", "example.com"));
    EXPECT_TRUE(is_subdomain("a.b.example.com", "example.com"));
    EXPECT_TRUE(is_subdomain("a.com", "com"));
    EXPECT_FALSE(is_subdomain("example.com", "example.com"));
    EXPECT_FALSE(is_subdomain(".example.com", "example.com"));
    EXPECT_FALSE(is_subdomain("notexample.com", "example.com"));
    EXPECT_FALSE(is_subdomain("com", "example.com"));
    EXPECT_FALSE(is_subdomain("www.example.com", "example.net"));
    EXPECT_FALSE(is_subdomain("", "example.com"));
}

TEST(HostName, Parents)
{
    EXPECT_EQ(parent_domain("www.example.com"), "example.com");
    EXPECT_EQ(parent_domain("com"), "");
    EXPECT_EQ(parent_domain(""), "");
    EXPECT_EQ(without_last_label("www.example.com"), "www.example");
    EXPECT_EQ(without_last_label("com"), "");
    EXPECT_EQ(without_last_label(""), "");
    EXPECT_EQ(without_last_label(".com"), "") << "or a loop would not end";
}

}  // namespace
