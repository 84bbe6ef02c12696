#include "test_site.hpp"

#include "policy_reader.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct PinListReaderTest : testing::Test {
    /// A policy with these items of its list, the first one at line 5, column 9.
    const PinSet& read(const std::vector<std::string>& items)
    {
        findings.clear();
        PolicyText policy;
        policy.pins = items;
        policy.modes = {"guard: {}"};
        file = read_policy_file(dir.write("pins.yaml", policy_file({policy})), kNow, findings);
        return file.policies.front().pin_sets.front();
    }
    /// "bad-pin 5:22" for each finding, with a "w" after a warning.
    std::string told(const std::vector<std::string>& items)
    {
        read(items);
        std::string all;
        for (const Finding& finding : findings) {
            EXPECT_FALSE(finding.remedy.empty());
            all += (all.empty() ? "" : ", ") + std::string(id_text(finding.id)) + " "
                   + std::to_string(finding.place->line) + ":" + std::to_string(finding.place->column)
                   + (finding.severity == Severity::error ? "" : "w");
        }
        return all;
    }

    TempDir dir;
    PolicyFile file;
    Findings findings;
    const std::string a = pki().www_key.pin().base64();
    const std::string b = pki().backup_1.pin().base64();
};

TEST_F(PinListReaderTest, PinsInFileOrder)
{
    const PinSet& set = read({"{pin-sha256: \"" + b + "\", name: backup A}", "{retired: true, pin-sha256: " + a + "}"});
    EXPECT_TRUE(findings.empty());
    ASSERT_EQ(set.pins.size(), 2U);
    EXPECT_EQ(set.pins[0].pin.base64(), b);
    EXPECT_EQ(set.pins[0].name, "backup A");
    EXPECT_EQ(set.pins[0].label(), "backup A");
    EXPECT_FALSE(set.pins[0].retired);
    EXPECT_FALSE(set.pins[0].computed);
    EXPECT_EQ(set.pins[0].place.text(), file.path + ":5:22");
    EXPECT_EQ(set.pins[1].label(), a);
    EXPECT_TRUE(set.pins[1].retired);
    EXPECT_EQ(set.unreadable, 0U);
    EXPECT_EQ(set.live(), 1U);
}

TEST_F(PinListReaderTest, ComputedPins)
{
    dir.write("keys/backup.csr", csr(pki().backup_1), 0640);
    dir.write("www.pem", pem(pki().www_chain.sent));
    dir.write("backup.pub", public_key(pki().backup_2));
    const PinSet& set =
        read({"csr: keys/backup.csr", "certificate: " + (dir / "www.pem"), "{public-key: backup.pub, name: C}"});
    EXPECT_TRUE(findings.empty());
    ASSERT_EQ(set.pins.size(), 3U);
    EXPECT_TRUE(set.pins[0].pin == pki().backup_1.pin());
    EXPECT_TRUE(set.pins[1].pin == pki().www_key.pin());
    EXPECT_TRUE(set.pins[2].pin == pki().backup_2.pin());
    EXPECT_TRUE(set.pins[0].computed);
    ASSERT_EQ(file.sources.size(), 4U);
    EXPECT_EQ(file.sources[1].path, dir / "keys/backup.csr");
    EXPECT_EQ(file.sources[1].mode & 07777U, 0640U);
    EXPECT_EQ(file.sources[1].named_at.line, 5U);
}

TEST_F(PinListReaderTest, BadPins)
{
    EXPECT_EQ(told({"pin-sha256: " + a.substr(0, 43)}), "bad-pin 5:21");
    EXPECT_EQ(told({"pin-sha256: x"}), "bad-pin 5:21");
    EXPECT_EQ(told({"pin-sha256: \"" + a + " \""}), "bad-pin 5:21");
    EXPECT_EQ(told({"pin-sha256: \"\""}), "bad-value 5:21");
    EXPECT_EQ(told({"pin-sha256: [" + a + "]"}), "bad-value 5:21");
    EXPECT_EQ(told({"pin-sha1: " + a}), "unknown-key 5:9, missing-key 5:9");
    EXPECT_EQ(read({"pin-sha256: x"}).unreadable, 1U);
    EXPECT_EQ(read({"pin-sha256: x"}).pins.size(), 0U);
}

TEST_F(PinListReaderTest, Placeholders)
{
    for (const char* pin :
         {"d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=", "E9CZ9INDbd+2eRQozYqqbQ2yXLVKB9+xcprMF+44U1g=",
          "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}) {
        EXPECT_EQ(told({"pin-sha256: " + std::string(pin)}), "placeholder-pin 5:21") << pin;
    }
    EXPECT_EQ(told({"pin-sha256: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="}), "bad-pin 5:21") << "unused bits";
    EXPECT_EQ(told({"pin-sha256: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="}), "");
}

TEST_F(PinListReaderTest, Duplicates)
{
    EXPECT_EQ(told({"pin-sha256: " + a, "pin-sha256: " + b, "pin-sha256: " + a}), "duplicate-pin 7:21");
    EXPECT_NE(findings.front().what.find("pins.yaml:5:21"), std::string::npos) << findings.front().what;
    EXPECT_EQ(read({"pin-sha256: " + a, "pin-sha256: " + a}).pins.size(), 1U) << "sent and counted once";
    EXPECT_EQ(told({"pin-sha256: " + a, "pin-sha256: " + a, "pin-sha256: " + a}),
              "duplicate-pin 6:21, duplicate-pin 7:21");
}

TEST_F(PinListReaderTest, ADuplicateOfAComputedPinIsAWarning)
{
    dir.write("www.pem", pem(pki().www));
    dir.write("www.csr", csr(pki().www_key));
    EXPECT_EQ(told({"pin-sha256: " + a, "csr: www.csr"}), "duplicate-pin 6:14w");
    EXPECT_EQ(told({"csr: www.csr", "pin-sha256: " + a}), "duplicate-pin 6:21w");
    EXPECT_EQ(told({"csr: www.csr", "certificate: www.pem"}), "duplicate-pin 6:22w");
    EXPECT_EQ(read({"csr: www.csr", "certificate: www.pem"}).pins.size(), 1U);
}

TEST_F(PinListReaderTest, EachListHasItsOwnDuplicates)
{
    findings.clear();
    PolicyText policy;
    policy.pins = {"pin-sha256: " + a, "pin-sha256: " + b};
    policy.modes = {"guard: {}", "report-only: {report-uri: \"https://r.test/\", pins: [{pin-sha256: " + a
                                     + "}, {pin-sha256: " + b + "}]}"};
    read_policy_file(dir.write("pins.yaml", policy_file({policy, policy})), kNow, findings);
    EXPECT_EQ(ids(findings), "duplicate-key") << "the policy's name alone";
}

TEST_F(PinListReaderTest, SourcesThatCannotBeRead)
{
    dir.write("bad.csr", csr(pki().backup_1, false));
    dir.write("www.pem", pem(pki().www));
    EXPECT_EQ(told({"csr: missing.csr"}), "pin-source 5:14");
    EXPECT_EQ(told({"csr: bad.csr"}), "pin-source 5:14");
    EXPECT_EQ(told({"csr: www.pem"}), "pin-source 5:14");
    EXPECT_EQ(told({"public-key: www.pem"}), "pin-source 5:21");
    EXPECT_EQ(told({"certificate: ."}), "pin-source 5:22");
    EXPECT_EQ(told({"certificate: \"\""}), "bad-value 5:22");
    EXPECT_EQ(told({"certificate: [www.pem]"}), "bad-value 5:22");
    EXPECT_EQ(read({"csr: missing.csr"}).unreadable, 1U);
    EXPECT_EQ(file.sources.size(), 1U) << "the policy file alone";
}

TEST_F(PinListReaderTest, OneSourceAPin)
{
    dir.write("www.pem", pem(pki().www));
    EXPECT_EQ(told({"name: nothing"}), "missing-key 5:9");
    EXPECT_EQ(told({"{}"}), "missing-key 5:9");
    EXPECT_EQ(told({"{pin-sha256: " + a + ", certificate: www.pem}"}), "bad-value 5:9");
    EXPECT_EQ(told({"{csr: www.pem, certificate: www.pem}"}), "bad-value 5:9");
    EXPECT_EQ(read({"{csr: www.pem, certificate: www.pem}"}).unreadable, 1U);
}

TEST_F(PinListReaderTest, APinIsAMapping)
{
    EXPECT_EQ(told({a}), "bad-value 5:9");
    EXPECT_EQ(told({"[" + a + "]"}), "bad-value 5:9");
    EXPECT_EQ(told({"~"}), "bad-value 5:9");
    EXPECT_EQ(read({a}).unreadable, 1U);
}

TEST_F(PinListReaderTest, OtherKeys)
{
    EXPECT_EQ(told({"{pin-sha256: " + a + ", retird: true}"}), "unknown-key 5:68");
    EXPECT_EQ(told({"{retired: yes, pin-sha256: " + a + "}"}), "bad-value 5:19");
    EXPECT_EQ(told({"{name: [x], pin-sha256: " + a + "}"}), "bad-value 5:16");
    EXPECT_EQ(told({"{name: x, name: y, pin-sha256: " + a + "}"}), "duplicate-key 5:19");
    EXPECT_EQ(read({"{retired: false, pin-sha256: " + a + "}"}).pins[0].retired, false);
}

}  // namespace
