// Policy files as a whole: their keys, values and places. Their pins: pin_list_reader_test.cpp.
#include "test_site.hpp"

#include "policy_reader.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct PolicyReaderTest : testing::Test {
    PolicyFile read(const std::string& text)
    {
        findings.clear();
        return read_policy_file(dir.write("pins.yaml", text), kNow, findings);
    }
    /// A policy "www" of two pins with these lines, which begin at line 7 and column 5.
    Policy policy(const std::string& lines)
    {
        file = read("version: 1\npolicies:\n  www:\n    pins:\n      - {pin-sha256: " + pki().www_key.pin().base64()
                    + "}\n      - {pin-sha256: " + pki().backup_1.pin().base64() + "}\n    " + lines + "\n");
        const Policy* found = file.find("www");
        if (found == nullptr) {
            throw std::runtime_error("no such policy: " + told());
        }
        return *found;
    }
    /// "bad-value 7:14" for each finding, in order.
    std::string told() const
    {
        std::string all;
        for (const Finding& finding : findings) {
            EXPECT_EQ(finding.severity, Severity::error);
            EXPECT_FALSE(finding.remedy.empty());
            all += (all.empty() ? "" : ", ") + std::string(id_text(finding.id)) + " "
                   + std::to_string(finding.place->line) + ":" + std::to_string(finding.place->column);
        }
        return all;
    }
    std::string told_by_policy(const std::string& lines)
    {
        policy(lines);
        return told();
    }
    std::string told_by(const std::string& text)
    {
        read(text);
        return told();
    }
    std::string text() const
    {
        std::string all;
        for (const Finding& finding : findings) {
            all += text_of(finding);
        }
        return all;
    }

    TempDir dir;
    PolicyFile file;
    Findings findings;
};

const std::string kPolicies = "policies:\n  www: {pins: [], guard: {}}\n";

TEST_F(PolicyReaderTest, AWholePolicy)
{
    const Policy www = policy(
        "enforce:\n      max-age: 30d\n      includeSubDomains: true\n      report-uri: "
        "https://reports.example.net/pkp\n"
        "    report-only:\n      report-uri: http://reports.example.net/next\n    guard: {includeSubDomains: true}\n"
        "    clients: [sent, leaf]");
    EXPECT_EQ(told(), "");
    EXPECT_EQ(www.name, "www");
    EXPECT_EQ(www.place.text(), file.path + ":3:3");
    ASSERT_TRUE(www.enforce.has_value());
    EXPECT_EQ(www.enforce->max_age, MaxAge(30 * 86400));
    EXPECT_TRUE(www.enforce->include_subdomains);
    EXPECT_EQ(www.enforce->report_uri->text, "https://reports.example.net/pkp");
    ASSERT_TRUE(www.report_only.has_value());
    EXPECT_FALSE(www.report_only->include_subdomains);
    EXPECT_EQ(www.report_only->report_uri->scheme, "http");
    ASSERT_TRUE(www.guard.has_value());
    EXPECT_TRUE(www.guard->include_subdomains);
    EXPECT_FALSE(www.clients.chain);
    EXPECT_TRUE(www.clients.sent);
    EXPECT_TRUE(www.clients.leaf);
    ASSERT_EQ(www.pin_sets.size(), 1U);
    EXPECT_TRUE(www.pin_sets[0].enforced);
    EXPECT_TRUE(www.pin_sets[0].reported);
    EXPECT_TRUE(www.pin_sets[0].guarded);
    EXPECT_FALSE(www.pin_sets[0].allow_mismatch);
    EXPECT_EQ(www.pin_sets[0].pins.size(), 2U);
}

TEST_F(PolicyReaderTest, WhatIsLeftOut)
{
    const Policy www = policy("enforce: {max-age: 10}");
    EXPECT_EQ(told(), "");
    EXPECT_FALSE(www.enforce->include_subdomains);
    EXPECT_FALSE(www.enforce->report_uri.has_value());
    EXPECT_FALSE(www.report_only.has_value());
    EXPECT_FALSE(www.guard.has_value());
    EXPECT_TRUE(www.clients.chain);
    EXPECT_FALSE(www.clients.sent);
    EXPECT_FALSE(www.clients.leaf);
    EXPECT_TRUE(www.pin_sets[0].enforced);
    EXPECT_FALSE(www.pin_sets[0].reported);
    EXPECT_FALSE(www.pin_sets[0].guarded);
}

TEST_F(PolicyReaderTest, ReportOnlyPinsOfTheirOwnAreASecondSet)
{
    const Policy www =
        policy("enforce: {max-age: 10}\n    report-only:\n      report-uri: https://reports.example.net/\n"
               "      allow-mismatch: true\n      includeSubDomains: true\n      pins:\n        - {pin-sha256: "
               + pki().backup_2.pin().base64() + "}");
    EXPECT_EQ(told(), "");
    ASSERT_EQ(www.pin_sets.size(), 2U);
    EXPECT_TRUE(www.pin_sets[0].enforced);
    EXPECT_FALSE(www.pin_sets[0].reported);
    EXPECT_FALSE(www.pin_sets[0].allow_mismatch);
    EXPECT_FALSE(www.pin_sets[1].enforced);
    EXPECT_TRUE(www.pin_sets[1].reported);
    EXPECT_TRUE(www.pin_sets[1].allow_mismatch);
    EXPECT_TRUE(www.report_only->include_subdomains);
    ASSERT_EQ(www.pin_sets[1].pins.size(), 1U);
    EXPECT_TRUE(www.pin_sets[1].pins[0].pin == pki().backup_2.pin());
}

TEST_F(PolicyReaderTest, AReportOnlyPolicyMayHaveNoOtherPins)
{
    const PolicyFile alone = read(
        "version: 1\npolicies:\n  www:\n    report-only:\n      report-uri: https://r.test/\n      pins:\n        - "
        + written(pki().www_key.pin()) + "\n");
    EXPECT_EQ(told(), "");
    ASSERT_EQ(alone.policies[0].pin_sets.size(), 1U);
    EXPECT_TRUE(alone.policies[0].pin_sets[0].reported);
}

TEST_F(PolicyReaderTest, PinsAreNeededWhereSomethingIsEnforcedOrGuarded)
{
    EXPECT_EQ(told_by("version: 1\npolicies:\n  www:\n    enforce: {max-age: 1}\n"), "missing-key 4:5");
    EXPECT_EQ(told_by("version: 1\npolicies:\n  www:\n    guard: {}\n"), "missing-key 4:5");
    EXPECT_EQ(told_by("version: 1\npolicies:\n  www:\n    report-only: {report-uri: \"https://r.test/\"}\n"),
              "missing-key 4:5");
    EXPECT_EQ(told_by("version: 1\npolicies:\n  www:\n    enforce: {max-age: 1}\n    report-only: {report-uri: "
                      "\"https://r.test/\", pins: []}\n"),
              "missing-key 4:5");
    EXPECT_EQ(told_by("version: 1\npolicies:\n  www:\n    guard: {}\n    report-only: {report-uri: "
                      "\"https://r.test/\", pins: []}\n"),
              "missing-key 4:5");
}

TEST_F(PolicyReaderTest, Modes)
{
    EXPECT_EQ(told_by_policy("clients: [chain]"), "no-mode 3:3");
    EXPECT_NE(text().find("\"www\""), std::string::npos);
    EXPECT_EQ(policy("enforce: {max-age: 1}").mode(), "enforce");
    EXPECT_EQ(policy("report-only: {report-uri: \"https://r.test/\"}").mode(), "report-only");
    EXPECT_EQ(policy("enforce: {max-age: 1}\n    report-only: {report-uri: \"https://r.test/\"}").mode(), "both");
    EXPECT_EQ(policy("guard: {}").mode(), "guard");
    EXPECT_EQ(policy("guard: {}\n    enforce: {max-age: 1}").mode(), "enforce");
    EXPECT_EQ(told(), "");
}

TEST_F(PolicyReaderTest, SeveralPoliciesInFileOrder)
{
    const PolicyFile two = read("version: 1\npolicies:\n  b: {pins: [], guard: {}}\n  a: {pins: [], guard: {}}\n");
    EXPECT_EQ(told(), "");
    ASSERT_EQ(two.policies.size(), 2U);
    EXPECT_EQ(two.policies[0].name, "b");
    EXPECT_EQ(two.find("a")->place.line, 4U);
    EXPECT_EQ(two.find("c"), nullptr);
    EXPECT_EQ(names_of(two), "\"b\", \"a\"");
    EXPECT_TRUE(two.parsed);
}

TEST_F(PolicyReaderTest, Version)
{
    EXPECT_EQ(told_by("version: 1\n" + kPolicies), "");
    EXPECT_EQ(told_by(kPolicies), "missing-key 1:1");
    EXPECT_EQ(told_by("version: 2\n" + kPolicies), "bad-value 1:10");
    EXPECT_EQ(told_by("version: \"1\"\n" + kPolicies), "bad-value 1:10");
    EXPECT_EQ(told_by("version: 1.0\n" + kPolicies), "bad-value 1:10");
    EXPECT_EQ(told_by("version: [1]\n" + kPolicies), "bad-value 1:10");
    EXPECT_EQ(told_by("version:\n" + kPolicies).substr(0, 10), "bad-value ");
}

TEST_F(PolicyReaderTest, TheFileIsAMapping)
{
    EXPECT_EQ(told_by("- version: 1\n"), "policy-syntax 1:1");
    EXPECT_EQ(told_by("version\n"), "policy-syntax 1:1");
    EXPECT_EQ(told_by("---\n").substr(0, 14), "policy-syntax ");
    EXPECT_FALSE(read("- version: 1\n").parsed);
}

TEST_F(PolicyReaderTest, Policies)
{
    EXPECT_EQ(told_by("version: 1\n"), "missing-key 1:1");
    EXPECT_EQ(told_by("version: 1\npolicies: {}\n"), "missing-key 2:11");
    EXPECT_EQ(told_by("version: 1\npolicies: [www]\n"), "bad-value 2:11");
    EXPECT_EQ(told_by("version: 1\npolicies: www\n"), "bad-value 2:11");
    EXPECT_EQ(told_by("version: 1\npolicies:\n  www:\n"), "bad-value 3:3");
    EXPECT_EQ(told_by("version: 1\npolicies:\n  www: x\n"), "bad-value 3:8");
    EXPECT_EQ(told_by("version: 1\npolicies:\n  www: [x]\n"), "bad-value 3:8");
    EXPECT_EQ(told_by("version: 1\npolicies:\n  \"\": {pins: [], guard: {}}\n"), "bad-value 3:3");
    EXPECT_EQ(told_by("version: 1\npolicies:\n  www: {pins: [], guard: {}}\n  www: {pins: [], guard: {}}\n"),
              "duplicate-key 4:3");
}

TEST_F(PolicyReaderTest, UnknownKeysAndTheirNearest)
{
    EXPECT_EQ(told_by("version: 1\npolices: {}\n" + kPolicies), "unknown-key 2:1");
    EXPECT_NE(text().find("nearest is \"policies\""), std::string::npos) << text();
    EXPECT_EQ(told_by_policy("guard: {}\n    enforced: {max-age: 1}"), "unknown-key 8:5");
    EXPECT_NE(text().find("nearest is \"enforce\""), std::string::npos) << text();
    EXPECT_EQ(told_by_policy("enforce: {max-age: 1, include-subdomains: true}"), "unknown-key 7:27");
    EXPECT_NE(text().find("nearest is \"includeSubDomains\""), std::string::npos) << text();
    EXPECT_EQ(told_by_policy("enforce: {max-age: 1, includesubdomains: true}"), "unknown-key 7:27");
    EXPECT_EQ(told_by_policy("enforce: {max_age: 1}"), "unknown-key 7:15, missing-key 7:14");
    EXPECT_NE(text().find("nearest is \"max-age\""), std::string::npos) << text();
    EXPECT_EQ(told_by_policy("report-only: {report-uri: \"https://r.test/\", max-age: 1}"), "unknown-key 7:50");
    EXPECT_EQ(told_by_policy("guard: {untill: 2027-01-01}"), "unknown-key 7:13");
    EXPECT_NE(text().find("nearest is \"until\""), std::string::npos) << text();
}

TEST_F(PolicyReaderTest, EveryMistakeIsTold)
{
    EXPECT_EQ(told_by("version: 2\nx: 1\npolicies:\n  www:\n    y: 1\n    pins: 3\n    enforce: {max-age: never}\n"),
              "unknown-key 2:1, bad-value 1:10, unknown-key 5:5, bad-value 7:24, bad-value 6:11");
}

TEST_F(PolicyReaderTest, MaxAge)
{
    EXPECT_EQ(policy("enforce: {max-age: 0}").enforce->max_age, MaxAge(0));
    EXPECT_EQ(policy("enforce: {max-age: \"1w 2d\"}").enforce->max_age, MaxAge(9 * 86400));
    EXPECT_EQ(told(), "");
    for (const char* value : {"-1", "1.5", "30x", "never", "2147483648", "true", "\"\"", "[1]"}) {
        EXPECT_EQ(told_by_policy("enforce: {max-age: " + std::string(value) + "}"), "bad-value 7:24") << value;
    }
    EXPECT_EQ(told_by_policy("enforce:\n      max-age:").substr(0, 10), "bad-value ");
    EXPECT_EQ(told_by_policy("enforce: {}"), "missing-key 7:14");
}

TEST_F(PolicyReaderTest, ARamp)
{
    const MaxAge ramp = policy("enforce: {max-age: {ramp: [{for: 1d, value: 5m}, {value: 30d}]}}").enforce->max_age;
    const std::vector<MaxAge::Step> steps = {{86400, 300}, {0, 2592000}};
    EXPECT_EQ(ramp.steps, steps);
    EXPECT_EQ(policy("enforce: {max-age: {ramp: [{value: 1h}]}}").enforce->max_age, MaxAge(3600)) << "one step is none";
    EXPECT_EQ(told(), "");
}

TEST_F(PolicyReaderTest, MistakesInARamp)
{
    const auto ramp = [&](const std::string& steps) {
        return told_by_policy("enforce: {max-age: {ramp: " + steps + "}}");
    };
    EXPECT_EQ(ramp("[]"), "bad-value 7:31");
    EXPECT_EQ(ramp("5m"), "bad-value 7:31");
    EXPECT_EQ(ramp("[5m]"), "bad-value 7:32");
    EXPECT_EQ(ramp("[{for: 1d, value: 1h}, {value: 5m}]"), "bad-value 7:62") << "values never fall";
    EXPECT_EQ(ramp("[{for: 1d, value: 1h}, {value: 1h}]"), "") << "the same value is fine";
    EXPECT_EQ(ramp("[{value: 1h}, {value: 2h}]"), "missing-key 7:32");
    EXPECT_EQ(ramp("[{for: 1d, value: 1h}]"), "bad-value 7:38") << "the last value stays";
    EXPECT_EQ(ramp("[{for: 1d}, {value: 2h}]"), "missing-key 7:32");
    EXPECT_EQ(ramp("[{for: soon, value: 1h}, {value: 2h}]"), "bad-value 7:38");
    EXPECT_EQ(ramp("[{for: 1d, value: x}, {value: 2h}]"), "bad-value 7:49");
    EXPECT_EQ(ramp("[{for: 1d, valu: 1h}, {value: 2h}]"), "unknown-key 7:42, missing-key 7:32");
    EXPECT_EQ(told_by_policy("enforce: {max-age: {}}"), "missing-key 7:24");
    EXPECT_EQ(told_by_policy("enforce: {max-age: {ramps: []}}"), "unknown-key 7:25, missing-key 7:24");
}

TEST_F(PolicyReaderTest, Booleans)
{
    EXPECT_TRUE(policy("enforce: {max-age: 1, includeSubDomains: true}").enforce->include_subdomains);
    EXPECT_FALSE(policy("enforce: {max-age: 1, includeSubDomains: false}").enforce->include_subdomains);
    for (const char* value : {"yes", "no", "on", "True", "1", "\"true\"", "[]", "{}"}) {
        EXPECT_EQ(told_by_policy("enforce: {max-age: 1, includeSubDomains: " + std::string(value) + "}"),
                  "bad-value 7:46")
            << value;
    }
    EXPECT_EQ(told_by_policy("report-only: {report-uri: \"https://r.test/\", allow-mismatch: yes}"), "bad-value 7:66");
    EXPECT_EQ(told_by_policy("guard: {includeSubDomains: yes}"), "bad-value 7:32");
}

TEST_F(PolicyReaderTest, ReportUris)
{
    EXPECT_EQ(told_by_policy("enforce: {max-age: 1, report-uri: /pkp}"), "report-uri-invalid 7:39");
    EXPECT_EQ(told_by_policy("enforce: {max-age: 1, report-uri: \"https://r.test/ \"}"), "report-uri-invalid 7:39");
    EXPECT_EQ(told_by_policy("enforce: {max-age: 1, report-uri: \"\"}"), "bad-value 7:39");
    EXPECT_EQ(told_by_policy("report-only: {report-uri: \"ftp://r.test/\"}"), "report-uri-invalid 7:31");
    EXPECT_EQ(told_by_policy("report-only: {}"), "report-only-needs-report-uri 7:18");
    EXPECT_EQ(told_by_policy("report-only: {includeSubDomains: true}"), "report-only-needs-report-uri 7:18");
}

TEST_F(PolicyReaderTest, SectionsAreMappings)
{
    EXPECT_EQ(told_by_policy("enforce: 30d"), "bad-value 7:14");
    EXPECT_EQ(told_by_policy("report-only: [x]"), "bad-value 7:18");
    EXPECT_EQ(told_by_policy("guard: true"), "bad-value 7:12");
    EXPECT_EQ(told_by_policy("guard:").substr(0, 10), "bad-value ");
    EXPECT_EQ(told_by("version: 1\npolicies:\n  www:\n    pins: {a: b}\n    guard: {}\n"), "bad-value 4:11");
}

TEST_F(PolicyReaderTest, Clients)
{
    const auto clients = [&](const std::string& value) {
        return told_by_policy("guard: {}\n    clients: " + value);
    };
    EXPECT_EQ(clients("[chain, sent, leaf]"), "");
    EXPECT_EQ(clients("[]"), "bad-value 8:14");
    EXPECT_EQ(clients("chain"), "bad-value 8:14");
    EXPECT_EQ(clients("[chain, root]"), "bad-value 8:22");
    EXPECT_EQ(clients("[chain, chain]"), "bad-value 8:22");
    EXPECT_EQ(clients("[[chain]]"), "bad-value 8:15");
    EXPECT_EQ(clients("[Chain]"), "bad-value 8:15");
    EXPECT_EQ(clients("{chain: true}"), "bad-value 8:14");
}

TEST_F(PolicyReaderTest, UntilIsTheLastDay)
{
    const Guard guard = *policy("guard: {until: 2027-06-01}").guard;
    EXPECT_EQ(told(), "");
    EXPECT_EQ(guard.until, 1811894400) << "the first second of 2027-06-02, UTC";
    EXPECT_EQ(guard.until_place, (Place{dir / "pins.yaml", 7, 20}));
    EXPECT_FALSE(policy("guard: {}").guard->until.has_value());
    EXPECT_EQ(told_by_policy("guard: {until: 2027-02-29}"), "bad-value 7:20");
    EXPECT_EQ(told_by_policy("guard: {until: [2027-06-01]}"), "bad-value 7:20");
}

TEST_F(PolicyReaderTest, TrustNamesStoresWithTheirPlaces)
{
    const PolicyFile file =
        read("version: 1\ntrust:\n  mine: stores/bundle.pem\n  android: /etc/stores/android\n" + kPolicies);
    EXPECT_EQ(ids(findings), "") << "whether they can be read is asked by who reads them";
    ASSERT_EQ(file.trust.size(), 2U);
    EXPECT_EQ(file.trust[0].name, "mine");
    EXPECT_EQ(file.trust[0].path, dir / "stores/bundle.pem");
    EXPECT_EQ(file.trust[0].place, (Place{dir / "pins.yaml", 3, 9}));
    EXPECT_EQ(file.trust[1].path, "/etc/stores/android");
    EXPECT_EQ(file.trust[1].place, (Place{dir / "pins.yaml", 4, 12}));
    for (const Policy& policy : file.policies) {
        ASSERT_NE(policy.stores, nullptr);
        EXPECT_EQ(*policy.stores,
                  (TrustStores{{"android", "/etc/stores/android"}, {"mine", dir / "stores/bundle.pem"}}));
    }
}

TEST_F(PolicyReaderTest, TrustThatNamesNoStoreIsTheSystemsBundle)
{
    for (const std::string trust : {"", "trust: {}\n"}) {
        const PolicyFile file = read("version: 1\n" + trust + kPolicies);
        EXPECT_EQ(ids(findings), "");
        ASSERT_FALSE(file.policies.empty());
        EXPECT_EQ(file.policies.front().stores, nullptr);
    }
}

TEST_F(PolicyReaderTest, TrustThatIsMistaken)
{
    const auto trust = [&](const std::string& value) {
        return told_by("version: 1\ntrust:\n  mine: " + value + "\n" + kPolicies);
    };
    EXPECT_EQ(trust("stores"), "");
    EXPECT_EQ(trust("[a]"), "bad-value 3:9");
    EXPECT_EQ(trust("\"\""), "bad-value 3:9");
    EXPECT_EQ(told_by("version: 1\ntrust:\n  \"\": stores\n" + kPolicies), "bad-value 3:3") << "no name";
    EXPECT_EQ(told_by("version: 1\ntrust: x\n" + kPolicies), "bad-value 2:8");
    EXPECT_EQ(told_by("version: 1\ntrust:\n  a: x\n  a: y\n" + kPolicies), "duplicate-key 4:3");
}

TEST_F(PolicyReaderTest, FilesThatCannotBeRead)
{
    const PolicyFile missing = read_policy_file(dir / "missing.yaml", kNow, findings);
    EXPECT_FALSE(missing.parsed);
    EXPECT_EQ(ids(findings), "policy-unreadable");
    EXPECT_EQ(findings.front().place->text(), dir / "missing.yaml");
    findings.clear();
    read_policy_file(dir.path(), kNow, findings);
    EXPECT_EQ(ids(findings), "policy-unreadable") << "a directory";
    findings.clear();
    read_policy_file("/dev/zero", kNow, findings);
    EXPECT_EQ(ids(findings), "policy-unreadable");
}

TEST_F(PolicyReaderTest, ControlCharactersOfAFileReachNoTerminal)
{
    read("version: 1\n\"\\x1b[31m\": 1\n");
    for (const Finding& finding : findings) {
        EXPECT_EQ(text_of(finding).find('\x1b'), std::string::npos);
    }
    EXPECT_FALSE(findings.empty());
}

}  // namespace
