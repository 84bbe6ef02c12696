// When hpkp export refuses, and what it says of what a format cannot carry.
#include "test_exports.hpp"

#include "duration.hpp"

using namespace hpkp;
using namespace hpkp::cli;
using namespace hpkp::test;

namespace {

struct ExportSafety : ExportsTest {
    ExportSafety() { request.hosts = {"www.example.com"}; }

    std::string served(const std::vector<Certificate>& sent) { return chain_file("chain.pem", sent); }
};

TEST_F(ExportSafety, LevelsComeFromTheChains)
{
    policy({www, issuer, root, backup}, {"guard: {}"});
    chains = {served({pki().www, pki().intermediate})};
    to("json");
    const std::vector<PinLevel> found = {exported.pins[0].level, exported.pins[1].level, exported.pins[2].level,
                                         exported.pins[3].level};
    EXPECT_EQ(found, (std::vector<PinLevel>{PinLevel::leaf, PinLevel::issuer, PinLevel::root, PinLevel::unknown}));
    chains = {served({pki().www, pki().intermediate, pki().root})};
    to("json");
    EXPECT_EQ(exported.pins[2].level, PinLevel::issuer) << "it is sent";
    request.level = "leaf";
    to("json");
    EXPECT_EQ(exported.pins[0].level, PinLevel::leaf);
    EXPECT_EQ(exported.pins[1].level, PinLevel::issuer) << "what a chain shows counts";
    EXPECT_EQ(exported.pins[3].level, PinLevel::leaf);
}

TEST_F(ExportSafety, AnAuthoritysKeyIsNoLeafs)
{
    chains = {served({pki().www, pki().intermediate})};
    for (const char* format : {"curl", "envoy"}) {
        policy({www, backup, issuer}, {"guard: {}"});
        EXPECT_TRUE(contains(refusal(format), "the pin \"issuer\" is an authority's")) << format;
        EXPECT_TRUE(contains(refusal(format), "add leaf to the policy's \"clients\""));
        policy({www, backup, issuer}, {"guard: {}", "clients: [chain, leaf]"});
        const std::string text = to(format);
        EXPECT_TRUE(contains(text, pki().www_key.pin().base64())) << format << refusal(format);
        EXPECT_TRUE(contains(text, pki().backup_1.pin().base64()));
        EXPECT_FALSE(contains(text, pki().intermediate_key.pin().base64())) << "nginx wants a leaf's pin besides";
        EXPECT_TRUE(contains(notes(), "\"issuer\" is an authority's, and ")) << notes();
    }
    chains.clear();
    policy({issuer, root}, {"guard: {}"});
    request.level = "ca";
    EXPECT_TRUE(contains(refusal("curl"), "no pin is left that curl compares"));
}

TEST_F(ExportSafety, ARootThatIsNotSentIsNoneOfTheCertificatesSent)
{
    for (const char* format : {"wget2", "tlsa"}) {
        chains = {served({pki().www, pki().intermediate})};
        policy({www, root}, {"enforce: {max-age: 1d}", "guard: {}"});
        EXPECT_TRUE(contains(refusal(format), "the pin \"root\" is of a root that is not sent")) << format;
        policy({www, root}, {"enforce: {max-age: 1d}", "guard: {}", "clients: [sent]"});
        EXPECT_EQ(refusal(format), "") << format;
        EXPECT_TRUE(contains(notes(), "\"root\" is of a root that is not sent"));
        chains = {served({pki().www, pki().intermediate, pki().root})};
        policy({www, root}, {"enforce: {max-age: 1d}", "guard: {}"});
        EXPECT_EQ(refusal(format), "") << format << ": it is sent";
    }
}

TEST_F(ExportSafety, AChainThatTheseClientsRefuse)
{
    policy({issuer, backup}, {"guard: {}", "enforce: {max-age: 1d}"});
    chains = {served({pki().www, pki().intermediate})};
    for (const char* format : {"android", "trustkit", "okhttp", "tlsa", "wget2", "header", "json"}) {
        EXPECT_EQ(refusal(format), "") << format;
    }
    chains.push_back(chain_file("other.pem", {pki().other, pki().other_intermediate}));
    for (const char* format : {"android", "trustkit", "okhttp", "tlsa", "wget2", "header", "json"}) {
        EXPECT_TRUE(contains(refusal(format), "would refuse the chain of")) << format;
        EXPECT_TRUE(contains(refusal(format), "other.pem")) << format;
    }
    // Of the pins that are left: the leaf's is none.
    policy({backup, written(pki().backup_2.pin())}, {"guard: {}"});
    chains = {served({pki().www, pki().intermediate})};
    EXPECT_TRUE(contains(refusal("curl"), "would refuse the chain of"));
    // A chain that leads nowhere.
    chains = {served({pki().www})};
    policy({www, backup}, {"guard: {}"});
    EXPECT_TRUE(contains(refusal("android"), "no client trusts the chain of"));
}

TEST_F(ExportSafety, IosHasOneList)
{
    policy({www, backup}, {"guard: {}"});
    EXPECT_TRUE(contains(refusal("ios"), "usage: iOS keeps leaf keys and authorities' keys apart"));

    const std::string leaves = "NSPinnedLeafIdentities";
    const std::string authorities = "NSPinnedCAIdentities";
    chains = {served({pki().www, pki().intermediate})};
    EXPECT_TRUE(contains(to("ios"), leaves));
    EXPECT_FALSE(contains(to("ios"), authorities));
    EXPECT_TRUE(contains(notes(), "taken as keys of leaves, since no --chain shows what they are: \"backup\""));

    policy({issuer, backup}, {"guard: {}"});
    EXPECT_TRUE(contains(refusal("ios"), "no --chain shows what is pinned by \"backup\""));
    request.level = "ca";
    EXPECT_TRUE(contains(to("ios"), authorities)) << refusal("ios");
    EXPECT_FALSE(contains(to("ios"), leaves));
    policy({root, backup}, {"guard: {}"});
    EXPECT_TRUE(contains(to("ios"), authorities)) << refusal("ios");
    EXPECT_TRUE(contains(notes(), "a root that is not sent is pinned"));

    request.level.clear();
    policy({www, issuer}, {"guard: {}"});
    EXPECT_TRUE(contains(refusal("ios"), "iOS wants all pins in one list"));
    policy({www, issuer}, {"guard: {}", "clients: [chain, leaf]"});
    const std::string text = to("ios");
    EXPECT_TRUE(contains(text, leaves)) << refusal("ios");
    EXPECT_FALSE(contains(text, authorities));
    EXPECT_FALSE(contains(text, pki().intermediate_key.pin().base64()));
    EXPECT_TRUE(contains(notes(), "\"issuer\" is an authority's"));

    chains.clear();
    request.level = "leaf";
    policy({www, backup}, {"guard: {}"});
    EXPECT_TRUE(contains(to("ios"), leaves));
}

TEST_F(ExportSafety, NginxShouldCheckWhatTheClientsDo)
{
    const auto advised = [&](const char* format, const std::string& clients) {
        policy({www, backup}, {"guard: {}", "enforce: {max-age: 1d}", "clients: " + clients});
        EXPECT_EQ(refusal(format), "");
        return contains(notes(), "which nginx does not check for this policy");
    };
    EXPECT_TRUE(advised("curl", "[chain]"));
    EXPECT_TRUE(advised("curl", "[chain, sent]"));
    EXPECT_FALSE(advised("curl", "[leaf]"));
    EXPECT_TRUE(advised("wget2", "[chain]"));
    EXPECT_FALSE(advised("wget2", "[sent]"));
    EXPECT_FALSE(advised("wget2", "[leaf]"));
    EXPECT_TRUE(advised("android", "[sent]"));
    EXPECT_FALSE(advised("android", "[chain]"));
    EXPECT_FALSE(advised("android", "[leaf]"));
    EXPECT_FALSE(advised("header", "[leaf]"));
}

TEST_F(ExportSafety, ExpirationIsTheDayAfterTheLast)
{
    policy({www, backup}, {"guard: {until: 2027-06-01}"});
    for (const char* format : {"android", "trustkit"}) {
        to(format);
        EXPECT_EQ(exported.expiration, "2027-06-02") << format;
        EXPECT_TRUE(contains(notes(), "the pins expire at the start of 2027-06-02")) << notes();
        request.expiration = "2027-05-01";
        to(format);
        EXPECT_EQ(exported.expiration, "2027-05-01");
        EXPECT_EQ(notes().find("the pins expire"), std::string::npos);
        request.expiration = "2027-06-02";
        EXPECT_EQ(refusal(format), "");
        request.expiration = "2027-06-03";
        EXPECT_TRUE(contains(refusal(format), "outlive the guard, whose last day is 2027-06-01"));
        request.expiration.clear();
    }
    EXPECT_FALSE(contains(to("okhttp"), "2027"));
    EXPECT_TRUE(contains(notes(), "until: OkHttp has no expiry, see to it that its pins are gone after 2027-06-01"));
    policy({www, backup}, {"guard: {}"});
    EXPECT_FALSE(contains(to("android"), "expiration"));
    request.expiration = time_text(kNow).substr(0, 10);
    EXPECT_TRUE(contains(refusal("android"), "is over"));
    request.expiration = "2027-02-30";
    EXPECT_TRUE(contains(refusal("android"), "usage: --expiration \"2027-02-30\" is no date"));
}

TEST_F(ExportSafety, ModeByDefaultAndByWish)
{
    const std::string uri = "report-uri: 'https://r.test/'";
    policy({www, backup}, {"guard: {includeSubDomains: true}", "enforce: {max-age: 1d}", "report-only: {" + uri + "}"});
    to("android");
    EXPECT_EQ(exported.mode, ExportMode::guard);
    EXPECT_TRUE(exported.include_subdomains);
    to("wget2");
    EXPECT_EQ(exported.mode, ExportMode::enforce) << "a client of the header";
    EXPECT_FALSE(exported.include_subdomains);
    request.mode = "report-only";
    to("android");
    EXPECT_EQ(exported.mode, ExportMode::report_only);
    EXPECT_TRUE(contains(notes(), "report-only: Android knows no such mode, it enforces the pins"));
    policy({www, backup}, {"enforce: {max-age: 1d}"});
    EXPECT_TRUE(contains(refusal("android"), "usage: policy \"www\" has no report-only"));
    request.mode.clear();
    to("android");
    EXPECT_EQ(exported.mode, ExportMode::enforce);
    EXPECT_TRUE(contains(notes(), "has no guard: add \"guard: {}\""));
    request.hosts = {"a.test", "A.test", "b.test"};
    to("android");
    EXPECT_EQ(exported.hosts, (std::vector<std::string>{"a.test", "b.test"})) << "Android wants a domain once";
    request.hosts.clear();
    EXPECT_TRUE(contains(refusal("android"), "usage: --to android wants the hosts"));
    EXPECT_EQ(refusal("header"), "");
}

TEST_F(ExportSafety, WhatIsNotMeantToBeEnforced)
{
    policy({www, backup}, {"enforce: {max-age: 0}"});
    for (const char* format : {"android", "ios", "trustkit", "okhttp", "curl", "tlsa", "wget2", "envoy"}) {
        request.level = "leaf";
        EXPECT_TRUE(contains(refusal(format), "max-age is 0")) << format;
    }
    EXPECT_TRUE(contains(to("header"), "max-age=0;"));
    policy({www, backup}, {"report-only: {report-uri: 'https://r.test/', allow-mismatch: true}"});
    EXPECT_TRUE(contains(refusal("okhttp"), "allow-mismatch"));
    chains = {served({pki().other, pki().other_intermediate})};
    EXPECT_EQ(refusal("trustkit"), "") << "it reports, and enforces nothing";
    request.platform = "android";
    EXPECT_TRUE(contains(refusal("trustkit"), "allow-mismatch"));
    request.platform.clear();
    EXPECT_EQ(refusal("header"), "");

    chains.clear();
    policy({www}, {"guard: {}"});
    EXPECT_TRUE(contains(refusal("trustkit"), "fewer than two pins"));
    EXPECT_EQ(refusal("okhttp"), "");
    policy({www, backup}, {"guard: {}"});
    request.hosts = {"localhost"};
    EXPECT_TRUE(contains(refusal("trustkit"), "pins localhost: it wants a name with a domain"));
    EXPECT_EQ(refusal("okhttp"), "");
}

TEST_F(ExportSafety, LossesAreTold)
{
    const std::string retired_pin = retired(pki().backup_2.pin());
    request.level = "leaf";
    for (const ExportFormat& format : export_formats()) {
        policy({www, backup, retired_pin},
               {"enforce: {max-age: 1d, includeSubDomains: true, report-uri: 'https://r.test/'}", "clients: [leaf]"});
        const std::string text = to(format.name);
        EXPECT_FALSE(text.empty()) << format.name;
        if (std::string(format.name) != "tlsa") {
            EXPECT_TRUE(contains(text, pki().backup_2.pin().base64())) << format.name << ": nginx takes it too";
        }
        const auto told = [&](const char* what) {
            return contains(notes(), std::string(what) + ": ");
        };
        EXPECT_EQ(told("includeSubDomains"), (format.carries & kSubdomains) == 0) << format.name;
        EXPECT_EQ(told("report-uri"), (format.carries & kReportUri) == 0) << format.name;
        EXPECT_EQ(told("max-age"), (format.carries & kMaxAge) == 0) << format.name;
        EXPECT_EQ(told("retired"), (format.carries & kRetired) == 0) << format.name;
        EXPECT_FALSE(told("until")) << format.name;
        EXPECT_FALSE(told("report-only")) << format.name;

        policy({www, backup}, {"enforce: {max-age: 1d}", "clients: [leaf]"});
        to(format.name);
        for (const char* what : {"includeSubDomains", "report-uri", "retired"}) {
            EXPECT_FALSE(told(what)) << format.name << " " << what;
        }
    }
}

}  // namespace
