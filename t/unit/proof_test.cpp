#include "test_site.hpp"

#include "proof.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

std::string all_of(const LoadResult& result)
{
    std::string text;
    for (const std::string& line : result.proofs) {
        text += line + "\n";
    }
    return text;
}

PolicyText named(const std::string& name, std::vector<std::string> modes)
{
    PolicyText policy = good_policy();
    policy.name = name;
    policy.pins = {"{name: live, pin-sha256: \"" + pki().www_key.pin().base64() + "\"}",
                   "{name: spare, pin-sha256: \"" + pki().backup_1.pin().base64() + "\"}",
                   "{name: old, retired: true, pin-sha256: \"" + pki().backup_2.pin().base64() + "\"}"};
    policy.modes = std::move(modes);
    return policy;
}

TEST(Proof, ALineAServerWithAPolicy)
{
    World world;
    world.policies({named("www", {"enforce: {max-age: 1d}", "report-only: {report-uri: \"https://reports.test/\"}"})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(20, {"other.test"}, {pki().www_chain}, 444);
    const LoadResult result = world.judge();
    ASSERT_EQ(result.proofs.size(), 1U) << ids(result.findings);
    const std::string text = all_of(result);
    EXPECT_NE(text.find(":12: policy \"www\", enforced and held until "), std::string::npos) << text;
    EXPECT_NE(text.find("(in 24 hours) if last sent now and report-only: "), std::string::npos) << text;
    EXPECT_NE(text.find("matches \"live\" on its path, backups \"spare\"; clients hold nothing from before"),
              std::string::npos)
        << text;
}

TEST(Proof, AGuardNamesItsEnd)
{
    World world;
    world.policies({named("www", {"guard: {until: 2027-06-01}"})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    const LoadResult result = world.judge();
    const std::string text = all_of(result) + ids(result.findings);
    EXPECT_NE(text.find("policy \"www\", a guard until 2027-06-02 00:00:00 UTC"), std::string::npos) << text;
}

TEST(Proof, NothingWhereTheLoadIsRefused)
{
    World world;
    world.policies({named("www", {"enforce: {max-age: 1d}"})});
    world.pinned(12, {"www.example.com"}, {pki().other_chain});
    EXPECT_EQ(all_of(world.judge()), "");
}

TEST(Proof, ALineIsNeverLongerThanTheLogTakes)
{
    World world;
    PolicyText policy = good_policy();
    for (int i = 0; i < 20; i++) {
        policy.pins.push_back("{name: " + std::string(200, 'x') + std::to_string(i) + ", pin-sha256: \""
                              + Pin(Pin::Bytes{static_cast<unsigned char>(i + 1)}).base64() + "\"}");
    }
    world.policies({policy});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    const LoadResult result = world.judge();
    ASSERT_EQ(result.proofs.size(), 1U) << ids(result.findings);
    EXPECT_LE(result.proofs[0].size(), kMaxLine);
}

}  // namespace
