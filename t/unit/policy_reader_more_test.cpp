// Policy files with more mistakes than are told.
#include "test_site.hpp"

#include "policy_reader.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

TEST(PolicyReader, OfManyFindingsTheErrorsAreTold)
{
    const TempDir dir;
    Findings findings;
    const auto read = [&](const std::string& text) {
        findings.clear();
        read_policy_file(dir.write("pins.yaml", text), kNow, findings);
    };
    const auto guards_over = [&](int n) {
        std::string text = "version: 1\npolicies:\n";
        for (int i = 1; i <= n; i++) {
            text += "  p" + std::to_string(i)
                    + ": {guard: {until: 2020-01-01}, pins: [{pin-sha256: " + pki().www_key.pin().base64() + "}]}\n";
        }
        return text;
    };
    read(guards_over(150) + "  last: {pinz: []}\n");
    ASSERT_EQ(findings.size(), 100U);
    EXPECT_EQ(count(findings, Severity::error), 3U) << "behind 150 warnings: a key, no pins, no mode";
    EXPECT_EQ(findings[0].place->line, 153U);
    EXPECT_EQ(findings[2].place->line, 153U);
    EXPECT_EQ(findings[3].id, FindingId::guard_over);
    EXPECT_EQ(findings[3].place->line, 3U);
    EXPECT_EQ(findings[99].details.back(), "and 53 more findings in this file");

    read(guards_over(100));
    ASSERT_EQ(findings.size(), 100U);
    EXPECT_EQ(findings[99].details, findings[0].details) << "none is left out";
}

}  // namespace
