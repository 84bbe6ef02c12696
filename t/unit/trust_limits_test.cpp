// checks/trust.cpp: limits of the search. How far it goes: path_limits_test.cpp.
#include "test_site.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Lines = std::vector<unsigned>;

const Stores kA = {{"a", {pki().root}}};

/// Two backups beside these pins.
PolicyText pinned(std::vector<Pin> pins)
{
    pins.push_back(pki().backup_1.pin());
    pins.push_back(pki().backup_2.pin());
    PolicyText policy;
    for (const Pin& pin : pins) {
        policy.pins.push_back(written(pin));
    }
    return policy;
}

/// A chain of this many certificates, leaf included, each the issuer of the one before it.
Chain long_chain(std::size_t length)
{
    std::vector<Certificate> sent;
    Entity subject = pki().www_key;
    for (std::size_t i = 1; i <= length; i++) {
        const Entity issuer("Authority " + std::to_string(i));
        sent.push_back(i == 1 ? leaf(subject, issuer, {"www.example.com", "example.com"}) : ca(subject, issuer));
        subject = issuer;
    }
    return chain(std::move(sent));
}

TEST(PathLimit, TenCertificatesAreLookedAt)
{
    EXPECT_EQ(ids(judge_one(pinned({pki().www_key.pin()}), long_chain(10))), "");
}

TEST(PathLimit, ElevenAreTooMany)
{
    const auto findings = judge_one(pinned({pki().www_key.pin()}), long_chain(11));
    EXPECT_EQ(count_of(findings, FindingId::path_limit), 1U) << ids(findings);
    const Finding& finding = only(findings, FindingId::path_limit);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
}

/// The text of the only path-limit, of a chain under a policy that pins its leaf.
std::string limit_text(const Stores& stores, const Chain& chain)
{
    const auto findings = judge_for(stores, pinned({pki().www_key.pin()}), chain);
    const Finding& finding = only(findings, FindingId::path_limit);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(lines_of(finding), Lines{12});
    return finding.what;
}

TEST(PathLimit, DepthIsNamed)
{
    // Ten certificates, and the root above them.
    std::vector<Certificate> sent;
    Entity subject = pki().www_key;
    for (int i = 1; i <= 10; i++) {
        const Entity issuer = i == 10 ? pki().root_key : Entity("Authority " + std::to_string(i));
        sent.push_back(i == 1 ? leaf(subject, issuer) : ca(subject, issuer));
        subject = issuer;
    }
    EXPECT_NE(
        limit_text(kA, chain(sent))
            .find("not all paths of the chain of www.example.com were looked at: the limit of 10 certificates on a "
                  "path was met"),
        std::string::npos);
    EXPECT_EQ(ids(judge_for(kA, pinned({pki().www_key.pin()}), chain({sent[0], sent[1]}))), "untrusted-chain");

    const auto findings = judge_for(kA, pinned({pki().www_key.pin()}), chain(sent));
    const Finding& finding = only(findings, FindingId::untrusted_chain);
    EXPECT_NE(finding.what.find("has no path to a root within the limits of the search of any store"),
              std::string::npos)
        << finding.what;
    EXPECT_EQ(finding.remedy, "send only the certificates that clients need");
}

TEST(PathLimit, SignatureChecksAreNamed)
{
    std::vector<Certificate> sent = pki().www_chain.sent;
    for (int i = 0; i < 1000; i++) {
        sent.push_back(ca(Entity("Intermediate A"), pki().other_root_key));
    }
    EXPECT_NE(limit_text(kA, chain(sent)).find("the limit of 1000 signature checks was met"), std::string::npos);
}

TEST(PathLimit, PathsAreNamed)
{
    std::vector<Certificate> sent = pki().www_chain.sent;
    for (int i = 0; i < 64; i++) {
        sent.push_back(ca(pki().intermediate_key, pki().root_key));
    }
    EXPECT_NE(limit_text(kA, chain(sent)).find("the limit of 64 paths was met"), std::string::npos);
}

/// A leaf of the first of so many authorities of which each has certified every other.
Chain mesh(std::vector<Entity>& authorities, int count)
{
    for (int i = 0; i < count; i++) {
        authorities.emplace_back("CA " + std::to_string(i));
    }
    std::vector<Certificate> sent = {leaf(pki().www_key, authorities[0], {"www.example.com", "example.com"})};
    for (const Entity& subject : authorities) {
        for (const Entity& issuer : authorities) {
            if (&subject != &issuer) {
                sent.push_back(ca(subject, issuer));
            }
        }
    }
    return chain(std::move(sent));
}

TEST(PathLimit, StepsAreNamed)
{
    // Its only way out is at its first authority, which stands below all the others.
    std::vector<Entity> authorities;
    std::vector<Certificate> sent = mesh(authorities, 9).sent;
    sent.push_back(ca(authorities[0], pki().root_key));
    EXPECT_NE(limit_text(kA, chain(sent)).find("20000 steps of the search"), std::string::npos)
        << limit_text(kA, chain(sent));
}

TEST(PathLimit, AMeshOfTwelveAuthoritiesIsJudgedSoon)
{
    std::vector<Entity> authorities;
    const Chain twelve = mesh(authorities, 12);
    const Certificate root = ca(authorities[11], authorities[11]);
    const auto policy = pinned({pki().www_key.pin()});
    const auto soon = [&](const Stores& stores, const std::string& expected) {
        EXPECT_TRUE(ends_within(10, [&] {
            if (ids(judge_for(stores, policy, twelve)) != expected) {
                throw std::runtime_error("other findings");
            }
        })) << expected;
    };
    soon({{"a", {root}}}, "path-limit");
    soon({{"a", {pki().root}}}, "untrusted-chain");
    soon({}, "path-limit");
    EXPECT_NE(limit_text({{"a", {root}}}, twelve).find("64 paths"), std::string::npos);
    EXPECT_NE(limit_text({}, twelve).find("64 paths"), std::string::npos) << "a private PKI's lines";
}

}  // namespace
