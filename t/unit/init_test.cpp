// The first policy of hpkp init: which keys it pins, and that the policy reader takes what it writes.
#include "first_policy.hpp"

#include "test_pki.hpp"

#include "input.hpp"
#include "policy_reader.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::cli;
using namespace hpkp::test;

namespace {

using Strings = std::vector<std::string>;

struct InitTest : testing::Test {
    const TrustPaths& paths(const Chain& chain, const std::vector<Certificate>& roots)
    {
        finder = std::make_unique<TrustPathFinder>(kNow, dir.write("roots.pem", pem(roots)));
        return finder->find(chain, nullptr);
    }
    Strings pinned(Level level, const Chain& chain, const std::vector<Certificate>& roots)
    {
        std::vector<FirstPin> pins;
        add_pins(level, chain, paths(chain, roots), pins);
        Strings names;
        for (const FirstPin& pin : pins) {
            names.push_back(pin.name);
        }
        return names;
    }
    std::string refusal(Level level, const Chain& chain, const std::vector<Certificate>& roots)
    {
        try {
            pinned(level, chain, roots);
            return "";
        }
        catch (const InputError& error) {
            return error.what();
        }
    }
    PolicyFile read_back(const FirstPolicy& policy)
    {
        Findings findings;
        PolicyFile file = read_policy_file(dir.write("pins.yaml", yaml_of(policy)), kNow, findings);
        for (const Finding& finding : findings) {
            ADD_FAILURE() << finding.what << '\n' << yaml_of(policy);
        }
        return file;
    }

    TempDir dir;
    std::unique_ptr<TrustPathFinder> finder;
};

FirstPolicy example()
{
    FirstPolicy policy{};
    policy.name = "www";
    policy.level = Level::leaf;
    policy.pins = {{"www.example.com", "leaf, EC P-256", pki().www_key.pin()}};
    policy.backups = {{"backup 1", "from a CSR", pki().backup_1.pin()},
                      {"backup 2", "from a CSR", pki().backup_2.pin()}};
    policy.report_uri = "https://reports.example.org/pins";
    policy.chains = {"chain.pem"};
    policy.file = "pins.yaml";
    return policy;
}

TEST_F(InitTest, EachLevel)
{
    EXPECT_EQ(pinned(Level::leaf, pki().www_chain, {pki().root}), Strings{"www.example.com"});
    EXPECT_EQ(pinned(Level::intermediate, pki().www_chain, {pki().root}), Strings{"Intermediate A"});
    EXPECT_EQ(pinned(Level::root, pki().www_chain, {pki().root}), Strings{"Root A"});
}

TEST_F(InitTest, OnEveryPath)
{
    const Certificate by_b = ca(pki().intermediate_key, pki().other_root_key);
    const Chain both = chain({pki().www, pki().intermediate, by_b});
    EXPECT_EQ(pinned(Level::root, both, {pki().root, pki().other_root}), (Strings{"Root A", "Root B"}));
    EXPECT_EQ(pinned(Level::intermediate, both, {pki().root, pki().other_root}), Strings{"Intermediate A"})
        << "one key, two certificates";
    EXPECT_EQ(pinned(Level::root, both, {pki().other_root}), Strings{"Root B"});
}

TEST_F(InitTest, APrivatePki)
{
    EXPECT_EQ(pinned(Level::intermediate, pki().www_chain, {pki().other_root}), Strings{"Intermediate A"});
    EXPECT_EQ(pinned(Level::root, pki().www_chain_with_root, {pki().other_root}), Strings{"Root A"});
    EXPECT_NE(refusal(Level::root, pki().www_chain, {pki().other_root}).find("--trust NAME=FILE"), std::string::npos);
}

TEST_F(InitTest, WhereALevelIsMissing)
{
    const Chain by_root = chain({leaf(pki().www_key, pki().root_key), pki().root});
    EXPECT_NE(refusal(Level::intermediate, by_root, {pki().root}).find("no intermediate on the path to Root A"),
              std::string::npos);
    EXPECT_NE(refusal(Level::intermediate, chain({pki().www}), {pki().root}).find("give the whole chain"),
              std::string::npos);
    EXPECT_EQ(pinned(Level::root, by_root, {pki().root}), Strings{"Root A"});
}

TEST_F(InitTest, AChainThatNoClientAccepts)
{
    CertOptions options = authority();
    options.name_constraints = "critical,permitted;DNS:example.org";
    const Chain constrained = chain({pki().www, certify(pki().intermediate_key, pki().root_key, options)});
    EXPECT_NE(refusal(Level::leaf, constrained, {pki().root}).find("no client would accept"), std::string::npos);
}

TEST_F(InitTest, ReadsBack)
{
    const PolicyFile file = read_back(example());
    ASSERT_EQ(file.policies.size(), 1U);
    const Policy& policy = file.policies.front();
    EXPECT_EQ(policy.name, "www");
    EXPECT_EQ(policy.mode(), "report-only");
    EXPECT_FALSE(policy.enforce);
    ASSERT_EQ(policy.pin_sets.size(), 1U);
    ASSERT_EQ(policy.pin_sets.front().pins.size(), 3U);
    EXPECT_EQ(policy.pin_sets.front().pins.front().pin, pki().www_key.pin());
    EXPECT_EQ(policy.report_only->report_uri->text, "https://reports.example.org/pins");
}

TEST_F(InitTest, WhateverIsInTheNames)
{
    FirstPolicy policy = example();
    policy.name = "*.ex\"am\\ple: #{[&!%@`' é";
    policy.pins.front().name = "a: \"b\" # c";
    policy.pins.front().origin = "O = x # y";
    policy.backups.front().name = "- [";
    policy.chains = {"a\nversion: 2\n"};
    policy.file = "b\n- c";
    policy.trust = {{"my: store", "/etc/a \"b\".pem"}};
    policy.example_uri = true;
    for (const Level level : {Level::leaf, Level::intermediate, Level::root}) {
        policy.level = level;
        const PolicyFile file = read_back(policy);
        ASSERT_EQ(file.policies.size(), 1U);
        EXPECT_EQ(file.policies.front().name, policy.name);
        EXPECT_EQ(file.policies.front().pin_sets.front().pins.front().name, "a: \"b\" # c");
        ASSERT_EQ(file.trust.size(), 1U);
        EXPECT_EQ(file.trust.front().name, "my: store");
        EXPECT_EQ(file.trust.front().path, "/etc/a \"b\".pem");
    }
}

TEST_F(InitTest, TheEnforceOfItsCommentsWorks)
{
    std::string text = yaml_of(example());
    std::size_t at = text.find("\n    # enforce:");
    ASSERT_NE(at, std::string::npos);
    for (; at != std::string::npos; at = text.find("\n    # ", at)) {
        text.replace(at, 7, "\n    ");
    }
    Findings findings;
    const PolicyFile file = read_policy_file(dir.write("pins.yaml", text), kNow, findings);
    EXPECT_TRUE(findings.empty()) << text;
    ASSERT_TRUE(file.policies.front().enforce);
    EXPECT_EQ(file.policies.front().enforce->max_age.highest(), 300);
}

TEST_F(InitTest, Backups)
{
    PassPhrase none("pass:");
    bool is_private = false;
    const auto backup = [&](const std::string& bytes, const std::string& file = "keys/backup.csr") {
        is_private = false;
        return backup_of(read_objects(bytes, file, none), file, 1, is_private);
    };
    const FirstPin made = backup(csr(pki().backup_1));
    EXPECT_EQ(made.name, "backup 1 (backup.csr)");
    EXPECT_EQ(made.pin, pki().backup_1.pin());
    EXPECT_FALSE(is_private);
    EXPECT_EQ(backup(csr(pki().backup_1) + private_key(pki().backup_1)).pin, pki().backup_1.pin());
    EXPECT_TRUE(is_private) << "one key, in two forms";
    EXPECT_EQ(backup(pem(pki().other_intermediate)).pin, pki().other_intermediate_key.pin());
    EXPECT_EQ(backup(public_key(pki().backup_1), "-").name, "backup 1");
    EXPECT_THROW(backup(csr(pki().backup_1) + csr(pki().backup_2)), InputError);
    EXPECT_THROW(backup(csr(pki().backup_1, false)), InputError);
    EXPECT_THROW(backup("nothing"), InputError);
    EXPECT_THROW(backup(private_key(pki().backup_1, "secret")), InputError);
}

}  // namespace
