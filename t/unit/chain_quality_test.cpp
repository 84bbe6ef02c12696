#include "test_site.hpp"

#include "duration.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

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

TEST(OffPathPin, AnIssuerOfNobodyIsAWarning)
{
    const auto findings = judge_one(pinned({pki().www_key.pin(), pki().other_intermediate_key.pin()}),
                                    chain({pki().www, pki().intermediate, pki().other_intermediate}));
    EXPECT_EQ(ids(findings), "off-path-pin");
    const Finding& finding = only(findings, FindingId::off_path_pin);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.place->line, 3U);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_NE(finding.what.find("Intermediate B"), std::string::npos) << finding.what;
    EXPECT_NE(finding.what.find(pki().other_intermediate_key.pin().base64()), std::string::npos) << finding.what;
}

TEST(OffPathPin, ASuperfluousCertificateThatNobodyPinsIsFine)
{
    EXPECT_EQ(
        ids(judge_one(pinned({pki().www_key.pin()}), chain({pki().www, pki().intermediate, pki().other_intermediate}))),
        "");
}

TEST(OffPathPin, AKeyThatIsOnAPathToo)
{
    // The same key under another name: superfluous there, on the path here.
    const Certificate renamed = ca(Entity("Intermediate A, renamed", pki().intermediate_key), pki().root_key);
    EXPECT_EQ(ids(judge_one(pinned({pki().intermediate_key.pin()}), chain({pki().www, pki().intermediate, renamed}))),
              "");
}

TEST(OffPathPin, AnotherLeafIsOffThePath)
{
    EXPECT_TRUE(has(judge_one(pinned({pki().www_key.pin(), pki().other_key.pin()}),
                              chain({pki().www, pki().intermediate, pki().other})),
                    FindingId::off_path_pin));
}

TEST(OffPathPin, WhereAnotherPathIsInDoubtToo)
{
    // What is in doubt leads to root A by the intermediate; the certificate that is pinned leads to nothing.
    CertOptions options = authority();
    options.key_identifiers = true;
    const Certificate root = certify(pki().root_key, pki().root_key, options);
    options.authority = &pki().backup_3;
    const Certificate odd = certify(pki().intermediate_key, pki().root_key, options);
    const Certificate nowhere = ca(Entity("Intermediate of nobody"), pki().other_root_key);
    PolicyText policy = good_policy();
    policy.pins.push_back(written(*nowhere.pin()));
    EXPECT_EQ(ids(judge_for({{"a", {root}}, {"b", {pki().other_root}}}, policy,
                            chain({pki().www, odd, ca(pki().intermediate_key, pki().other_root_key), nowhere}))),
              "off-path-pin");
}

TEST(RootOnlyPin, TheRootAloneIsAWarning)
{
    const auto findings = judge_one(pinned({pki().root_key.pin()}), pki().www_chain_with_root);
    EXPECT_EQ(ids(findings), "root-only-pin");
    const Finding& finding = only(findings, FindingId::root_only_pin);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.place->line, 3U);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_NE(finding.what.find("matches the chain"), std::string::npos) << finding.what;
    EXPECT_NE(finding.what.find(" clients that anchor below the root will"), std::string::npos) << finding.what;
    EXPECT_FALSE(finding.details.empty());
}

TEST(RootOnlyPin, ARootRightAboveTheLeafIsARoot)
{
    const Chain two = chain({leaf(pki().www_key, pki().root_key), pki().root});
    EXPECT_EQ(ids(judge_one(pinned({pki().root_key.pin()}), two)), "root-only-pin");
}

TEST(RootOnlyPin, TheRootAndTheLeafOrAnIntermediateAreFine)
{
    EXPECT_EQ(ids(judge_one(pinned({pki().root_key.pin(), pki().www_key.pin()}), pki().www_chain_with_root)), "");
    EXPECT_EQ(ids(judge_one(pinned({pki().root_key.pin(), pki().intermediate_key.pin()}), pki().www_chain_with_root)),
              "");
}

TEST(RootOnlyPin, TheLastIntermediateSentIsNoRoot)
{
    EXPECT_EQ(ids(judge_one(pinned({pki().intermediate_key.pin()}), pki().www_chain)), "");
}

TEST(RootOnlyPin, ASelfSignedLeafIsNoRoot)
{
    const Entity self("www.example.com");
    EXPECT_EQ(ids(judge_one(pinned({self.pin()}), chain({leaf(self, self)}))), "");
}

TEST(RootOnlyPin, OnePathOfTwoIsEnough)
{
    const Chain crossed = chain({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key),
                                 pki().root, pki().other_root});
    const auto findings = judge_one(pinned({pki().root_key.pin(), pki().other_root_key.pin()}), crossed);
    EXPECT_EQ(ids(findings), "root-only-pin");
    const Finding& finding = only(findings, FindingId::root_only_pin);
    EXPECT_NE(finding.what.find("matches the chain"), std::string::npos) << "each of them: " << finding.what;
    const auto one = judge_one(pinned({pki().root_key.pin()}), crossed);
    EXPECT_NE(only(one, FindingId::root_only_pin).what.find("matches a path of the chain"), std::string::npos);
    EXPECT_EQ(ids(one), "path-without-pin root-only-pin");
}

TEST(RootOnlyPin, AnUnpinnedRootIsFine)
{
    EXPECT_EQ(ids(judge_one(pinned({pki().www_key.pin()}), pki().www_chain_with_root)), "");
}

/// The findings of a leaf that expires at `not_after` under a max-age of a day.
Findings expiring(std::time_t not_after, std::vector<Pin> pins = {pki().www_key.pin()},
                  std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    return judge_one(pinned(std::move(pins), std::move(modes)),
                     chain({leaf_until(pki().www_key, pki().intermediate_key, not_after), pki().intermediate}));
}

TEST(LeafExpiresFirst, OneSecondTooEarlyIsAWarning)
{
    const auto findings = expiring(kNow + kDay - 1);
    EXPECT_EQ(ids(findings), "leaf-expires-first");
    const Finding& finding = only(findings, FindingId::leaf_expires_first);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.place->line, 3U);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_NE(finding.what.find(time_text(kNow + kDay - 1)), std::string::npos) << finding.what;
}

TEST(LeafExpiresFirst, ExactlyAtTheEndOfMaxAgeIsFine)
{
    EXPECT_EQ(ids(expiring(kNow + kDay)), "");
    EXPECT_EQ(ids(expiring(kNow + kDay + 1)), "");
}

TEST(LeafExpiresFirst, AnotherPinOnThePathOutlivesIt)
{
    EXPECT_EQ(ids(expiring(kNow + 60, {pki().www_key.pin(), pki().intermediate_key.pin()})), "");
}

TEST(LeafExpiresFirst, OnePinAboveTheLeafIsEnough)
{
    const Chain three =
        chain({leaf_until(pki().www_key, pki().intermediate_key, kNow + 60), pki().intermediate, pki().root});
    EXPECT_EQ(ids(judge_one(pinned({pki().www_key.pin(), pki().intermediate_key.pin()}), three)), "");
    EXPECT_EQ(ids(judge_one(pinned({pki().www_key.pin()}), three)), "leaf-expires-first");
}

TEST(LeafExpiresFirst, AMatchByAnIssuerAloneIsFine)
{
    EXPECT_EQ(ids(expiring(kNow + 60, {pki().intermediate_key.pin()})), "");
}

TEST(LeafExpiresFirst, ALeafThatIsNotPinnedIsAnotherFinding)
{
    EXPECT_EQ(ids(expiring(kNow + 60, {pki().backup_3.pin()})), "no-pin-in-chain");
}

TEST(LeafExpiresFirst, OnlyEnforcedPinsAreRemembered)
{
    EXPECT_EQ(ids(expiring(kNow + 60, {pki().www_key.pin()}, {"guard: {}"})), "");
    EXPECT_EQ(ids(expiring(kNow + 60, {pki().www_key.pin()},
                           {"report-only: {report-uri: \"https://reports.example.net/\"}"})),
              "");
    EXPECT_EQ(ids(expiring(kNow + 60, {pki().www_key.pin()}, {"enforce: {max-age: 10}"})), "");
}

TEST(LeafExpiresFirst, ReportOnlyPinsBesideAnEnforcedPolicyAreNotRemembered)
{
    PolicyText policy = pinned({pki().intermediate_key.pin()});
    policy.modes.push_back("report-only: {report-uri: \"https://reports.example.net/\", pins: ["
                           + written(pki().www_key.pin()) + ", " + written(pki().backup_1.pin()) + ", "
                           + written(pki().backup_2.pin()) + "]}");
    EXPECT_EQ(ids(judge_one(policy,
                            chain({leaf_until(pki().www_key, pki().intermediate_key, kNow + 60), pki().intermediate}))),
              "");
}

TEST(LeafExpiresFirst, OnePathOfTwoIsEnough)
{
    // Root A is pinned, root B is not: by the path to B only the leaf matches.
    const Chain crossed = chain({leaf_until(pki().www_key, pki().intermediate_key, kNow + 60), pki().intermediate,
                                 ca(pki().intermediate_key, pki().other_root_key), pki().root, pki().other_root});
    EXPECT_EQ(ids(judge_one(pinned({pki().www_key.pin(), pki().root_key.pin()}), crossed)), "leaf-expires-first");
}

}  // namespace
