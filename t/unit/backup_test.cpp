#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

PolicyText policy_of(std::vector<std::string> pins, std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    PolicyText policy;
    policy.pins = std::move(pins);
    policy.modes = std::move(modes);
    return policy;
}

const std::string kAllowMismatch = "report-only: {report-uri: \"https://reports.example.net/\", allow-mismatch: true}";

std::string www()
{
    return written(pki().www_key.pin());
}
std::string intermediate()
{
    return written(pki().intermediate_key.pin());
}
std::string backup_1()
{
    return written(pki().backup_1.pin());
}
std::string backup_2()
{
    return written(pki().backup_2.pin());
}

TEST(NoBackupPin, EveryPinInTheChainIsAnError)
{
    const auto findings = judge_one(policy_of({www(), intermediate()}), pki().www_chain);
    const Finding& finding = only(findings, FindingId::no_backup_pin);
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(finding.place->line, 3U);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_FALSE(finding.details.empty());
}

TEST(NoBackupPin, OneBackupIsEnough)
{
    EXPECT_FALSE(has(judge_one(policy_of({www(), backup_1()}), pki().www_chain), FindingId::no_backup_pin));
}

TEST(NoBackupPin, ARetiredPinIsNoBackup)
{
    EXPECT_TRUE(has(judge_one(policy_of({www(), intermediate(), retired(pki().backup_1.pin())}), pki().www_chain),
                    FindingId::no_backup_pin));
}

TEST(NoBackupPin, ARetiredPinInTheChainIsNotCountedEither)
{
    EXPECT_FALSE(has(judge_one(policy_of({retired(pki().www_key.pin()), intermediate(), backup_1()}), pki().www_chain),
                     FindingId::no_backup_pin));
}

TEST(NoBackupPin, AllPinsRetiredIsAnotherFinding)
{
    const auto findings =
        judge_one(policy_of({retired(pki().www_key.pin()), retired(pki().backup_1.pin())}), pki().www_chain);
    EXPECT_TRUE(has(findings, FindingId::too_few_pins));
    EXPECT_FALSE(has(findings, FindingId::no_backup_pin));
}

TEST(NoBackupPin, AnUnreadablePinMayBeTheBackup)
{
    const auto findings = judge_one(policy_of({www(), "{csr: missing.csr}"}), pki().www_chain);
    EXPECT_TRUE(has(findings, FindingId::pin_source));
    EXPECT_FALSE(has(findings, FindingId::no_backup_pin));
}

TEST(NoBackupPin, IsJudgedByPath)
{
    // The pins of both roots: on each path one of them is the other's backup (RFC 7469 2.5).
    const Chain crossed = chain({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key),
                                 pki().root, pki().other_root});
    const auto both = policy_of({written(pki().root_key.pin()), written(pki().other_root_key.pin())});
    EXPECT_FALSE(has(judge_one(both, crossed), FindingId::no_backup_pin));
    // The leaf and root A: on the path to root A both are in it, on the other one is a backup.
    const auto one = policy_of({www(), written(pki().root_key.pin())});
    EXPECT_TRUE(has(judge_one(one, crossed), FindingId::no_backup_pin));
}

TEST(NoBackupPin, ASuperfluousCertificateIsOnNoPath)
{
    const auto findings = judge_one(policy_of({www(), written(pki().other_intermediate_key.pin())}),
                                    chain({pki().www, pki().intermediate, pki().other_intermediate}));
    EXPECT_FALSE(has(findings, FindingId::no_backup_pin));
}

TEST(NoBackupPin, OfAGuardIsAWarning)
{
    const Findings findings = judge_one(policy_of({www(), intermediate()}, {"guard: {}"}), pki().www_chain);
    const Finding& finding = only(findings, FindingId::no_backup_pin);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_NE(finding.what.find("when its keys are lost, these clients are"), std::string::npos) << finding.what;
}

TEST(NoBackupPin, OfAGuardWithAHeaderIsAnError)
{
    EXPECT_EQ(
        only(judge_one(policy_of({www(), intermediate()}, {"guard: {}", "enforce: {max-age: 1d}"}), pki().www_chain),
             FindingId::no_backup_pin)
            .severity,
        Severity::error);
}

TEST(NoBackupPin, UnderAllowMismatchIsAWarning)
{
    EXPECT_EQ(
        only(judge_one(policy_of({www(), intermediate()}, {kAllowMismatch}), pki().www_chain), FindingId::no_backup_pin)
            .severity,
        Severity::warning);
}

TEST(NoBackupPin, OfAReportOnlyPolicyIsAnError)
{
    EXPECT_EQ(only(judge_one(policy_of({www(), intermediate()},
                                       {"report-only: {report-uri: \"https://reports.example.net/\"}"}),
                             pki().www_chain),
                   FindingId::no_backup_pin)
                  .severity,
              Severity::error);
}

TEST(NoBackupPin, IsAskedOfAnUnpinningPolicyToo)
{
    // Chrome ignored a header without a backup even at max-age 0.
    EXPECT_TRUE(has(judge_one(policy_of({www(), intermediate()}, {"enforce: {max-age: 0}"}), pki().www_chain),
                    FindingId::no_backup_pin));
}

TEST(SingleBackup, TwoBackupsAreEnough)
{
    EXPECT_EQ(ids(judge_one(policy_of({www(), backup_1(), backup_2()}), pki().www_chain)), "");
}

TEST(SingleBackup, OneIsAWarning)
{
    const auto findings = judge_one(policy_of({www(), backup_1()}), pki().www_chain);
    EXPECT_EQ(ids(findings), "single-backup");
    const Finding& finding = only(findings, FindingId::single_backup);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.place->line, 3U);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
    EXPECT_NE(finding.what.find("a single backup"), std::string::npos) << finding.what;
}

TEST(SingleBackup, NoneIsAWarningBesideTheError)
{
    EXPECT_NE(only(judge_one(policy_of({www(), intermediate()}), pki().www_chain), FindingId::single_backup)
                  .what.find("no backup"),
              std::string::npos);
}

TEST(SingleBackup, ARetiredPinIsNoBackup)
{
    EXPECT_TRUE(has(judge_one(policy_of({www(), backup_1(), retired(pki().backup_2.pin())}), pki().www_chain),
                    FindingId::single_backup));
}

TEST(SingleBackup, APinOfAnIntermediateIsNoBackup)
{
    EXPECT_TRUE(
        has(judge_one(policy_of({www(), intermediate(), backup_1()}), pki().www_chain), FindingId::single_backup));
}

TEST(SingleBackup, APinOnOnePathOfTwoIsNoBackup)
{
    const Chain crossed = chain({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key),
                                 pki().root, pki().other_root});
    const std::string root = written(pki().root_key.pin());
    EXPECT_TRUE(has(judge_one(policy_of({www(), root, backup_1()}), crossed), FindingId::single_backup));
    EXPECT_FALSE(has(judge_one(policy_of({www(), root, backup_1(), backup_2()}), crossed), FindingId::single_backup));
}

TEST(SingleBackup, AnUnreadablePinMayBeOne)
{
    EXPECT_FALSE(has(judge_one(policy_of({www(), backup_1(), "{csr: missing.csr}"}), pki().www_chain),
                     FindingId::single_backup));
}

TEST(SingleBackup, AKeyInUseAtAnyServerOfThePolicyIsNoBackup)
{
    // The second server serves backup 1's key: for both servers only backup 2 is left.
    const Chain second = chain({leaf(pki().backup_1, pki().intermediate_key, {"example.com"}), pki().intermediate});
    World world;
    world.policies({policy_of({www(), backup_1(), backup_2()})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {second});
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "single-backup");
    EXPECT_EQ(lines_of(only(findings, FindingId::single_backup)), (std::vector<unsigned>{12, 30}));
}

TEST(SingleBackup, AKeyInUseUnderAnotherPolicyIsStillABackupHere)
{
    PolicyText other = policy_of({backup_1(), backup_2(), written(pki().backup_3.pin())});
    other.name = "other";
    World world;
    world.policies({policy_of({www(), backup_1(), backup_2()}), other});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"other.example.com"},
                 {chain({leaf(pki().backup_1, pki().intermediate_key, {"other.example.com"})})}, "other");
    EXPECT_FALSE(has(world.findings(), FindingId::single_backup));
}

TEST(SingleBackup, IsAWarningForAGuardAndUnderAllowMismatch)
{
    EXPECT_EQ(only(judge_one(policy_of({www(), backup_1()}, {"guard: {}"}), pki().www_chain), FindingId::single_backup)
                  .severity,
              Severity::warning);
    EXPECT_EQ(
        only(judge_one(policy_of({www(), backup_1()}, {kAllowMismatch}), pki().www_chain), FindingId::single_backup)
            .severity,
        Severity::warning);
}

TEST(SingleBackup, IsNotSaidWhereNoChainIsKnown)
{
    World world;
    world.policies({policy_of({www(), backup_1()})});
    world.pinned(12, {"www.example.com"}, {}).variable_certificates = true;
    EXPECT_EQ(ids(world.findings()), "chain-unknown");
    world.policies({policy_of({www()})});
    EXPECT_EQ(ids(world.findings()), "chain-unknown too-few-pins");
}

TEST(SingleBackup, OneServerWithAKnownChainIsEnoughToSayIt)
{
    World world;
    world.policies({policy_of({www(), backup_1()})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.pinned(30, {"example.com"}, {}).variable_certificates = true;
    EXPECT_EQ(ids(world.findings()), "chain-unknown single-backup");
}

TEST(SingleBackup, ReportOnlyPinsOfTheirOwnAreLookedAt)
{
    PolicyText policy = good_policy();
    policy.modes.push_back("report-only: {report-uri: \"https://reports.example.net/\", pins: [" + www() + ", "
                           + backup_1() + "]}");
    EXPECT_NE(only(judge_one(policy, pki().www_chain), FindingId::single_backup).what.find("report-only"),
              std::string::npos);
}

}  // namespace
