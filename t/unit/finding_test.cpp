#include "finding.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace hpkp;

namespace {

Finding sample()
{
    Finding finding(FindingId::no_pin_in_chain, Place{"pins.yaml", 5, 3}, "nothing matches", "pin something");
    finding.servers = {{"nginx.conf", 12, 0}};
    finding.details = {"a certificate"};
    return finding;
}

/// Whether every byte belongs to a character of UTF-8.
bool is_utf8(const std::string& text)
{
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<unsigned char>(text[i++]);
        const int more = byte < 0x80 ? 0 : byte >= 0xf0 && byte < 0xf5 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : -1;
        if (more < 0 || byte >= 0xf5) {
            return false;
        }
        for (int n = 0; n < more; n++) {
            if (i >= text.size() || (static_cast<unsigned char>(text[i++]) & 0xc0) != 0x80) {
                return false;
            }
        }
    }
    return true;
}

TEST(Finding, Ids)
{
    EXPECT_EQ(id_text(FindingId::no_pin_in_chain), "no-pin-in-chain");
    EXPECT_EQ(id_text(FindingId::regex_host), "regex-host");
    EXPECT_EQ(id_text(FindingId::policy_unreadable), "policy-unreadable");
}

TEST(Finding, EveryIdHasTheSeverityOfTheSpecification)
{
    const std::set<std::string_view> warnings = {
        "too-many-pins", "max-age-long",     "single-backup",    "backup-key-online",
        "file-writable", "off-path-pin",     "root-only-pin",    "leaf-expires-first",
        "chain-expired", "path-limit",       "name-not-covered", "policy-flapping",
        "ip-host",       "unqualified-host", "regex-host",       "path-in-doubt",
        "ledger-off",    "clock-went-back",  "guard-over",       "never-report-only",
        "max-age-jump",  "not-rehearsed",
    };
    const std::set<std::string_view> notes = {"private-pki", "anchor-expired"};
    std::set<std::string_view> seen;
#define HPKP_FINDING(name, id, severity)                                                                               \
    EXPECT_EQ(id_text(FindingId::name), id);                                                                           \
    EXPECT_EQ(usual_severity(FindingId::name), warnings.count(id) != 0 ? Severity::warning                             \
                                               : notes.count(id) != 0  ? Severity::note                                \
                                                                       : Severity::error)                               \
        << (id);                                                                                                       \
    EXPECT_TRUE(seen.insert(id).second) << (id);
#include "finding_ids.def"
#undef HPKP_FINDING
    for (const auto* ids : {&warnings, &notes}) {
        for (const std::string_view id : *ids) {
            EXPECT_EQ(seen.count(id), 1U) << id;
        }
    }
}

TEST(Finding, PlacesAsText)
{
    EXPECT_EQ((Place{"f", 0, 0}).text(), "f");
    EXPECT_EQ((Place{"f", 5, 0}).text(), "f:5");
    EXPECT_EQ((Place{"f", 5, 3}).text(), "f:5:3");
    EXPECT_TRUE((Place{"f", 5, 3}) < (Place{"f", 5, 4}));
    EXPECT_TRUE((Place{"f", 5, 3}) < (Place{"f", 6, 1}));
    EXPECT_TRUE((Place{"e", 9, 9}) < (Place{"f", 1, 1}));
    EXPECT_TRUE((Place{"f", 5, 3}) == (Place{"f", 5, 3}));
    EXPECT_FALSE((Place{"f", 5, 3}) == (Place{"f", 5, 4}));
    EXPECT_FALSE((Place{"f", 5, 3}) == (Place{"g", 5, 3}));
    EXPECT_FALSE((Place{"f", 5, 3}) == (Place{"f", 6, 3}));
}

TEST(Finding, Rendered)
{
    const auto lines = render(sample());
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_EQ(lines[0].text, "no-pin-in-chain: pins.yaml:5:3, in nginx.conf:12: nothing matches");
    EXPECT_EQ(lines[1].text, "    a certificate");
    EXPECT_EQ(lines[2].text, "    remedy: pin something");
    EXPECT_EQ(lines[3].text, "    see: docs/findings.md#no-pin-in-chain");
    for (const Line& line : lines) {
        EXPECT_EQ(line.severity, Severity::error);
    }
}

TEST(Finding, RenderedWithoutSomePlaces)
{
    Finding finding = sample();
    finding.servers.clear();
    EXPECT_EQ(render(finding)[0].text, "no-pin-in-chain: pins.yaml:5:3: nothing matches");
    finding.place.reset();
    EXPECT_EQ(render(finding)[0].text, "no-pin-in-chain: nothing matches");
    finding.servers = {{"nginx.conf", 12, 0}, {"nginx.conf", 30, 0}};
    EXPECT_EQ(render(finding)[0].text, "no-pin-in-chain: in nginx.conf:12, in nginx.conf:30: nothing matches");
}

TEST(Finding, ThreeOfManyServers)
{
    Finding finding = sample();
    finding.place.reset();
    finding.servers.clear();
    for (unsigned line = 1; line <= 17; line++) {
        finding.servers.push_back({"f", line, 0});
        const std::string text = render(finding)[0].text;
        if (line == 3) {
            EXPECT_EQ(text, "no-pin-in-chain: in f:1, in f:2, in f:3: nothing matches");
        }
        if (line == 4) {
            EXPECT_EQ(text, "no-pin-in-chain: in f:1, in f:2, in f:3 (3 of 4 servers): nothing matches");
        }
    }
    EXPECT_NE(render(finding)[0].text.find("(3 of 17 servers)"), std::string::npos);
}

TEST(Finding, TheSeverityIsThatOfTheFinding)
{
    Finding finding = sample();
    finding.severity = Severity::warning;
    for (const Line& line : render(finding)) {
        EXPECT_EQ(line.severity, Severity::warning);
    }
    EXPECT_EQ(count({finding, sample()}, Severity::warning), 1U);
    EXPECT_EQ(count({finding, sample()}, Severity::error), 1U);
    EXPECT_EQ(count({finding, sample()}, Severity::note), 0U);
}

TEST(Finding, NoControlCharacterComesOut)
{
    Finding finding = sample();
    finding.what = std::string("a\x1b[31m\nb\r\t\x7f") + '\0';
    finding.details = {"x\ny"};
    finding.remedy = "do\x01";
    for (const Line& line : render(finding)) {
        for (const char c : line.text) {
            EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << line.text;
        }
    }
}

TEST(Finding, NoLineIsTooLong)
{
    Finding finding = sample();
    finding.what = std::string(100000, 'x');
    finding.details = {std::string(100000, 'y')};
    finding.remedy = std::string(100000, 'z');
    for (const Line& line : render(finding)) {
        EXPECT_LE(line.text.size(), 1900U);
    }
    finding.what = std::string(1900 - std::string("no-pin-in-chain: pins.yaml:5:3, in nginx.conf:12: ").size(), 'x');
    EXPECT_EQ(render(finding)[0].text.size(), 1900U);
    EXPECT_EQ(render(finding)[0].text.find("..."), std::string::npos) << "it just fits";
}

TEST(Finding, LinesAreCutBetweenCharacters)
{
    Finding finding = sample();
    for (std::size_t shift = 0; shift < 4; shift++) {
        finding.what = std::string(shift, 'x');
        for (int i = 0; i < 1000; i++) {
            finding.what += "\xe2\x82\xac";
        }
        EXPECT_TRUE(is_utf8(render(finding)[0].text)) << shift;
    }
}

TEST(Finding, OnlyUtf8ComesOut)
{
    Finding finding = sample();
    finding.what = "\xff\xfe \xc3\xa4 \xc3";
    EXPECT_TRUE(is_utf8(render(finding)[0].text));
    EXPECT_NE(render(finding)[0].text.find("\xc3\xa4"), std::string::npos);
}

}  // namespace
