#include "test_ledger.hpp"

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

TEST(Proof, WhatIsSentAndTheLeafAreNoPaths)
{
    const auto proof_for = [](const std::string& clients, const PolicyText& policy) {
        World world;
        PolicyText text = policy;
        text.modes.push_back("clients: [" + clients + "]");
        world.policies({text});
        world.pinned(12, {"www.example.com"}, {pki().www_chain});
        return all_of(world.judge());
    };
    const PolicyText policy = named("www", {"enforce: {max-age: 1d}"});
    EXPECT_NE(proof_for("sent", policy).find("matches \"live\" among the certificates sent, "), std::string::npos);
    EXPECT_NE(proof_for("leaf", policy).find("matches \"live\" by its leaf, "), std::string::npos);
    EXPECT_NE(proof_for("chain, sent", policy).find("matches \"live\" on its path, "), std::string::npos);
}

TEST(Proof, ARehearsalMatchesOnSomePathsOrOnNone)
{
    // The root has a cross-sign, and of two paths the pinned root is on one.
    const auto proof_of = [](const Pin& pin) {
        World world;
        PolicyText policy = good_policy();
        policy.pins[0] = "{name: live, pin-sha256: \"" + pin.base64() + "\"}";
        policy.modes = {"report-only: {report-uri: \"https://reports.test/\", allow-mismatch: true}"};
        world.policies({policy}, world.bundles({{"both", {pki().root, pki().other_root}}}));
        const Certificate cross = ca(pki().root_key, pki().other_root_key);
        world.pinned(12, {"www.example.com"}, {chain({pki().www, pki().intermediate, cross})});
        return all_of(world.judge());
    };
    EXPECT_NE(proof_of(pki().intermediate_key.pin()).find("matches \"live\" on all 2 paths, "), std::string::npos);
    EXPECT_NE(proof_of(pki().other_root_key.pin()).find("matches \"live\" on 1 of 2 paths, "), std::string::npos)
        << proof_of(pki().other_root_key.pin());
    EXPECT_NE(proof_of(pki().other_key.pin()).find(" does not match, "), std::string::npos);
}

TEST(Proof, WhatClientsHoldDoesNotMatchWhereTheOperatorKnows)
{
    const TempDir dir{fast_directory()};
    LedgerFile file{dir / "hpkp.ledger"};
    World first;
    first.policies({named("www", {"enforce: {max-age: 1d}"})});
    first.pinned(12, {"www.example.com"}, {pki().www_chain});
    LoadOptions options = load_options(file.path, kNow);
    file.load(first, options);

    World second;
    PolicyText other = named("www", {"enforce: {max-age: 1d}"});
    other.pins[0] = "{name: live, pin-sha256: \"" + pki().other_key.pin().base64() + "\"}";
    other.pins[1] = "{name: spare, pin-sha256: \"" + pki().backup_2.pin().base64() + "\"}";
    other.pins.pop_back();
    second.policies({other}, second.bundles({{"test", {pki().other_root}}}));
    second.pinned(12, {"www.example.com"}, {pki().other_chain});
    options = load_options(file.path, kNow + 60);
    options.lockout_warns = true;
    const LoadResult result = file.load(second, options);
    EXPECT_FALSE(result.refused) << ids(result.findings);
    EXPECT_NE(all_of(result).find("what clients hold from before (1 policy, until "), std::string::npos);
    EXPECT_NE(all_of(result).find(") does not match"), std::string::npos) << all_of(result);
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
