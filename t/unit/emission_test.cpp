#include "test_site.hpp"

#include "emission.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

const std::string kReport = "report-only: {report-uri: \"https://reports.test/\"}";

PolicyText named(const std::string& name, std::vector<std::string> modes)
{
    PolicyText policy = good_policy();
    policy.name = name;
    policy.modes = std::move(modes);
    return policy;
}

/// The emissions of a load that must pass.
Emissions emitted(const World& world)
{
    LoadResult result = world.judge();
    if (result.refused) {
        throw std::runtime_error("refused: " + ids(result.findings));
    }
    return std::move(result.emissions);
}

Emissions emitted_by(const std::vector<std::string>& modes)
{
    World world;
    world.policies({named("www", modes)});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    return emitted(world);
}

TEST(Emission, Enforce)
{
    const Emissions all = emitted_by({"enforce: {max-age: 1d}"});
    ASSERT_EQ(all.servers.size(), 1U);
    const Emission& emission = all.servers[0];
    EXPECT_TRUE(emission.has_policy);
    EXPECT_EQ(emission.policy, "www");
    EXPECT_EQ(emission.mode, "enforce");
    ASSERT_TRUE(emission.enforce.has_value());
    EXPECT_FALSE(emission.report_only.has_value());
    ASSERT_EQ(all.headers.size(), 1U);
    const Header& header = all.headers[*emission.enforce];
    EXPECT_EQ(header.values.front().text.substr(0, 14), "max-age=86400;");
    ASSERT_EQ(header.pins.size(), 3U);
    EXPECT_TRUE(header.pins[0] == pki().www_key.pin());
    EXPECT_EQ(header.labels[1], pki().backup_1.pin().base64());
    ASSERT_EQ(emission.leaves.size(), 1U);
    EXPECT_EQ(emission.leaves[0].x509, pki().www.get());
    EXPECT_EQ(emission.leaves[0].fingerprint, pki().www.fingerprint());
    EXPECT_EQ(emission.leaves[0].pin, pki().www_key.pin().base64());
}

TEST(Emission, ReportOnly)
{
    const Emissions all = emitted_by({kReport});
    EXPECT_EQ(all.servers[0].mode, "report-only");
    EXPECT_FALSE(all.servers[0].enforce.has_value());
    ASSERT_TRUE(all.servers[0].report_only.has_value());
    EXPECT_EQ(all.headers[*all.servers[0].report_only].values.front().text.substr(0, 12), "pin-sha256=\"");
}

TEST(Emission, Both)
{
    const Emissions all = emitted_by({"enforce: {max-age: 1d}", kReport});
    EXPECT_EQ(all.servers[0].mode, "both");
    ASSERT_EQ(all.headers.size(), 2U);
    EXPECT_EQ(all.headers[*all.servers[0].enforce].values.front().text.substr(0, 8), "max-age=");
    EXPECT_EQ(all.headers[*all.servers[0].report_only].values.front().text.substr(0, 11), "pin-sha256=");
}

TEST(Emission, AGuardSendsNothingAndIsAPolicyAllTheSame)
{
    const Emissions all = emitted_by({"guard: {}"});
    EXPECT_TRUE(all.headers.empty());
    EXPECT_TRUE(all.servers[0].has_policy);
    EXPECT_EQ(all.servers[0].mode, "guard");
    EXPECT_FALSE(all.servers[0].enforce.has_value());
    EXPECT_FALSE(all.servers[0].report_only.has_value());
    EXPECT_EQ(all.servers[0].leaves[0].pin, pki().www_key.pin().base64());
}

TEST(Emission, AGuardBesideAHeader)
{
    World world;
    world.policies({named("app", {"guard: {}"}), named("www", {"enforce: {max-age: 1d}"}), named("next", {kReport})});
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {pki().www_chain}, "app");
    block.policies.push_back(world.ref("www"));
    block.policies.push_back(world.ref("next"));
    const Emissions all = emitted(world);
    EXPECT_EQ(all.servers[0].policy, "app, www, next");
    EXPECT_EQ(all.servers[0].mode, "both");
    EXPECT_EQ(all.headers.size(), 2U);
}

TEST(Emission, WithoutAPolicyThereIsNone)
{
    World world;
    world.policies({named("www", {"enforce: {max-age: 1d}"})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"elsewhere.test"}, {pki().other_chain});
    ServerBlock& plain = world.plain(44, {"www.example.com"});
    plain.policies.push_back(world.ref("www", false));
    const Emissions all = emitted(world);
    ASSERT_EQ(all.servers.size(), 3U);
    EXPECT_TRUE(all.servers[0].has_policy);
    for (const std::size_t i : {1U, 2U}) {
        EXPECT_FALSE(all.servers[i].has_policy);
        EXPECT_FALSE(all.servers[i].enforce.has_value());
        EXPECT_TRUE(all.servers[i].leaves.empty());
        EXPECT_EQ(all.servers[i].policy, "");
        EXPECT_EQ(all.servers[i].mode, "");
    }
}

TEST(Emission, AHeaderIsRenderedOnceForAllServers)
{
    World world;
    world.policies({named("www", {"enforce: {max-age: 1d}"})});
    for (unsigned line = 1; line <= 10; line++) {
        world.pinned(line, {"h" + std::to_string(line) + ".example.com"}, {pki().www_chain});
    }
    const Emissions all = emitted(world);
    EXPECT_EQ(all.headers.size(), 1U);
    for (const Emission& emission : all.servers) {
        EXPECT_EQ(emission.enforce, std::optional<std::size_t>(0));
    }
}

TEST(Emission, PinsHaveTheirNames)
{
    PolicyText policy = good_policy();
    policy.pins = {written(pki().backup_1.pin(), "name: A"), written(pki().intermediate_key.pin(), "name: issuer"),
                   written(pki().backup_2.pin())};
    World world;
    world.policies({policy});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    const Emissions all = emitted(world);
    EXPECT_EQ(all.headers[0].labels, (std::vector<std::string>{"A", "issuer", pki().backup_2.pin().base64()}));
    EXPECT_EQ(all.servers[0].leaves[0].pin, "issuer");
}

TEST(Emission, EachCertificateIsALeaf)
{
    const Chain second =
        chain({leaf(pki().backup_3, pki().intermediate_key, {"www.example.com", "example.com"}), pki().intermediate});
    PolicyText policy = good_policy();
    policy.pins.push_back(written(pki().intermediate_key.pin(), "name: issuer"));
    World world;
    world.policies({policy});
    world.pinned(12, {"www.example.com"}, {pki().www_chain, second});
    const Emissions all = emitted(world);
    ASSERT_EQ(all.servers[0].leaves.size(), 2U);
    EXPECT_EQ(all.servers[0].leaves[0].pin, pki().www_key.pin().base64());
    EXPECT_EQ(all.servers[0].leaves[1].pin, "issuer");
    EXPECT_EQ(all.servers[0].leaves[1].x509, second.leaf().get());
}

/// The same certificate once more, as another SSL_CTX would have it.
Certificate reread(const Certificate& certificate)
{
    const std::string bytes = der(certificate);
    const auto* begin = reinterpret_cast<const unsigned char*>(bytes.data());
    const X509Ptr x509(d2i_X509(nullptr, &begin, static_cast<long>(bytes.size())));
    return Certificate(x509.get());
}

TEST(Emission, EachServerHasTheX509OfItsOwnContext)
{
    const Chain again = chain({reread(pki().www), reread(pki().intermediate)});
    ASSERT_NE(again.leaf().get(), pki().www.get());
    World world;
    world.policies({named("www", {"enforce: {max-age: 1d}"})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {again});
    const Emissions all = emitted(world);
    ASSERT_EQ(all.servers[1].leaves.size(), 1U);
    EXPECT_EQ(all.servers[0].leaves[0].x509, pki().www.get());
    EXPECT_EQ(all.servers[1].leaves[0].x509, again.leaf().get());
    EXPECT_EQ(all.servers[1].leaves[0].fingerprint, pki().www.fingerprint());
}

TEST(Emission, AServerWithoutACertificateHasTheX509OfItsDefaultServers)
{
    const Chain again = chain({reread(pki().www), reread(pki().intermediate)});
    World world;
    world.policies({named("www", {"enforce: {max-age: 1d}"})});
    world.server(5, {"a.test"}, {pki().www_chain});
    world.server(6, {"b.test"}, {again}, 8443);
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {});
    world.listen(block, 8443, true);
    const Emissions all = emitted(world);
    ASSERT_EQ(all.servers[2].leaves.size(), 2U);
    EXPECT_EQ(all.servers[2].leaves[0].x509, pki().www.get());
    EXPECT_EQ(all.servers[2].leaves[1].x509, again.leaf().get());
}

TEST(Emission, APinOfARootThatIsNotSentIsNamed)
{
    PolicyText policy = named("www", {"enforce: {max-age: 1d}"});
    policy.pins[0] = written(pki().root_key.pin(), "name: root 2026");
    World world;
    world.policies({policy}, world.bundles({{"a", {pki().root}}}));
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    const Emissions all = emitted(world);
    ASSERT_EQ(all.servers[0].leaves.size(), 1U);
    EXPECT_EQ(all.servers[0].leaves[0].pin, "root 2026");
}

TEST(Emission, OfAServedChainOnlyTheFingerprintIsKnown)
{
    World world;
    world.policies({named("www", {"enforce: {max-age: 1d}"})});
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {pki().other_chain});
    block.served_chains = {world.dir.write("www.pem", pem(pki().www_chain.sent))};
    const Emissions all = emitted(world);
    ASSERT_EQ(all.servers[0].leaves.size(), 1U);
    EXPECT_EQ(all.servers[0].leaves[0].x509, nullptr);
    EXPECT_EQ(all.servers[0].leaves[0].fingerprint, pki().www.fingerprint());
}

TEST(Emission, TheEnforcedPinsNameThePin)
{
    PolicyText policy = good_policy();
    policy.pins = {written(pki().www_key.pin(), "name: enforced"), written(pki().backup_1.pin()),
                   written(pki().backup_2.pin())};
    policy.modes = {"enforce: {max-age: 1d}"};
    PolicyText app = named("app", {"guard: {}"});
    app.pins[0] = written(pki().www_key.pin(), "name: guarded");
    World world;
    world.policies({policy, app});
    world.pinned(12, {"www.example.com"}, {pki().www_chain}, "app").policies.push_back(world.ref("www"));
    EXPECT_EQ(emitted(world).servers[0].leaves[0].pin, "enforced");
}

TEST(Emission, ReportOnlyPinsOfTheirOwnGoOut)
{
    PolicyText policy = good_policy();
    policy.modes.push_back("report-only: {report-uri: \"https://r.test/\", pins: ["
                           + written(pki().intermediate_key.pin()) + ", " + written(pki().backup_2.pin()) + ", "
                           + written(pki().backup_3.pin()) + "]}");
    World world;
    world.policies({policy});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    const Emissions all = emitted(world);
    const Header& report_only = all.headers[*all.servers[0].report_only];
    EXPECT_NE(report_only.values.front().text.find(pki().intermediate_key.pin().base64()), std::string::npos);
    EXPECT_EQ(report_only.values.front().text.find(pki().www_key.pin().base64()), std::string::npos);
    EXPECT_TRUE(report_only.pins[0] == pki().intermediate_key.pin());
    EXPECT_TRUE(all.headers[*all.servers[0].enforce].pins[0] == pki().www_key.pin());
}

TEST(Emission, ARefusedLoadHasNone)
{
    World world;
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"}, {pki().other_chain});
    const LoadResult result = world.judge();
    EXPECT_TRUE(result.refused);
    EXPECT_TRUE(result.emissions.headers.empty());
    EXPECT_TRUE(result.emissions.servers.empty());
}

}  // namespace
