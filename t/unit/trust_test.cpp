// checks/trust.cpp: what a chain's paths stand on. How pins are held against the paths: chain_match_trust_test.cpp.
#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Lines = std::vector<unsigned>;

const std::string kReport = "report-only: {report-uri: \"https://reports.example.net/pkp\"}";
const std::string kAllowMismatch =
    "report-only: {report-uri: \"https://reports.example.net/pkp\", allow-mismatch: true}";

const Stores kA = {{"a", {pki().root}}};
const Stores kB = {{"b", {pki().other_root}}};
const Stores kAB = {{"a", {pki().root}}, {"b", {pki().other_root}}};

PolicyText policy_with(std::vector<std::string> modes)
{
    PolicyText policy = good_policy();
    policy.modes = std::move(modes);
    return policy;
}

/// A policy whose pins nobody serves.
PolicyText strangers(std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    PolicyText policy;
    policy.pins = {written(pki().backup_1.pin()), written(pki().backup_2.pin()), written(pki().backup_3.pin())};
    policy.modes = std::move(modes);
    return policy;
}

Chain expired_chain()
{
    return chain({leaf_until(pki().www_key, pki().intermediate_key, kNow - 1), pki().intermediate});
}

TEST(TrustedChain, IsFine)
{
    const auto findings = judge_for(kA, good_policy(), pki().www_chain);
    EXPECT_EQ(ids(findings), "");
    EXPECT_EQ(notes(findings), "");
}

TEST(TrustedChain, AStoreThatItDoesNotReachAsksNothing)
{
    EXPECT_EQ(ids(judge_for(kAB, good_policy(), pki().www_chain)), "");
    EXPECT_EQ(notes(judge_for(kAB, good_policy(), pki().www_chain)), "");
}

TEST(UntrustedChain, IsAnErrorWithItsPlaces)
{
    const auto findings = judge_for(kB, good_policy(), pki().www_chain);
    EXPECT_EQ(ids(findings), "untrusted-chain");
    EXPECT_EQ(notes(findings), "");
    const Finding& finding = only(findings, FindingId::untrusted_chain);
    EXPECT_EQ(finding.severity, Severity::error);
    ASSERT_TRUE(finding.place.has_value());
    EXPECT_EQ(finding.place->line, 3U);
    EXPECT_EQ(finding.place->column, 3U);
    EXPECT_EQ(lines_of(finding), Lines{12});
    EXPECT_NE(finding.what.find("the chain of www.example.com leads to no root of any store that the policy file "
                                "names (b): policy \"www\" matches nothing there"),
              std::string::npos)
        << finding.what;
    EXPECT_NE(finding.remedy.find("send the intermediates that are missing"), std::string::npos);
    EXPECT_FALSE(finding.remedy.empty());
}

TEST(UntrustedChain, ShowsWhatIsSent)
{
    const std::string text =
        text_of(only(judge_for(kB, good_policy(), pki().www_chain_with_root), FindingId::untrusted_chain));
    EXPECT_NE(text.find("sent:"), std::string::npos) << text;
    for (const Entity& owner : {pki().www_key, pki().intermediate_key, pki().root_key}) {
        EXPECT_NE(text.find("pin-sha256=\"" + owner.pin().base64() + "\""), std::string::npos) << text;
    }
}

TEST(UntrustedChain, NamesEveryStore)
{
    const Entity nobody("nobody");
    const Stores stores = {{"mozilla", {pki().other_root}}, {"android", {ca(nobody, nobody)}}};
    EXPECT_NE(only(judge_for(stores, good_policy(), pki().www_chain), FindingId::untrusted_chain)
                  .what.find("(android, mozilla)"),
              std::string::npos);
}

TEST(UntrustedChain, TakesThePlaceOfNoPinInChain)
{
    EXPECT_EQ(ids(judge_for(kB, strangers(), pki().www_chain)), "untrusted-chain");
    EXPECT_EQ(ids(judge_for(kA, strangers(), pki().www_chain)), "no-pin-in-chain");
}

TEST(UntrustedChain, AMissingIntermediate)
{
    EXPECT_EQ(ids(judge_for(kA, good_policy(), chain({pki().www}))), "untrusted-chain");
    EXPECT_EQ(ids(judge_for({{"a", {pki().root, pki().intermediate}}}, good_policy(), chain({pki().www}))), "");
}

TEST(UntrustedChain, ByPathsThatFail)
{
    CertOptions options = authority();
    options.name_constraints = "critical,permitted;DNS:example.org";
    const Chain constrained = chain({pki().www, certify(pki().intermediate_key, pki().root_key, options)});
    const auto findings = judge_for(kA, good_policy(), constrained);
    EXPECT_EQ(ids(findings), "untrusted-chain");
    EXPECT_EQ(only(findings, FindingId::untrusted_chain).remedy,
              "mend what makes its paths fail, or name under trust the stores of clients that accept it");
    const std::string text = text_of(only(findings, FindingId::untrusted_chain));
    EXPECT_NE(text.find("has no valid path to a root of any store"), std::string::npos) << text;
    EXPECT_NE(text.find("these paths do not count:"), std::string::npos) << text;
    EXPECT_NE(text.find("www.example.com > Intermediate A > Root A (a): www.example.com: permitted subtree violation"),
              std::string::npos)
        << text;
}

TEST(UntrustedChain, UnderAllowMismatchIsAWarning)
{
    const auto severity = [](std::vector<std::string> modes) {
        const auto findings = judge_for(kB, policy_with(std::move(modes)), pki().www_chain);
        EXPECT_EQ(ids(findings), "untrusted-chain");
        return only(findings, FindingId::untrusted_chain).severity;
    };
    EXPECT_EQ(severity({kAllowMismatch}), Severity::warning);
    EXPECT_EQ(severity({kReport}), Severity::error);
    EXPECT_EQ(severity({"enforce: {max-age: 1d}", kAllowMismatch}), Severity::error);
    EXPECT_EQ(severity({"guard: {}", kAllowMismatch}), Severity::error);
    EXPECT_EQ(severity({"guard: {}"}), Severity::error);
    EXPECT_EQ(severity({"enforce: {max-age: 0}"}), Severity::error);
}

TEST(UntrustedChain, ReportOnlyPinsOfTheirOwnDoNotSoftenIt)
{
    PolicyText policy = good_policy();
    policy.modes.push_back("report-only: {report-uri: \"https://reports.example.net/\", allow-mismatch: true, pins: ["
                           + written(pki().backup_1.pin()) + ", " + written(pki().backup_2.pin()) + "]}");
    const auto findings = judge_for(kB, policy, pki().www_chain);
    EXPECT_EQ(ids(findings), "untrusted-chain untrusted-chain") << "each set of pins has its own";
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_NE(findings[0].what.find("report-only"), std::string::npos) << findings[0].what;
    EXPECT_EQ(findings[1].severity, Severity::error);
}

TEST(UntrustedChain, WhateverItsClientsCompareWith)
{
    for (const char* clients : {"clients: [sent]", "clients: [leaf]", "clients: [chain, sent, leaf]"}) {
        EXPECT_EQ(ids(judge_for(kB, policy_with({"enforce: {max-age: 1d}", clients}), pki().www_chain)),
                  "untrusted-chain")
            << clients;
    }
}

TEST(UntrustedChain, OneFindingForAllServersOfAChain)
{
    World world;
    world.policies({good_policy()}, world.bundles(kB));
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {pki().www_chain});
    world.pinned(44, {"www.example.com"}, {pki().www_chain_with_root}, "www", 8443);
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "untrusted-chain untrusted-chain");
    EXPECT_EQ(lines_of(findings[0]), (Lines{12, 30}));
    EXPECT_EQ(lines_of(findings[1]), Lines{44});
}

TEST(UntrustedChain, NotWhereAStoreCannotBeRead)
{
    World world;
    TrustStores trust = world.bundles(kB);
    trust["z"] = world.dir / "missing.pem";
    world.policies({good_policy()}, trust);
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "trust-unreadable") << "which may hold its root";
    EXPECT_EQ(notes(findings), "");
    const Finding& finding = only(findings, FindingId::trust_unreadable);
    EXPECT_EQ(finding.severity, Severity::error);
    ASSERT_TRUE(finding.place.has_value());
    EXPECT_EQ(finding.place->line, 11U) << "the store's value";
    EXPECT_EQ(finding.place->column, 6U);
    EXPECT_NE(finding.what.find("\"z\""), std::string::npos) << finding.what;
    EXPECT_NE(finding.what.find("missing.pem cannot be opened: No such file"), std::string::npos) << finding.what;
}

TEST(TrustUnreadable, IsSaidForEachNameOfAStore)
{
    World world;
    world.policies({good_policy()}, {{"x", "nothing"}, {"y", world.dir.write("key.pem", private_key(pki().www_key))}});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "trust-unreadable trust-unreadable");
}

struct SystemBundle : testing::Test {
    SystemBundle() { world.policies({good_policy()}); }
    World world;
};

TEST_F(SystemBundle, IsWhatIsAskedWithoutTrust)
{
    world.system_bundle = world.dir.write("system.pem", pem(pki().root));
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "");
    EXPECT_EQ(notes(world.findings()), "") << "no private PKI";
    world.policy_text(policy_file({good_policy()}) + "trust: {}\n");
    EXPECT_EQ(ids(world.findings()), "");
    EXPECT_EQ(notes(world.findings()), "");
}

TEST_F(SystemBundle, WithTrustThatNamesNoStoreToo)
{
    world.policy_text(policy_file({good_policy()}) + "trust: {}\n");
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "");
    EXPECT_EQ(notes(world.findings()), "private-pki");
}

TEST_F(SystemBundle, ThatCannotBeReadIsAWarning)
{
    world.system_bundle = world.dir / "missing.pem";
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {pki().www_chain_with_root});
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "trust-unreadable");
    EXPECT_EQ(notes(findings), "") << "whether it is a private PKI is not known";
    const Finding& finding = only(findings, FindingId::trust_unreadable);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_FALSE(finding.place.has_value());
    EXPECT_EQ(lines_of(finding), (Lines{12, 30}));
    EXPECT_NE(finding.what.find(world.system_bundle + " cannot be opened: No such file or directory"),
              std::string::npos)
        << finding.what;
    EXPECT_FALSE(world.judge().refused);
    EXPECT_TRUE(world.judge(true).refused) << "under hpkp_strict";
}

TEST_F(SystemBundle, ThatCannotBeReadLeavesTheCertificatesSent)
{
    world.system_bundle = world.dir.write("system.pem", "rubbish");
    world.policies({strangers()});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "no-pin-in-chain trust-unreadable");
}

TEST_F(SystemBundle, IsNotAskedForWhereEveryFileNamesStores)
{
    world.system_bundle = world.dir / "missing.pem";
    world.policies({good_policy()}, world.bundles(kA));
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "");
}

TEST_F(SystemBundle, IsNotAskedForWithoutAPolicy)
{
    World bare;
    bare.system_bundle = world.dir / "missing.pem";
    bare.server(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(bare.findings()), "");
    EXPECT_EQ(notes(bare.findings()), "");
}

TEST(PrivatePki, IsOneNoteForAllItsChains)
{
    World world;
    world.policies({good_policy(), [] {
                        PolicyText other = good_policy();
                        other.name = "other";
                        other.pins[0] = written(pki().other_key.pin());
                        return other;
                    }()});
    world.pinned(44, {"www.example.com"}, {pki().www_chain});
    EXPECT_NE(only(world.findings(), FindingId::private_pki).what.find("the chain of www.example.com leads to no root"),
              std::string::npos);
    world.pinned(12, {"www.example.com"}, {pki().www_chain_with_root}, "www", 8443);
    EXPECT_NE(
        only(world.findings(), FindingId::private_pki).what.find("the chain of www.example.com (and 1 more) leads"),
        std::string::npos);
    world.pinned(30, {"shop.example.com", "www.example.com"}, {pki().other_chain}, "other", 9443);
    world.pinned(50, {"example.com"}, {pki().www_chain});
    const auto findings = world.findings();
    EXPECT_EQ(notes(findings), "private-pki");
    const Finding& note = only(findings, FindingId::private_pki);
    EXPECT_EQ(note.severity, Severity::note);
    EXPECT_FALSE(note.place.has_value());
    EXPECT_EQ(lines_of(note), (Lines{12, 30, 44, 50}));
    EXPECT_NE(note.what.find("the chain of www.example.com (and 2 more) leads to no root of " + unrelated_bundle()),
              std::string::npos)
        << note.what;
}

TEST(PrivatePki, IsSaidOfThoseThatAreOnly)
{
    World world;
    world.system_bundle = world.dir.write("system.pem", pem(pki().root));
    PolicyText policy = good_policy();
    policy.pins.push_back(written(pki().other_key.pin()));
    world.policies({policy});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {pki().other_chain});
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "");
    EXPECT_EQ(lines_of(only(findings, FindingId::private_pki)), Lines{30});
    EXPECT_NE(only(findings, FindingId::private_pki).what.find("the chain of stranger leads"), std::string::npos);
}

TEST(PrivatePki, IsNoneByPathsThatFail)
{
    CertOptions options = authority();
    options.extended_key_usage = "clientAuth";
    World world;
    world.system_bundle = world.dir.write("system.pem", pem(pki().root));
    world.policies({good_policy()});
    world.pinned(12, {"www.example.com"},
                 {chain({pki().www, certify(pki().intermediate_key, pki().root_key, options)})});
    const auto findings = world.findings();
    EXPECT_EQ(notes(findings), "");
    EXPECT_EQ(ids(findings), "no-pin-in-chain");
    const std::string text = text_of(only(findings, FindingId::no_pin_in_chain));
    EXPECT_NE(text.find("has no valid path to a root of the system's bundle: policy \"www\" matches nothing there"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("(the system's bundle): Intermediate A: unsuitable certificate purpose"), std::string::npos)
        << text;
}

TEST(PrivatePki, IsJudgedByItsOwnPath)
{
    // An expired leaf and a pin of the root that is sent.
    PolicyText policy = good_policy();
    policy.pins[0] = written(pki().root_key.pin());
    EXPECT_EQ(ids(judge_one(policy, chain({expired_chain().sent[0], pki().intermediate, pki().root}))),
              "chain-expired root-only-pin");
}

}  // namespace
