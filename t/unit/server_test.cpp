#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

AddressNames names_of_servers(const std::vector<std::string>& names)
{
    AddressNames address;
    for (std::size_t i = 0; i < names.size(); i++) {
        for (const HostPattern& pattern : parse_server_name(names[i], false)) {
            address.add(pattern, i);
        }
    }
    return address;
}

using Answer = std::optional<std::size_t>;

TEST(AddressNames, AnExactNameComesFirst)
{
    const AddressNames names = names_of_servers({"*.example.com", "www.example.*", "www.example.com"});
    EXPECT_EQ(names.answers("www.example.com"), Answer(2));
    EXPECT_EQ(names.answers("shop.example.com"), Answer(0));
    EXPECT_EQ(names.answers("www.example.net"), Answer(1));
    EXPECT_EQ(names.answers("example.com"), std::nullopt);
    EXPECT_EQ(names.answers("elsewhere.test"), std::nullopt);
}

TEST(AddressNames, ThenTheLongestWildcard)
{
    const AddressNames names = names_of_servers({"*.com", "*.b.example.com", "*.example.com"});
    EXPECT_EQ(names.answers("a.b.example.com"), Answer(1));
    EXPECT_EQ(names.answers("x.a.b.example.com"), Answer(1));
    EXPECT_EQ(names.answers("b.example.com"), Answer(2));
    EXPECT_EQ(names.answers("example.com"), Answer(0));
    EXPECT_EQ(names.answers("com"), std::nullopt);
}

TEST(AddressNames, AWildcardBeatsATail)
{
    const AddressNames names = names_of_servers({"www.example.*", "*.com"});
    EXPECT_EQ(names.answers("www.example.com"), Answer(1));
    EXPECT_EQ(names.answers("www.example.net"), Answer(0));
}

TEST(AddressNames, ThenTheLongestTail)
{
    const AddressNames names = names_of_servers({"www.*", "www.example.*"});
    EXPECT_EQ(names.answers("www.example.com"), Answer(1));
    EXPECT_EQ(names.answers("www.example.co.uk"), Answer(1));
    EXPECT_EQ(names.answers("www.other.com"), Answer(0));
    EXPECT_EQ(names.answers("www"), std::nullopt);
    EXPECT_EQ(names.answers("shop.www.example.com"), std::nullopt);
}

TEST(AddressNames, TheFirstServerWithANameHasIt)
{
    const AddressNames names =
        names_of_servers({"www.example.com", "www.example.com", "*.test", "*.test", "w.*", "w.*"});
    EXPECT_EQ(names.answers("www.example.com"), Answer(0));
    EXPECT_EQ(names.answers("a.test"), Answer(2));
    EXPECT_EQ(names.answers("w.net"), Answer(4));
}

TEST(AddressNames, AWildcardIsNoTail)
{
    EXPECT_EQ(names_of_servers({"*.example.com", "w.*"}).answers("example.com.test"), std::nullopt);
}

TEST(Site, AnswersByTheNamesOfEachTlsAddress)
{
    World world;
    world.policies({good_policy()});
    world.pinned(5, {"default.example.com"}, {pki().www_chain});
    ServerBlock& both = world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.listen(both, 80, false);
    world.pinned(30, {"*.example.com"}, {pki().www_chain}, "www", 8443);
    world.plain(44, {"plain.example.com"});
    const Site site = world.gather();

    EXPECT_TRUE(site.answers(site.servers[1], "www.example.com"));
    EXPECT_FALSE(site.answers(site.servers[0], "www.example.com"));
    EXPECT_TRUE(site.answers(site.servers[2], "www.example.com")) << "at the other address";
    EXPECT_TRUE(site.answers(site.servers[0], "nobody.test")) << "the default server";
    EXPECT_FALSE(site.answers(site.servers[1], "nobody.test"));
    EXPECT_FALSE(site.answers(site.servers[3], "plain.example.com")) << "no TLS there";
}

}  // namespace
