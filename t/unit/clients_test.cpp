// What each client does with the same headers, on real chains.
#include "test_pki.hpp"
#include "test_site.hpp"

#include "clients/client.hpp"
#include "clients/header_checks.hpp"

#include <gtest/gtest.h>

#include <map>

using namespace hpkp;
using namespace hpkp::test;
using namespace hpkp::cli;

namespace {

std::string pin(const Entity& owner)
{
    return "pin-sha256=\"" + owner.pin().base64() + "\"";
}

std::string joined(const std::vector<std::string>& parts)
{
    std::string text;
    for (const std::string& part : parts) {
        text += (text.empty() ? "" : "; ") + part;
    }
    return text;
}

/// A live pin and a backup.
std::string good(const std::string& more = "max-age=3600")
{
    return joined({more, pin(pki().www_key), pin(pki().backup_1)});
}

std::string report_only_of(const Client& client, const Observation& seen)
{
    return client.judge(seen).report_only;
}

/// A connection, which may be made other than it should be.
class Visit {
public:
    explicit Visit(const Chain& chain = pki().www_chain, std::vector<Certificate> roots = {pki().root},
                   const std::string& host = "www.example.com")
        : store_(dir_.write("store.pem", pem(roots))),
          site_(site_of(host, chain, {}, TrustStores{{"own", store_}}, kNow))
    {
        seen.tls = true;
        seen.host = host;
        seen.chain = site_.pairs.front().chain;
        seen.paths = site_.pairs.front().paths;
        seen.name_covered = seen.chain->leaf().covers(host);
        seen.built_in = true;
    }

    Visit& header(const std::string& value, const std::string& name = kPinsHeader)
    {
        seen.fields.push_back({name, value});
        return *this;
    }

    /// "note ignore note locked-out": RFC 7469, Chromium, Firefox, Wget2.
    std::string actions() const
    {
        std::string text;
        for (const Client& client : all_clients()) {
            text += (text.empty() ? "" : " ") + action_text(client.judge(seen).action);
        }
        return text;
    }

    std::string report_only() const
    {
        std::string text;
        for (const Client& client : all_clients()) {
            text += report_only_of(client, seen) + "\n";
        }
        return text;
    }

    Observation seen;

private:
    TempDir dir_;
    std::string store_;
    Site site_;
};

std::string actions(const std::string& value)
{
    return Visit().header(value).actions();
}

const std::string kAllNote = "note note note note";
const std::string kNoneNotes = "ignore ignore ignore ignore";

TEST(Clients, NothingWithoutAHeader)
{
    EXPECT_EQ(Visit().actions(), "nothing nothing nothing nothing");
}

TEST(Clients, NoteALivePinAndABackup)
{
    Visit visit;
    visit.header(good("max-age=9000000; includeSubDomains"));
    EXPECT_EQ(visit.actions(), kAllNote);
    EXPECT_EQ(judge_as_rfc(visit.seen).max_age, 9000000);
    EXPECT_EQ(judge_as_chromium(visit.seen).max_age, 5184000);
    EXPECT_EQ(judge_as_firefox(visit.seen).max_age, 5184000);
    EXPECT_EQ(judge_as_wget2(visit.seen).max_age, 9000000);
    for (const Client& client : all_clients()) {
        EXPECT_TRUE(client.judge(visit.seen).include_subdomains) << client.id;
    }
    EXPECT_FALSE(judge_as_rfc(Visit().header(good()).seen).include_subdomains);
}

TEST(Clients, ConnectionsWherePinsMeanNothing)
{
    Visit plain;
    plain.seen.tls = false;
    plain.seen.chain = nullptr;
    plain.seen.paths = nullptr;
    EXPECT_EQ(plain.header(good()).actions(), kNoneNotes);

    Visit address;
    address.seen.address = true;
    EXPECT_EQ(address.header(good()).actions(), kNoneNotes);

    EXPECT_EQ(Visit(pki().www_chain, {pki().root}, "other.example.net").header(good()).actions(), kNoneNotes);
    EXPECT_EQ(Visit(pki().www_chain, {pki().other_root}).header(good()).actions(), kNoneNotes);

    const Pki& p = pki();
    const Chain expired = chain({leaf_until(p.www_key, p.intermediate_key, kNow - kDay), p.intermediate});
    EXPECT_EQ(Visit(expired).header(good()).actions(), kNoneNotes);
}

TEST(Clients, WhatIsInTheChainAndWhatIsABackup)
{
    const Pki& p = pki();
    // No live pin: Wget2 does not look.
    EXPECT_EQ(actions(joined({"max-age=60", pin(p.backup_1), pin(p.backup_2)})), "ignore ignore ignore locked-out");
    // No backup: Wget2 asks for none.
    EXPECT_EQ(actions(joined({"max-age=60", pin(p.www_key), pin(p.root_key)})), "ignore ignore ignore note");
    EXPECT_EQ(actions(joined({"max-age=60", pin(p.www_key)})), "ignore ignore ignore note");
    // A root that is not sent is in the validated chain alone.
    const std::string root_only = joined({"max-age=60", pin(p.root_key), pin(p.backup_1)});
    EXPECT_EQ(actions(root_only), "note note note locked-out");
    EXPECT_EQ(Visit(p.www_chain_with_root).header(root_only).actions(), kAllNote);
    // What is sent and on no path is for Wget2 alone.
    const Chain more = chain({p.www, p.intermediate, p.other_intermediate});
    EXPECT_EQ(Visit(more).header(joined({"max-age=60", pin(p.other_intermediate_key), pin(p.backup_1)})).actions(),
              "ignore ignore ignore note");
}

TEST(Clients, SomePathsOnly)
{
    const Pki& p = pki();
    const Certificate cross = ca(p.intermediate_key, p.other_root_key);
    Visit visit(chain({p.www, p.intermediate, cross}), {p.root, p.other_root});
    ASSERT_EQ(visit.seen.paths->paths.size(), 2U);
    visit.header(joined({"max-age=60", pin(p.root_key), pin(p.backup_1)}));
    EXPECT_EQ(visit.actions(), "note note note locked-out");
    EXPECT_NE(judge_as_rfc(visit.seen).why.find("1 of the 2 paths"), std::string::npos);
    EXPECT_NE(judge_as_rfc(visit.seen).why.find("locked out"), std::string::npos);
}

TEST(Clients, MaxAgeZero)
{
    EXPECT_EQ(actions(good("max-age=0")), "forget forget forget forget");
    EXPECT_EQ(actions("max-age=0"), "forget ignore forget forget");
    EXPECT_EQ(actions(joined({"max-age=0", pin(pki().backup_1), pin(pki().backup_2)})), "forget ignore forget forget");
}

TEST(Clients, RootsInstalledByHand)
{
    Visit visit;
    visit.seen.built_in = false;
    visit.header(good());
    EXPECT_EQ(visit.actions(), "note note ignore note");
    EXPECT_NE(judge_as_chromium(visit.seen).why.find("enforces nothing"), std::string::npos);
    EXPECT_EQ(judge_as_rfc(visit.seen).why.find("enforces nothing"), std::string::npos);
}

TEST(Clients, OnlyTheFirstHeaderCounts)
{
    EXPECT_EQ(Visit().header(good()).header("x").actions(), "note note ignore note");
    EXPECT_EQ(Visit().header("x").header(good()).actions(), "ignore ignore ignore forget");
    EXPECT_EQ(Visit().header(good(), "PUBLIC-KEY-PINS").actions(), kAllNote);
}

TEST(Clients, HeaderNamesAsWget2ReadsThem)
{
    EXPECT_EQ(Visit().header(good(), "Public").actions(), "nothing nothing nothing note");
    EXPECT_EQ(Visit().header(good(), "p").actions(), "nothing nothing nothing note");
    EXPECT_EQ(Visit().header(good(), "Public-Key-Pinsx").actions(), "nothing nothing nothing nothing");
    EXPECT_EQ(Visit().header(good(), "Pragma").actions(), "nothing nothing nothing nothing");
}

TEST(Clients, NamesWithoutADot)
{
    const Pki& p = pki();
    const Chain local = chain({leaf(p.www_key, p.intermediate_key, {"localhost"}), p.intermediate});
    EXPECT_EQ(Visit(local, {p.root}, "localhost").header(good()).actions(), "note note ignore note");
}

// Header, what is done: RFC 7469, Chromium, Firefox, Wget2.
TEST(Clients, WhereTheirReadersDiffer)
{
    const std::string live = pin(pki().www_key);
    const std::string backup = pin(pki().backup_1);
    const std::string www = pki().www_key.pin().base64();
    const std::string pins = live + "; " + backup;
    const std::pair<std::string, std::string> cases[] = {
        {pins, "ignore ignore ignore forget"},
        {"max-age=60;; " + pins + ";", kAllNote},
        {"max-age=\"60\"; " + pins, kAllNote},
        {"max-age='60'; " + pins, "ignore note ignore forget"},
        {"max-age = 60; " + pins, "ignore note note note"},
        {"max-age=60; max-age=0; " + pins, "ignore forget ignore forget"},
        {"max-age=0; max-age=60; " + pins, "ignore note ignore note"},
        {"max-age=60abc; " + pins, "ignore ignore ignore note"},
        {"max-age=+60; " + pins, "ignore ignore ignore note"},
        {"max-age=-60; " + pins, "ignore ignore ignore forget"},
        {"max-age; " + pins, "ignore ignore ignore forget"},
        {"max-age=; " + pins, "ignore ignore ignore forget"},
        {"max-age=99999999999999999999; " + pins, "note note note forget"},
        {"max-age=60, " + pins, "ignore ignore ignore note"},
        {"max-age=60; includeSubDomains=\"\"; " + pins, "ignore note ignore note"},
        {"max-age=60; includeSubDomains; includeSubDomains; " + pins, "ignore note ignore note"},
        {"max-age=60; unknown; x=y; " + pins, kAllNote},
        {"max-age=60; unknown=; " + pins, "ignore ignore ignore note"},
        {"max-age=60; report-uri=\"https://r.test/\"; " + pins, kAllNote},
        {"max-age=60; report-uri=\"/r\"; " + pins, "note ignore note note"},
        {"max-age=60; report-uri=r; " + pins, "ignore ignore ignore note"},
        {"max-age=60; pin-sha1=\"abc\"; " + pins, kAllNote},
        {"max-age=60; pin-sha1=\"abc\"", "ignore ignore ignore locked-out"},
        {"max-age=60; pin-sha256=\"abc\"; " + pins, "ignore ignore ignore note"},
        {"max-age=60; pin-sha256='" + www + "'; " + backup, "ignore note ignore locked-out"},
        {"max-age=60; PIN-SHA256=\"" + www + "\"; " + backup, "note note note locked-out"},
        {"max-age=60; pin-sha256=\" " + www + "\"; " + backup, "ignore ignore ignore note"},
        {"max-age=60; pin-sha256=\"" + www.substr(0, 43) + "\"; " + backup, "ignore ignore ignore note"},
        {"max-age=60; " + backup + "; pin-sha256=\"" + www, "ignore ignore ignore note"},
    };
    for (const auto& [value, wanted] : cases) {
        EXPECT_EQ(actions(value), wanted) << value;
    }
}

/// A key whose pin has a "/" in its base64, or has none.
Entity key_with_slash(bool slash)
{
    Entity key("www.example.com");
    while ((key.pin().base64().find('/') != std::string::npos) != slash) {
        key = Entity("www.example.com");
    }
    return key;
}

TEST(Clients, Wget2CutsUnquotedPins)
{
    const Pki& p = pki();
    for (const bool slash : {false, true}) {
        const Entity key = key_with_slash(slash);
        Visit visit(chain({leaf(key, p.intermediate_key), p.intermediate}));
        visit.header("max-age=60; pin-sha256=" + key.pin().base64() + "; " + pin(p.backup_1));
        EXPECT_EQ(visit.actions(), slash ? "ignore ignore ignore locked-out" : "ignore ignore ignore note");
    }
}

TEST(Clients, ReportOnly)
{
    const Pki& p = pki();
    const std::string report_uri = "report-uri=\"https://r.test/\"";
    const auto reported = [](const std::string& value) {
        return Visit().header(value, kReportOnlyHeader).report_only();
    };
    EXPECT_EQ(Visit().report_only(), "\n\n\n\n");
    EXPECT_EQ(Visit().header(good(report_uri), kReportOnlyHeader).actions(), "nothing nothing nothing nothing");

    const std::string matching = reported(good(report_uri));
    EXPECT_EQ(matching.find("nothing to report: the pins match\nnothing to report: the pins match\nignored: "), 0U)
        << matching;
    // It needs no backup.
    EXPECT_EQ(reported(joined({report_uri, pin(p.www_key)})).find("nothing to report"), 0U);
    const std::string missing = reported(joined({report_uri, pin(p.backup_1), pin(p.backup_2)}));
    EXPECT_EQ(missing.find("reports this visit: none"), 0U) << missing;
    EXPECT_NE(missing.find("\nreports this visit: none"), std::string::npos) << missing;
    EXPECT_NE(reported(good("max-age=1")).find("no report-uri"), std::string::npos);
    EXPECT_NE(reported("@").find("ignored: the header is malformed"), std::string::npos);
}

TEST(HeaderChecks, SayWhatNginxWouldSay)
{
    const Pki& p = pki();
    TempDir dir;
    const TrustStores own{{"own", dir.write("store.pem", pem({p.root}))}};
    const auto found = [&](const std::string& enforced, const std::string& report_only = "") {
        Visit visit;
        visit.header(enforced);
        if (!report_only.empty()) {
            visit.header(report_only, kReportOnlyHeader);
        }
        const PinsHeaders headers = read_headers(visit.seen);
        Site site = site_of("www.example.com", p.www_chain, headers, own, kNow);
        visit.seen.chain = site.pairs.front().chain;
        visit.seen.paths = site.pairs.front().paths;
        const Findings findings = check_headers(visit.seen, headers, site);
        for (const Finding& finding : findings) {
            EXPECT_FALSE(finding.place) << text_of(finding);
            EXPECT_TRUE(finding.servers.empty()) << text_of(finding);
            EXPECT_FALSE(finding.remedy.empty()) << text_of(finding);
        }
        return ids(findings);
    };
    const std::string two = pin(p.backup_1) + "; " + pin(p.backup_2);
    EXPECT_EQ(found("max-age=60; " + pin(p.www_key) + "; " + two), "");
    EXPECT_EQ(found(good()), "single-backup");
    EXPECT_EQ(found("max-age=60; " + two), "no-pin-in-chain");
    EXPECT_EQ(found("max-age=60; " + pin(p.root_key) + "; " + two), "root-only-pin");
    EXPECT_EQ(found("max-age=9999999; " + pin(p.intermediate_key) + "; " + two), "max-age-long");
    EXPECT_EQ(found("max-age=60; " + pin(p.www_key) + "; " + two + "; report-uri=\"https://www.example.com/r\""),
              "report-uri-self");
    EXPECT_EQ(found("max-age=60; " + pin(p.www_key) + "; " + two + "; report-uri=\"/r\""), "report-uri-invalid");
    EXPECT_EQ(found("max-age=60; " + pin(p.www_key) + "; " + two + "; pin-sha256=\"x\""), "bad-pin");
    EXPECT_EQ(found("max-age=60; " + pin(p.www_key) + "; " + two + "; " + pin(p.backup_1)), "duplicate-pin");
    EXPECT_EQ(found("@"), "");  // malformed: the clients' verdict says so
    EXPECT_EQ(found("max-age=60; " + pin(p.www_key) + "; " + two, two), "no-pin-in-chain report-only-needs-report-uri");
    // A policy that is taken back locks nobody out.
    Visit visit;
    visit.header("max-age=0; " + two);
    const PinsHeaders headers = read_headers(visit.seen);
    Site site = site_of("www.example.com", p.www_chain, headers, own, kNow);
    visit.seen.chain = site.pairs.front().chain;
    visit.seen.paths = site.pairs.front().paths;
    EXPECT_EQ(only(check_headers(visit.seen, headers, site), FindingId::no_pin_in_chain).severity, Severity::warning);
}

}  // namespace
