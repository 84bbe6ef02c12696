// What each format of hpkp export looks like. Real parsers and clients read them in t/tool_export*.t.
#include "test_exports.hpp"

#include "duration.hpp"
#include "exports/text.hpp"
#include "exports/xml.hpp"
#include "header.hpp"
#include "input.hpp"
#include "server_input.hpp"

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include <regex>

using namespace hpkp;
using namespace hpkp::cli;
using namespace hpkp::test;

namespace {

using ExportFormats = ExportsTest;

const std::string kOnes = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const std::string kTwos = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

std::string ones(const std::string& more)
{
    return "{pin-sha256: \"" + kOnes + "\"" + more + "}";
}
std::string twos(const std::string& more)
{
    return "{pin-sha256: \"" + kTwos + "\"" + more + "}";
}

TEST_F(ExportFormats, Okhttp)
{
    policy({ones(", name: in use"), twos("")}, {"guard: {}"});
    request.hosts = {"example.com", "www.example.net"};
    EXPECT_EQ(to("okhttp"), "// Made by hpkp export from policy \"www\".\n"
                            "import okhttp3.CertificatePinner\n\n"
                            "val certificatePinner = CertificatePinner.Builder()\n"
                            "    .add(\n"
                            "        \"example.com\",\n"
                            "        \"sha256/"
                                + kOnes
                                + "\", // in use\n"
                                  "        \"sha256/"
                                + kTwos
                                + "\"\n"
                                  "    )\n"
                                  "    .add(\n"
                                  "        \"www.example.net\",\n"
                                  "        \"sha256/"
                                + kOnes
                                + "\", // in use\n"
                                  "        \"sha256/"
                                + kTwos
                                + "\"\n"
                                  "    )\n"
                                  "    .build()\n");
    policy({ones(""), twos("")}, {"guard: {includeSubDomains: true}"});
    const std::string text = to("okhttp");
    EXPECT_TRUE(contains(text, "\"**.example.com\"")) << "with the host itself, unlike *.";
    EXPECT_FALSE(contains(text, "\"example.com\""));
}

TEST_F(ExportFormats, Curl)
{
    policy({ones(", name: x"), twos("")}, {"guard: {}", "clients: [leaf]"});
    EXPECT_EQ(to("curl"), "sha256//" + kOnes + ";sha256//" + kTwos + "\n");
}

TEST_F(ExportFormats, Tlsa)
{
    policy({www, issuer}, {"guard: {}", "clients: [sent]"});
    request.hosts = {"www.example.com"};
    request.port = 8443;
    chains = {chain_file("chain.pem", {pki().www, pki().intermediate})};
    const std::string text = to("tlsa");
    EXPECT_TRUE(std::regex_match(
        text, std::regex("; Made by .*\n_8443\\._tcp\\.www\\.example\\.com\\. IN TLSA 3 1 1 [0-9a-f]{64} ; leaf\n"
                         "_8443\\._tcp\\.www\\.example\\.com\\. IN TLSA 2 1 1 [0-9a-f]{64} ; issuer\n")))
        << text;

    policy({ones(""), twos("")}, {"guard: {}", "clients: [sent]"});
    chains.clear();
    const std::string digest = " 1 1 0101010101010101010101010101010101010101010101010101010101010101\n";
    EXPECT_TRUE(contains(to("tlsa"), " 3" + digest)) << "what it is of is not known:";
    EXPECT_TRUE(contains(to("tlsa"), " 2" + digest)) << "either way a record";
    EXPECT_TRUE(contains(notes(), "a record for either"));
    policy({ones(""), twos("")}, {"guard: {}", "clients: [leaf]"});
    EXPECT_TRUE(contains(to("tlsa"), " 3" + digest));
    EXPECT_FALSE(contains(to("tlsa"), " 2" + digest)) << "nginx wants a leaf's pin";
    request.level = "ca";
    EXPECT_TRUE(contains(refusal("tlsa"), "the policy's clients compare the leaf, and no pin is a leaf's"));
    policy({ones(""), twos("")}, {"guard: {}", "clients: [sent]"});
    EXPECT_TRUE(contains(to("tlsa"), " 2 1 1 0202020202020202020202020202020202020202020202020202020202020202\n"));
}

TEST_F(ExportFormats, Wget2)
{
    policy({ones(", retired: true"), twos("")}, {"enforce: {max-age: 30d, includeSubDomains: true}", "guard: {}"});
    request.hosts = {"www.example.com"};
    EXPECT_EQ(to("wget2"), "# HPKP 1.0 file\n#<hostname> <incl. subdomains> <created> <max-age>\n\n"
                           "www.example.com 1 "
                               + std::to_string(kNow) + " 2592000\n*sha256 " + kOnes + "\n*sha256 " + kTwos + "\n")
        << "what the header says, not the guard";

    const std::string until = time_text(kNow + kDay).substr(0, 10);
    policy({ones(""), twos("")}, {"guard: {until: " + until + "}"});
    EXPECT_TRUE(contains(to("wget2"), std::to_string(*parse_date(until) + kDay - kNow) + "\n*sha256"));
    policy({ones(""), twos("")}, {"guard: {}"});
    EXPECT_TRUE(contains(refusal("wget2"), "usage: GNU Wget2 wants to know how long"));
    policy({ones(""), twos("")}, {"report-only: {report-uri: 'https://r.test/'}"});
    EXPECT_TRUE(contains(refusal("wget2"), "usage: GNU Wget2 wants to know how long"));
}

TEST_F(ExportFormats, EnvoyIsYaml)
{
    policy({ones(", name: \"a: b # c\""), twos(", name: '- \"d'")}, {"guard: {}", "clients: [leaf]"});
    const YAML::Node list = YAML::Load(to("envoy"))["verify_certificate_spki"];
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0].as<std::string>(), kOnes);
    EXPECT_EQ(list[1].as<std::string>(), kTwos);
}

TEST_F(ExportFormats, HeaderIsThatOfTheModule)
{
    const std::string uri = "report-uri: 'https://r.test/?a=b&c'";
    policy({ones(", retired: true"), twos("")}, {"enforce: {max-age: 1h, includeSubDomains: true, " + uri + "}",
                                                 "report-only: {" + uri + ", pins: [" + twos("") + "]}", "guard: {}"});
    const Policy& www = file->policies.front();
    const std::string enforced = "Public-Key-Pins: " + enforce_header(*www.enforce, 3600, www.pin_sets[0]) + "\n";
    const std::string reported =
        "Public-Key-Pins-Report-Only: " + report_only_header(*www.report_only, www.pin_sets[1]) + "\n";
    EXPECT_EQ(to("header"), enforced + reported);
    EXPECT_TRUE(contains(enforced, kOnes)) << "a retired pin is sent";
    EXPECT_FALSE(contains(reported, kOnes)) << "it has pins of its own";
    request.mode = "enforce";
    EXPECT_EQ(to("header"), enforced);
    request.mode = "report-only";
    EXPECT_EQ(to("header"), reported);
    request.mode = "guard";
    EXPECT_TRUE(contains(refusal("header"), "usage: a guard sends no header"));
    EXPECT_EQ(notes(), "");
}

TEST_F(ExportFormats, Json)
{
    policy({ones(", name: \"\\\"a\\\\\", retired: true"), twos("")},
           {"guard: {until: 2027-06-01, includeSubDomains: true}", "clients: [chain, leaf]"});
    request.hosts = {"WWW.Example.com"};
    const nlohmann::json expected = {
        {"version", 1},
        {"policy", "www"},
        {"mode", "guard"},
        {"hosts", {"www.example.com"}},
        {"include-subdomains", true},
        {"clients", {"chain", "leaf"}},
        {"pins",
         {{{"pin-sha256", kOnes}, {"name", "\"a\\"}, {"retired", true}, {"level", nullptr}},
          {{"pin-sha256", kTwos}, {"name", nullptr}, {"retired", false}, {"level", nullptr}}}},
        {"max-age", nullptr},
        {"until", *parse_date("2027-06-02")},
        {"report-uri", nullptr}};
    EXPECT_EQ(nlohmann::json::parse(to("json")), expected);
    policy({ones(""), twos("")}, {"enforce: {max-age: 1h, report-uri: 'https://r.test/'}"});
    const auto document = nlohmann::json::parse(to("json"));
    EXPECT_EQ(document["mode"], "enforce");
    EXPECT_EQ(document["max-age"], 3600);
    EXPECT_EQ(document["report-uri"], "https://r.test/");
}

TEST_F(ExportFormats, ReportsOfTrustKit)
{
    const std::string uri = "report-uri: 'https://www.example.com/r?a&b'";
    policy({ones(""), twos("")}, {"enforce: {max-age: 1h, " + uri + "}"});
    request.hosts = {"www.example.com"};
    EXPECT_TRUE(contains(to("trustkit"), "<string>https://www.example.com/r?a&amp;b</string>"));
    EXPECT_TRUE(contains(notes(), "reports go to www.example.com, which is pinned too"));
    request.platform = "android";
    EXPECT_TRUE(contains(to("trustkit"), "<report-uri>https://www.example.com/r?a&amp;b</report-uri>"));
    request.hosts = {"example.com"};
    to("trustkit");
    EXPECT_FALSE(contains(notes(), "reports go to"));

    policy({ones(""), twos("")}, {"report-only: {" + uri + "}"});
    EXPECT_TRUE(contains(to("trustkit"), "enforcePinning=\"false\""));
    EXPECT_TRUE(contains(notes(), "Android 7 and later enforce the pin-set"));
    request.platform = "ios";
    EXPECT_TRUE(std::regex_search(to("trustkit"), std::regex("<key>TSKEnforcePinning</key>\\s*<false/>")));
}

TEST(ExportTexts, AreEscaped)
{
    EXPECT_EQ(xml_text("a&b<c>\"d'\x01"), "a&amp;b&lt;c&gt;&quot;d'?");
    EXPECT_EQ(kotlin_string("a\"b\\c$d\n"), "\"a\\\"b\\\\c\\$d?\"");
    EXPECT_EQ(yaml_string("a\"b\\c\n"), "\"a\\\"b\\\\c?\"");
    EXPECT_EQ(comment_text("a--b----\\u000a\n*/"), "a~-b~~~-/u000a?*/");
    EXPECT_EQ(comment_text("\u0085\u2028\u2029\u202e\u2066 \u00e4\u20ac"), "????? \u00e4\u20ac");
    EXPECT_EQ(comment_text(std::string(1000, 'x')).size(), 100U);

    XmlWriter xml;
    xml.open("a", {{"b", "\"<"}});
    xml.element("c", "&", {}, "-->");
    xml.element("d", "");
    xml.close();
    EXPECT_EQ(xml.text(), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b=\"&quot;&lt;\">\n"
                          "    <c>&amp;</c> <!-- ~-> -->\n    <d/>\n</a>\n");
}

TEST(ExportHosts, Valid)
{
    for (const char* host : {"www.example.com", "a", "localhost", "xn--bcher-kva.example", "1.2.3.a", "a-b.c"}) {
        EXPECT_EQ(valid_host(host), host);
    }
    EXPECT_EQ(valid_host("WWW.Example.COM"), "www.example.com");
    EXPECT_EQ(valid_host(std::string(63, 'a') + ".b"), std::string(63, 'a') + ".b");
    for (const std::string& host : {std::string(),
                                    std::string("."),
                                    std::string("a."),
                                    std::string(".a"),
                                    std::string("a..b"),
                                    std::string("-a.b"),
                                    std::string("a-.b"),
                                    std::string("a_b.c"),
                                    std::string("a b"),
                                    std::string("a/b"),
                                    std::string("a:443"),
                                    std::string("*.a.b"),
                                    std::string("a.*"),
                                    std::string("127.0.0.1"),
                                    std::string("::1"),
                                    std::string("[::1]"),
                                    std::string("1.2.3"),
                                    std::string("a.1"),
                                    std::string("b\xc3\xbc"
                                                "cher.example"),
                                    std::string("a\nb.c"),
                                    std::string("a\"b"),
                                    std::string("$a.b"),
                                    std::string(64, 'a') + ".b",
                                    std::string("a\0b.c", 5)}) {
        EXPECT_THROW(valid_host(host), InputError) << host;
    }
    std::string longest = "a";
    while (longest.size() < 253) {
        longest += ".a";
    }
    EXPECT_EQ(valid_host(longest), longest);
    EXPECT_THROW(valid_host(longest + ".a"), InputError);
}

}  // namespace
