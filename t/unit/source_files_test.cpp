#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// The findings where the policy file has this mode, and the CSR that it names the other.
Findings with_modes(mode_t policy_mode, mode_t csr_mode)
{
    PolicyText policy = good_policy();
    policy.pins[1] = "csr: backup.csr";
    World world;
    world.policy_text(policy_file({policy}), policy_mode);
    world.dir.write("backup.csr", csr(pki().backup_1), csr_mode);
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    return world.findings();
}

TEST(FileWritable, FilesOfTheirOwnerAreFine)
{
    EXPECT_EQ(ids(with_modes(0644, 0600)), "");
    EXPECT_EQ(ids(with_modes(0755, 0640)), "");
}

TEST(FileWritable, APolicyThatItsGroupCanWrite)
{
    const auto findings = with_modes(0664, 0600);
    EXPECT_EQ(ids(findings), "file-writable");
    const Finding& finding = only(findings, FindingId::file_writable);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_NE(finding.what.find("group"), std::string::npos) << finding.what;
    EXPECT_EQ(finding.what.find("pins.yaml"), std::string::npos) << "its place says which: " << finding.what;
    EXPECT_NE(render(finding)[0].text.find("pins.yaml: it can be written"), std::string::npos);
}

TEST(FileWritable, APolicyThatOthersCanWrite)
{
    const auto findings = with_modes(0602, 0600);
    EXPECT_EQ(ids(findings), "file-writable");
    EXPECT_NE(only(findings, FindingId::file_writable).what.find("anybody"), std::string::npos);
}

TEST(FileWritable, APinSourceThatOthersCanWrite)
{
    const Finding finding = only(with_modes(0644, 0606), FindingId::file_writable);
    EXPECT_NE(finding.what.find("backup.csr"), std::string::npos) << finding.what;
    ASSERT_TRUE(finding.place.has_value());
    EXPECT_EQ(finding.place->line, 6U) << "where the policy names it";
}

TEST(FileWritable, APinSourceThatItsGroupCanWrite)
{
    EXPECT_EQ(ids(with_modes(0644, 0620)), "file-writable");
}

TEST(FileWritable, EachFileIsOneFinding)
{
    EXPECT_EQ(ids(with_modes(0666, 0666)), "file-writable file-writable");
}

}  // namespace
