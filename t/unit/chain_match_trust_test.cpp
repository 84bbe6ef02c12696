// Pins held against the paths to the roots of stores, by every check that asks for them.
#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Lines = std::vector<unsigned>;

const Stores kA = {{"a", {pki().root}}};
const Stores kB = {{"b", {pki().other_root}}};
const Stores kAB = {{"a", {pki().root}}, {"b", {pki().other_root}}};

PolicyText policy_of(std::vector<Pin> pins, std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    PolicyText policy;
    for (const Pin& pin : pins) {
        policy.pins.push_back(written(pin));
    }
    policy.modes = std::move(modes);
    return policy;
}

/// Two backups beside these pins.
PolicyText pinned(std::vector<Pin> pins, std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    pins.push_back(pki().backup_1.pin());
    pins.push_back(pki().backup_2.pin());
    return policy_of(std::move(pins), std::move(modes));
}

/// The intermediate cross-signed by B: a path to each root, neither of which is sent.
Chain crossed()
{
    static const Certificate cross = ca(pki().intermediate_key, pki().other_root_key);
    return chain({pki().www, pki().intermediate, cross});
}

TEST(MatchToRoots, ARootOfAStoreThatIsNotSentMatches)
{
    const auto findings = judge_for(kA, pinned({pki().root_key.pin()}), pki().www_chain);
    EXPECT_EQ(ids(findings), "root-only-pin");
    const Finding& finding = only(findings, FindingId::root_only_pin);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), Lines{12});
    const std::string text = text_of(finding);
    EXPECT_NE(text.find(" clients that look at the sent certificates, or anchor"), std::string::npos) << text;
    EXPECT_NE(text.find("the path, to a root in a:"), std::string::npos) << text;
    EXPECT_NE(text.find("Root A           pin-sha256=\"" + pki().root_key.pin().base64() + "\"  <- pinned"),
              std::string::npos)
        << text;
}

TEST(MatchToRoots, ARootOfTheSystemsBundleToo)
{
    World world;
    world.system_bundle = world.dir.write("system.pem", pem(pki().root));
    world.policies({pinned({pki().root_key.pin()})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "root-only-pin");
    world.system_bundle = unrelated_bundle();
    EXPECT_EQ(ids(world.findings()), "no-pin-in-chain") << "a private PKI's root is proved only where it is sent";
}

TEST(MatchToRoots, TheRootAndAnotherPinOnThePathAreFine)
{
    EXPECT_EQ(ids(judge_for(kA, pinned({pki().root_key.pin(), pki().intermediate_key.pin()}), pki().www_chain)), "");
}

TEST(MatchToRoots, NoPinInChainDrawsThePaths)
{
    const auto findings = judge_for(kAB, pinned({pki().backup_3.pin()}), crossed());
    EXPECT_EQ(ids(findings), "no-pin-in-chain");
    const std::string text = text_of(only(findings, FindingId::no_pin_in_chain));
    EXPECT_NE(text.find("path 1 of 2, to a root in "), std::string::npos) << text;
    EXPECT_NE(text.find(pki().root_key.pin().base64()), std::string::npos) << text;
    EXPECT_NE(text.find(pki().other_root_key.pin().base64()), std::string::npos) << text;
}

TEST(MatchToRoots, APathToTheOtherStoreWithoutPinIsAnError)
{
    const auto findings = judge_for(kAB, pinned({pki().root_key.pin()}), crossed());
    EXPECT_EQ(ids(findings), "path-without-pin root-only-pin");
    const Finding& finding = only(findings, FindingId::path_without_pin);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(lines_of(finding), Lines{12});
    EXPECT_NE(finding.what.find("pins only 1 of the 2 paths"), std::string::npos) << finding.what;
    EXPECT_EQ(ids(judge_for(kA, pinned({pki().root_key.pin()}), crossed())), "root-only-pin")
        << "without that store nobody builds it";
    EXPECT_EQ(ids(judge_for(kAB, pinned({pki().root_key.pin(), pki().other_root_key.pin()}), crossed())),
              "root-only-pin");
}

TEST(MatchToRoots, WithinOneStoreToo)
{
    EXPECT_EQ(ids(judge_for({{"ab", {pki().other_root, pki().root}}}, pinned({pki().root_key.pin()}), crossed())),
              "path-without-pin root-only-pin");
}

TEST(MatchToRoots, PathsWithTheSameKeysAreOne)
{
    const Certificate renewed = ca(pki().root_key, pki().root_key);
    const Stores stores = {{"a", {pki().root, renewed}}, {"b", {pki().other_root}}};
    EXPECT_NE(only(judge_for(stores, pinned({pki().root_key.pin()}), crossed()), FindingId::path_without_pin)
                  .what.find("1 of the 2 paths"),
              std::string::npos);
}

TEST(MatchToRoots, APathThatNoClientTakesNeedNotMatch)
{
    CertOptions options = authority();
    options.name_constraints = "critical,permitted;DNS:example.org";
    const Chain sent =
        chain({pki().www, pki().intermediate, certify(pki().intermediate_key, pki().other_root_key, options)});
    EXPECT_EQ(ids(judge_for(kAB, pinned({pki().root_key.pin(), pki().intermediate_key.pin()}), sent)), "");
    EXPECT_EQ(ids(judge_for(kAB, pinned({pki().other_root_key.pin()}), sent)), "no-pin-in-chain")
        << "and matches nothing";
}

TEST(MatchToRoots, NoBackupPinGoesByPath)
{
    // By the path to A, root B is a backup; by the path to B there is none.
    const auto findings =
        judge_for(kAB, policy_of({pki().intermediate_key.pin(), pki().other_root_key.pin()}), crossed());
    EXPECT_EQ(ids(findings), "no-backup-pin single-backup");
    const Finding& finding = only(findings, FindingId::no_backup_pin);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(lines_of(finding), Lines{12});
    // Each root is the other path's backup. None of them is one to keep, as single-backup says.
    EXPECT_EQ(ids(judge_for(kAB, policy_of({pki().root_key.pin(), pki().other_root_key.pin()}), crossed())),
              "root-only-pin single-backup");
    EXPECT_EQ(ids(judge_for(kA, policy_of({pki().intermediate_key.pin(), pki().root_key.pin()}), pki().www_chain)),
              "no-backup-pin single-backup")
        << "the root is on the path, sent or not";
    EXPECT_EQ(ids(judge_for(kA, policy_of({pki().intermediate_key.pin(), pki().other_root_key.pin()}), crossed())),
              "single-backup")
        << "without store b, root B is one";
}

TEST(MatchToRoots, APinOfACertificateOnARejectedPathOnlyIsOffThePath)
{
    CertOptions options = authority();
    options.not_after = kNow - 1;
    const Entity middle("Middle");
    const Chain sent = chain({pki().www, pki().intermediate, ca(pki().intermediate_key, middle),
                              certify(middle, pki().other_root_key, options)});
    const auto findings = judge_for(kAB, pinned({pki().www_key.pin(), middle.pin()}), sent);
    EXPECT_EQ(ids(findings), "off-path-pin");
    const Finding& finding = only(findings, FindingId::off_path_pin);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_NE(finding.what.find("matches only Middle"), std::string::npos) << finding.what;
    const std::string text = text_of(finding);
    EXPECT_NE(text.find("www.example.com > Intermediate A > Middle > Root B (b): Middle: certificate has expired"),
              std::string::npos)
        << text;
    // Both the middle and its cross-sign lie beside the path; the one below it has a key that is on the path.
    EXPECT_EQ(ids(judge_for(kAB, pinned({pki().intermediate_key.pin()}), sent)), "");
}

TEST(MatchToRoots, ARootThatIsSentAndNotTrustedIsOffThePath)
{
    EXPECT_EQ(ids(judge_for(kA, pinned({pki().www_key.pin(), pki().other_root_key.pin()}),
                            chain({pki().www, pki().intermediate, pki().other_root}))),
              "off-path-pin");
    EXPECT_EQ(ids(judge_for(kA, pinned({pki().www_key.pin(), pki().root_key.pin()}), pki().www_chain_with_root)), "");
}

TEST(MatchToRoots, LeafExpiresFirstGoesByPath)
{
    const Chain sent = chain(
        {leaf_until(pki().www_key, pki().intermediate_key, kNow + 60), pki().intermediate, crossed().sent.back()});
    const auto policy = pinned({pki().www_key.pin(), pki().root_key.pin()});
    EXPECT_EQ(ids(judge_for(kA, policy, sent)), "") << "root A is pinned too";
    EXPECT_EQ(ids(judge_for(kAB, policy, sent)), "leaf-expires-first") << "root B is not";
}

TEST(MatchToRoots, ClientsOfSentAndLeafLookAtWhatIsSent)
{
    const std::string enforce = "enforce: {max-age: 1d}";
    const auto by_root = [&](const std::string& clients, const Chain& sent) {
        return ids(judge_for(kA, pinned({pki().root_key.pin()}, {enforce, clients}), sent));
    };
    EXPECT_EQ(by_root("clients: [chain, sent]", pki().www_chain), "root-only-pin sent-without-pin");
    EXPECT_EQ(by_root("clients: [chain, sent]", pki().www_chain_with_root), "root-only-pin");
    EXPECT_EQ(by_root("clients: [leaf]", pki().www_chain), "leaf-without-pin root-only-pin");
    // For them the paths do not matter: one that is not pinned is nobody's lock-out.
    EXPECT_EQ(ids(judge_for(kAB, pinned({pki().www_key.pin()}, {enforce, "clients: [leaf]"}), crossed())), "");
    EXPECT_EQ(ids(judge_for(kB, pinned({pki().other_key.pin()}, {enforce, "clients: [sent]"}),
                            chain({pki().www, pki().intermediate, crossed().sent.back(), pki().other}))),
              "off-path-pin")
        << "they take a superfluous certificate";
}

TEST(MatchToRoots, FilesWithStoresOfTheirOwnJudgeTheSameChain)
{
    // The header's policy for browsers with A, the app's guard for devices with B; a third names no store.
    World world;
    world.policies({pinned({pki().root_key.pin(), pki().www_key.pin()})}, world.bundles(kA));
    PolicyText app = pinned({pki().root_key.pin()}, {"guard: {}"});
    app.name = "app";
    const std::string app_file = world.dir.write("app.yaml", policy_file({app}, world.bundles(kB)));
    PolicyText plain = pinned({pki().intermediate_key.pin()}, {"guard: {}"});
    plain.name = "plain";
    const std::string plain_file = world.dir.write("plain.yaml", policy_file({plain}));
    ServerBlock& block = world.pinned(12, {"www.example.com"}, {crossed()});
    block.policies.push_back({app_file, "app", true});
    block.policies.push_back({plain_file, "plain", true});

    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "no-pin-in-chain");
    EXPECT_EQ(notes(findings), "private-pki");
    const Finding& finding = only(findings, FindingId::no_pin_in_chain);
    EXPECT_EQ(finding.place->file, app_file);
    const std::string text = text_of(finding);
    EXPECT_NE(text.find("the path, to a root in b:"), std::string::npos) << text;
    EXPECT_EQ(text.find("Root A"), std::string::npos) << text;
}

TEST(MatchToRoots, OneStoreUnderTwoNamesIsOneRoot)
{
    World world;
    const std::string bundle = world.bundles(kA).at("a");
    world.policies({pinned({pki().root_key.pin()})}, {{"one", bundle}, {"two", bundle}});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_NE(text_of(only(world.findings(), FindingId::root_only_pin)).find("the path, to a root in one, two:"),
              std::string::npos);
}

TEST(MatchToRoots, AHashedDirectoryBesideThePolicy)
{
    World world;
    world.dir.write("stores/hashed/01234567.0", pem(pki().root));
    world.policies({pinned({pki().root_key.pin()})}, {{"android", "stores/hashed"}});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "root-only-pin") << "a relative path is the policy file's";
}

TEST(ScopeToRoots, IsJudgedWithThePolicysStores)
{
    // Another port of the host, which has no policy; its chain leads to root A, which is pinned and not sent.
    const Entity second("www.example.com");
    const Chain other_leaf =
        chain({leaf(second, pki().intermediate_key, {"www.example.com", "example.com"}), pki().intermediate});
    const auto conflicts = [&](const Stores& stores, const Chain& other) {
        World world;
        world.policies({pinned({pki().root_key.pin(), pki().www_key.pin()})}, world.bundles(stores));
        world.pinned(12, {"www.example.com"}, {pki().www_chain});
        world.server(30, {"www.example.com"}, {other}, 8443);
        const auto findings = world.findings();
        for (const Finding& finding : findings) {
            if (finding.id == FindingId::scope_conflict) {
                EXPECT_EQ(lines_of(finding), Lines{30});
                const bool no_path = finding.what.find("has no path that they accept") != std::string::npos;
                EXPECT_EQ(no_path, &other == &pki().other_chain) << finding.what;
            }
        }
        return ids(findings);
    };
    EXPECT_EQ(conflicts(kA, other_leaf), "");
    EXPECT_EQ(conflicts({}, other_leaf), "scope-conflict") << "among the certificates sent there is none";
    EXPECT_EQ(conflicts(kA, pki().other_chain), "scope-conflict") << "it leads to no root of a";
    EXPECT_EQ(conflicts(kAB, chain({other_leaf.sent[0], pki().intermediate, crossed().sent.back()})), "scope-conflict")
        << "the path to B is not pinned";
    EXPECT_EQ(conflicts(kA, chain({other_leaf.sent[0], pki().intermediate, crossed().sent.back()})), "");
}

TEST(ScopeToRoots, DrawsThePathThatDoesNotMatch)
{
    World world;
    world.policies({pinned({pki().www_key.pin()})}, world.bundles(kAB));
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"www.example.com"}, {pki().other_chain}, 8443);
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "scope-conflict");
    const Finding& finding = only(findings, FindingId::scope_conflict);
    EXPECT_EQ(finding.severity, Severity::error);
    const std::string text = text_of(finding);
    EXPECT_NE(text.find("matches none of its pins on some path"), std::string::npos) << text;
    EXPECT_NE(text.find("the path, to a root in b:"), std::string::npos) << text;
    EXPECT_NE(text.find(pki().other_root_key.pin().base64()), std::string::npos) << text;
}

TEST(ScopeToRoots, AForeignChainMayBeAPrivatePkis)
{
    // The policy reaches a server without one, whose chain leads to no root of the system's bundle.
    World world;
    world.system_bundle = world.dir.write("system.pem", pem(pki().root));
    world.policies({pinned({pki().www_key.pin(), pki().other_intermediate_key.pin()})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"www.example.com"}, {pki().other_chain}, 8443);
    EXPECT_EQ(ids(world.findings()), "");
}

}  // namespace
