// checks/trust.cpp: dates and doubts. What else a chain's paths stand on: trust_test.cpp, trust_limits_test.cpp.
#include "test_site.hpp"

#include "duration.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Lines = std::vector<unsigned>;

/// Two backups beside these pins.
PolicyText pinned(std::vector<Pin> pins, std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    pins.push_back(pki().backup_1.pin());
    pins.push_back(pki().backup_2.pin());
    PolicyText policy;
    for (const Pin& pin : pins) {
        policy.pins.push_back(written(pin));
    }
    policy.modes = std::move(modes);
    return policy;
}

/// The findings of a leaf that expires at `not_after`, whose issuer is pinned.
Findings expiring(std::time_t not_after)
{
    return judge_one(pinned({pki().intermediate_key.pin()}),
                     chain({leaf_until(pki().www_key, pki().intermediate_key, not_after), pki().intermediate}));
}

TEST(ChainExpired, AnExpiredLeafIsAWarningAndIsJudgedAllTheSame)
{
    PolicyText policy = pinned({pki().intermediate_key.pin()});
    const auto findings =
        judge_one(policy, chain({leaf_until(pki().www_key, pki().intermediate_key, kNow - 1), pki().intermediate}));
    EXPECT_EQ(ids(findings), "chain-expired");
    const Finding& finding = only(findings, FindingId::chain_expired);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_NE(finding.what.find("expired"), std::string::npos) << finding.what;
    EXPECT_NE(finding.what.find(time_text(kNow - 1)), std::string::npos) << finding.what;
    EXPECT_NE(finding.remedy.find("renew it"), std::string::npos) << finding.remedy;
}

TEST(ChainExpired, TheLastSecondIsOver)
{
    const auto findings = expiring(kNow);
    EXPECT_NE(only(findings, FindingId::chain_expired).what.find("expired on"), std::string::npos);
    EXPECT_EQ(ids(expiring(kNow + 1)), "");
}

TEST(ChainExpired, AnExpiredLeafStillHasToMatch)
{
    EXPECT_TRUE(has(judge_one(pinned({pki().backup_3.pin()}),
                              chain({leaf_until(pki().www_key, pki().intermediate_key, kNow - 1), pki().intermediate})),
                    FindingId::no_pin_in_chain));
}

TEST(ChainExpired, AValidChainIsFine)
{
    EXPECT_EQ(ids(expiring(kNow + 2)), "");
}

TEST(ChainExpired, ALeafOfTheFutureIsToldApart)
{
    CertOptions options;
    options.names = {"www.example.com"};
    options.not_before = kNow + 60;
    const auto findings =
        judge_one(pinned({pki().www_key.pin()}),
                  chain({certify(pki().www_key, pki().intermediate_key, options), pki().intermediate}));
    EXPECT_EQ(ids(findings), "chain-expired");
    const Finding& finding = only(findings, FindingId::chain_expired);
    EXPECT_NE(finding.what.find("not valid yet"), std::string::npos) << finding.what;
    EXPECT_EQ(finding.remedy, "set the clock, or wait");
}

TEST(ChainExpired, AnExpiredIntermediateIsAWarning)
{
    CertOptions options;
    options.ca = true;
    options.not_after = kNow - 1;
    const auto findings = judge_one(pinned({pki().www_key.pin()}),
                                    chain({pki().www, certify(pki().intermediate_key, pki().root_key, options)}));
    EXPECT_EQ(ids(findings), "chain-expired");
    EXPECT_NE(only(findings, FindingId::chain_expired).what.find("Intermediate A in"), std::string::npos);
}

TEST(ChainExpired, ARootsOwnDatesAskNothing)
{
    CertOptions options;
    options.ca = true;
    options.not_after = kNow - 1;
    EXPECT_EQ(ids(judge_one(pinned({pki().www_key.pin()}),
                            chain({pki().www, pki().intermediate, certify(pki().root_key, pki().root_key, options)}))),
              "");
}

TEST(ChainExpired, ASelfSignedLeafIsNoRoot)
{
    const Entity self("www.example.com");
    EXPECT_EQ(ids(judge_one(pinned({self.pin()}, {"guard: {}"}), chain({leaf_until(self, self, kNow - 1)}))),
              "chain-expired");
}

TEST(ChainExpired, OneValidPathIsEnough)
{
    CertOptions options;
    options.ca = true;
    options.not_after = kNow - 1;
    const Certificate expired_cross = certify(pki().intermediate_key, pki().other_root_key, options);
    EXPECT_EQ(ids(judge_one(pinned({pki().www_key.pin()}),
                            chain({pki().www, expired_cross, pki().intermediate, pki().root, pki().other_root}))),
              "");
}

TEST(ChainExpired, IsSaidOnceForAServerUnderTwoPolicies)
{
    PolicyText app = pinned({pki().intermediate_key.pin()}, {"guard: {}"});
    app.name = "app";
    World world;
    world.policies({pinned({pki().intermediate_key.pin()}), app});
    ServerBlock& block =
        world.pinned(12, {"www.example.com"},
                     {chain({leaf_until(pki().www_key, pki().intermediate_key, kNow - 1), pki().intermediate})});
    block.policies.push_back(world.ref("app"));
    EXPECT_EQ(lines_of(only(world.findings(), FindingId::chain_expired)), std::vector<unsigned>{12});
}

const Stores kA = {{"a", {pki().root}}};
const Stores kAB = {{"a", {pki().root}}, {"b", {pki().other_root}}};

/// The usual leaf and intermediate to a root A with these options.
Findings under_root(const CertOptions& options)
{
    return judge_for({{"a", {certify(pki().root_key, pki().root_key, options)}}}, pinned({pki().www_key.pin()}),
                     pki().www_chain);
}

CertOptions to_come()
{
    CertOptions options = authority();
    options.not_before = kNow + 1;
    return options;
}

TEST(ChainExpired, OfAPathToARoot)
{
    const Chain expired = chain({leaf_until(pki().www_key, pki().intermediate_key, kNow - 1), pki().intermediate});
    const auto findings = judge_for(kA, pinned({pki().intermediate_key.pin()}), expired);
    EXPECT_EQ(ids(findings), "chain-expired");
    EXPECT_EQ(notes(findings), "");
    const Finding& finding = only(findings, FindingId::chain_expired);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), Lines{12});
    EXPECT_NE(finding.what.find("expired on " + time_text(kNow - 1)), std::string::npos) << finding.what;
    EXPECT_EQ(ids(judge_for(kA, pinned({pki().backup_3.pin()}), expired)), "chain-expired no-pin-in-chain")
        << "it still has to match";
}

TEST(ChainExpired, EveryPathOfAnExpiredLeafHasToMatch)
{
    const Chain expired = chain({leaf_until(pki().www_key, pki().intermediate_key, kNow - 1), pki().intermediate,
                                 ca(pki().intermediate_key, pki().other_root_key)});
    EXPECT_EQ(ids(judge_for(kAB, pinned({pki().root_key.pin()}), expired)),
              "chain-expired path-without-pin root-only-pin");
    EXPECT_EQ(ids(judge_for(kAB, pinned({pki().intermediate_key.pin()}), expired)), "chain-expired");
}

TEST(ChainExpired, OneValidPathToARootIsEnough)
{
    const Certificate expired = certify(pki().intermediate_key, pki().other_root_key, authority_until(kNow - 1));
    const auto policy = pinned({pki().www_key.pin()});
    EXPECT_EQ(ids(judge_for(kAB, policy, chain({pki().www, expired, pki().intermediate}))), "");
    EXPECT_EQ(ids(judge_for(kAB, policy, chain({pki().www, expired}))), "chain-expired");
}

TEST(ChainExpired, APathThatDoesNotCountNeedNotMatch)
{
    // Root A is pinned; the way to B is over.
    const Certificate expired = certify(pki().intermediate_key, pki().other_root_key, authority_until(kNow - 1));
    EXPECT_EQ(ids(judge_for(kAB, pinned({pki().root_key.pin(), pki().intermediate_key.pin()}),
                            chain({pki().www, expired, pki().intermediate}))),
              "");
}

TEST(ChainExpired, ARootToCome)
{
    const auto findings = under_root(to_come());
    EXPECT_EQ(ids(findings), "chain-expired");
    EXPECT_EQ(notes(findings), "");
    EXPECT_NE(
        only(findings, FindingId::chain_expired).what.find("Root A in the chain of www.example.com is not valid yet"),
        std::string::npos);
}

TEST(AnchorExpired, IsANote)
{
    const auto findings = under_root(authority_until(kNow - 1));
    EXPECT_EQ(ids(findings), "");
    EXPECT_EQ(notes(findings), "anchor-expired");
    const Finding& note = only(findings, FindingId::anchor_expired);
    EXPECT_EQ(note.severity, Severity::note);
    EXPECT_FALSE(note.place.has_value());
    EXPECT_EQ(lines_of(note), Lines{12});
    EXPECT_NE(note.what.find("the root Root A, to which the chain of www.example.com has a path, expired on "
                             + time_text(kNow - 1)),
              std::string::npos)
        << note.what;
}

TEST(AnchorExpired, ItsLastSecondIsOver)
{
    EXPECT_EQ(notes(under_root(authority_until(kNow))), "anchor-expired");
    EXPECT_EQ(notes(under_root(authority_until(kNow + 1))), "");
}

TEST(AnchorExpired, ItsPathsCount)
{
    const Stores stores = {{"a", {pki().root}},
                           {"old", {certify(pki().other_root_key, pki().other_root_key, authority_until(kNow - 1))}}};
    const Chain crossed = chain({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key)});
    const auto findings = judge_for(stores, pinned({pki().root_key.pin()}), crossed);
    EXPECT_EQ(ids(findings), "path-without-pin root-only-pin");
    EXPECT_EQ(notes(findings), "anchor-expired");
}

TEST(AnchorExpired, IsOneNoteForARootOfManyChains)
{
    const auto expired = [](const Entity& root) {
        return certify(root, root, authority_until(kNow - 1));
    };
    World world;
    PolicyText policy = pinned({pki().www_key.pin(), pki().other_key.pin()});
    world.policies({policy}, world.bundles({{"a", {expired(pki().root_key)}}, {"b", {expired(pki().other_root_key)}}}));
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {pki().www_chain_with_root});
    world.pinned(44, {"www.example.com"}, {pki().other_chain}, "www", 8443);
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "");
    EXPECT_EQ(notes(findings), "anchor-expired anchor-expired");
    EXPECT_EQ(lines_of(findings[0]), (Lines{12, 30}));
    EXPECT_NE(findings[0].what.find("Root A"), std::string::npos);
    EXPECT_EQ(lines_of(findings[1]), Lines{44});
    EXPECT_NE(findings[1].what.find("Root B"), std::string::npos);
}

TEST(AnchorExpired, NotTheRootOfAPrivatePki)
{
    const auto findings = judge_one(
        pinned({pki().www_key.pin()}),
        chain({pki().www, pki().intermediate, certify(pki().root_key, pki().root_key, authority_until(kNow - 1))}));
    EXPECT_EQ(ids(findings), "");
    EXPECT_EQ(notes(findings), "private-pki") << "nobody holds it but who made it";
}

TEST(AnchorExpired, NotASelfSignedLeaf)
{
    const Entity self("www.example.com");
    const Certificate expired = leaf_until(self, self, kNow - 1);
    const auto findings = judge_for({{"a", {expired}}}, pinned({self.pin()}, {"guard: {}"}), chain({expired}));
    EXPECT_EQ(ids(findings), "chain-expired");
    EXPECT_EQ(notes(findings), "");
}

/// A chain whose intermediate names another key than root A's as its authority's; and a cross-sign by B without fault.
struct InDoubt {
    InDoubt()
    {
        CertOptions options = authority();
        options.key_identifiers = true;
        root = {certify(pki().root_key, pki().root_key, options)};
        options.authority = &pki().backup_3;
        odd = {certify(pki().intermediate_key, pki().root_key, options)};
    }
    Findings judged(const PolicyText& policy) const
    {
        return judge_for({{"a", root}, {"b", {pki().other_root}}}, policy,
                         chain({pki().www, odd[0], ca(pki().intermediate_key, pki().other_root_key)}));
    }
    std::vector<Certificate> root, odd;
};

TEST(PathInDoubt, OfKeyIdentifiersAloneIsAWarningWhereItIsNotPinned)
{
    const auto findings = InDoubt().judged(pinned({pki().other_root_key.pin()}));
    EXPECT_EQ(ids(findings), "path-in-doubt root-only-pin");
    const Finding& finding = only(findings, FindingId::path_in_doubt);
    EXPECT_EQ(finding.severity, Severity::warning);
    ASSERT_TRUE(finding.place.has_value());
    EXPECT_EQ(finding.place->line, 3U);
    EXPECT_EQ(lines_of(finding), Lines{12});
    EXPECT_NE(text_of(finding).find("www.example.com > Intermediate A > Root A (a): Root A: authority and subject key "
                                    "identifier mismatch"),
              std::string::npos)
        << text_of(finding);
}

TEST(PathInDoubt, APinOnThatPathIsEnough)
{
    EXPECT_EQ(ids(InDoubt().judged(pinned({pki().intermediate_key.pin()}))), "");
    EXPECT_EQ(ids(InDoubt().judged(pinned({pki().other_root_key.pin(), pki().root_key.pin()}))), "root-only-pin");
}

TEST(PathInDoubt, OfOneNameForTwoKeysToo)
{
    // A root's new key, signed with the old one, without identifiers: OpenSSL takes the one name for the other's.
    const Entity old_key("Root N"), new_key("Root N");
    const Chain sent =
        chain({pki().www, pki().intermediate, ca(pki().intermediate_key, new_key), ca(new_key, old_key)});
    const Stores stores = {{"a", {pki().root}}, {"old", {ca(old_key, old_key)}}};
    const auto findings = judge_for(stores, pinned({pki().root_key.pin()}), sent);
    EXPECT_EQ(ids(findings), "path-in-doubt root-only-pin");
    EXPECT_NE(text_of(only(findings, FindingId::path_in_doubt))
                  .find("www.example.com > Intermediate A > Root N > Root N (old): OpenSSL builds another chain"),
              std::string::npos);
    EXPECT_EQ(ids(judge_for(stores, pinned({pki().root_key.pin(), new_key.pin()}), sent)), "root-only-pin");
}

TEST(PathInDoubt, NotWhereNoClientTakesThePath)
{
    CertOptions may_not = authority();
    may_not.key_usage = "critical,digitalSignature";
    const Chain sent = chain({pki().www, certify(pki().intermediate_key, pki().root_key, may_not),
                              ca(pki().intermediate_key, pki().other_root_key)});
    EXPECT_EQ(ids(judge_for(kAB, pinned({pki().other_root_key.pin()}), sent)), "root-only-pin");
}

TEST(PathInDoubt, IsNoPathThatCounts)
{
    const InDoubt pki_in_doubt;
    const Chain sent = chain({pki().www, pki_in_doubt.odd[0]});
    EXPECT_EQ(ids(judge_for({{"a", pki_in_doubt.root}}, pinned({pki().www_key.pin()}), sent)), "untrusted-chain");
}

}  // namespace
