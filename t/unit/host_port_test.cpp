#include "input.hpp"
#include "net/fetch.hpp"
#include "net/host_port.hpp"

#include <gtest/gtest.h>

using namespace hpkp::cli;

namespace {

TEST(HostPort, Reads)
{
    const std::pair<const char*, const char*> cases[] = {
        {"www.example.com", "www.example.com:443"},
        {"www.example.com:8443", "www.example.com:8443"},
        {"192.0.2.1:1", "192.0.2.1:1"},
        {"[2001:db8::1]", "[2001:db8::1]:443"},
        {"[2001:db8::1]:65535", "[2001:db8::1]:65535"},
    };
    for (const auto& [text, wanted] : cases) {
        EXPECT_EQ(parse_host_port(text, 443).text(), wanted);
    }
    EXPECT_EQ(parse_host_port("[::1]:5", 443).host, "::1");
}

TEST(HostPort, RefusesTheRest)
{
    for (const std::string& text :
         {std::string(), std::string(":443"), std::string("a:"), std::string("a:0"), std::string("a:65536"),
          std::string("a:44x"), std::string("a:+44"), std::string("a:b:1"), std::string("2001:db8::1"),
          std::string("[::1"), std::string("[::1]x"), std::string("[]:1"), std::string("a b:1"), std::string("a/b"),
          std::string("u@a"), std::string("a\n"), std::string(300, 'a')}) {
        EXPECT_THROW(parse_host_port(text, 443), InputError) << text;
    }
}

TEST(Url, Reads)
{
    const Url url = parse_url("HTTPS://user:secret@WWW.Example.com.:8443/a?b#c");
    EXPECT_EQ(url.scheme, "https");
    EXPECT_EQ(url.host, "www.example.com");
    EXPECT_EQ(url.port, 8443U);
    EXPECT_EQ(url.text, "https://www.example.com:8443/a?b");
    EXPECT_EQ(parse_url("www.example.com").text, "https://www.example.com/");
    EXPECT_EQ(parse_url("www.example.com:8443/x").port, 8443U);
    EXPECT_EQ(parse_url("http://a").port, 80U);
    EXPECT_EQ(parse_url("https://[2001:DB8::1]/").host, "2001:db8::1");
}

TEST(Url, RefusesTheRest)
{
    for (const std::string& text :
         {std::string(), std::string("ftp://a/"), std::string("https://"), std::string("https://a b/"),
          std::string("https://a:0x/"), std::string("file:///etc/passwd"), std::string("https://a/\n"),
          std::string("https://a:99999/"), std::string(9000, 'a')}) {
        EXPECT_THROW(parse_url(text), InputError) << text;
    }
}

}  // namespace
