#include "test_pki.hpp"

#include "header_parser.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

using namespace hpkp;
using Kind = HeaderFault::Kind;

namespace {

const std::string kOnes = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const std::string kTwos = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

std::string pin(const std::string& base64)
{
    return "pin-sha256=\"" + base64 + "\"";
}

/// The first fault as "KIND at OFFSET"; empty: none.
std::string fault_of(const std::string& value)
{
    static const char* const kKinds[] = {"syntax", "value", "duplicate", "space", "empty"};
    const ParsedHeader header = parse_pins_header(value);
    if (header.faults.empty()) {
        return "";
    }
    const HeaderFault& fault = header.faults.front();
    return std::string(kKinds[static_cast<int>(fault.kind)]) + " at " + std::to_string(fault.offset);
}

TEST(HeaderParser, ReadsAllOfIt)
{
    const ParsedHeader header = parse_pins_header("max-age=3000; " + pin(kOnes) + "; " + pin(kTwos)
                                                  + ";includeSubDomains ;\treport-uri=\"https://r.test/a;b?c=d\"");
    EXPECT_TRUE(header.conforms());
    EXPECT_TRUE(header.faults.empty());
    EXPECT_EQ(header.max_age, 3000);
    EXPECT_TRUE(header.include_subdomains);
    EXPECT_EQ(header.report_uri, "https://r.test/a;b?c=d");
    ASSERT_EQ(header.pins.size(), 2U);
    EXPECT_EQ(header.pins[0].text, kOnes);
    EXPECT_EQ(header.pins[1].pin, Pin::from_base64(kTwos));
    EXPECT_EQ(header.pins[0].offset, 14U);
    EXPECT_EQ(header.sha256().size(), 2U);
}

TEST(HeaderParser, OrderAndCaseMeanNothing)
{
    const ParsedHeader header = parse_pins_header("INCLUDESUBDOMAINS; PIN-SHA256=\"" + kOnes + "\"; Max-Age=\"12\"");
    EXPECT_TRUE(header.conforms());
    EXPECT_TRUE(header.include_subdomains);
    EXPECT_EQ(header.max_age, 12);
    EXPECT_EQ(header.sha256().size(), 1U);
}

TEST(HeaderParser, QuotedPairs)
{
    EXPECT_EQ(parse_pins_header("report-uri=\"a\\\"b\\\\c\"").report_uri, "a\"b\\c");
    EXPECT_EQ(parse_pins_header("max-age=\"\\1\\2\"").max_age, 12);
}

TEST(HeaderParser, UnknownDirectivesAndHashesAreNoFault)
{
    const ParsedHeader header =
        parse_pins_header("max-age=1; strict; x=\"y\"; z=t; pin-sha1=\"abc\"; pin-md5=t; pin-=x");
    EXPECT_TRUE(header.conforms());
    EXPECT_EQ(header.unknown, (std::vector<std::string>{"strict", "x", "z", "pin-"}));
    ASSERT_EQ(header.pins.size(), 2U);
    EXPECT_EQ(header.pins[0].hash, "sha1");
    EXPECT_TRUE(header.sha256().empty());
    EXPECT_EQ(header.bad_pin(), nullptr);
}

TEST(HeaderParser, EmptyDirectivesAreTaken)
{
    for (const char* value : {";max-age=1", "max-age=1;", "max-age=1;;includeSubDomains", "max-age=1; ; ", ";;"}) {
        const ParsedHeader header = parse_pins_header(value);
        EXPECT_TRUE(header.conforms()) << value;
        ASSERT_FALSE(header.faults.empty()) << value;
        EXPECT_EQ(header.faults.front().kind, Kind::empty_directive) << value;
    }
    EXPECT_TRUE(parse_pins_header("").faults.empty());
    EXPECT_TRUE(parse_pins_header("  ").faults.empty());
}

TEST(HeaderParser, Faults)
{
    struct Case {
        std::string value;
        std::string fault;
    };
    const Case cases[] = {
        {"max-age=1; max-age=1", "duplicate at 11"},
        {"includeSubDomains; includesubdomains", "duplicate at 19"},
        {"report-uri=\"a\"; report-uri=\"a\"", "duplicate at 16"},
        {"max-age", "value at 0"},
        {"max-age=1x", "value at 0"},
        {"max-age=-1", "value at 0"},
        {"max-age=1.5", "value at 0"},
        {"max-age=\"\"", "value at 0"},
        {"max-age=\" 1\"", "value at 0"},
        {"includeSubDomains=1", "value at 0"},
        {"includeSubDomains=\"\"", "value at 0"},
        {"pin-sha256=abc", "value at 0"},
        {"pin-sha256", "value at 0"},
        {"report-uri", "value at 0"},
        {"report-uri=t", "value at 0"},
        {"report-uri=https://r.test/", "syntax at 16"},
        {"max-age=", "syntax at 8"},
        {"max-age=;", "syntax at 8"},
        {"max-age='1'", "value at 0"},
        {"=1", "syntax at 0"},
        {"max-age=1, includeSubDomains", "syntax at 9"},
        {"max-age=1 includeSubDomains", "syntax at 10"},
        {"max-age = 1", "space at 7"},
        {"max-age= 1", "space at 7"},
        {"max-age =1", "space at 7"},
        {"pin-sha256=\"abc", "syntax at 11"},
        {"pin-sha256=\"abc\\", "syntax at 11"},
        {"pin-sha256=\"a\nb\"", "syntax at 13"},
        {std::string("max-age=1\0", 10), "syntax at 9"},
        {"m\xc3\xa4x=1", "syntax at 1"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(fault_of(c.value), c.fault) << c.value;
        EXPECT_FALSE(parse_pins_header(c.value).conforms()) << c.value;
    }
}

TEST(HeaderParser, GoesOnAfterAFault)
{
    const ParsedHeader header = parse_pins_header("max-age=x; @; a=\"b;c; " + pin(kOnes)
                                                  + "\x01; includeSubDomains; includeSubDomains; max-age=9");
    EXPECT_FALSE(header.conforms());
    EXPECT_GE(header.faults.size(), 3U);
    // Of what stands twice the first counts, and a faulty one is one.
    EXPECT_FALSE(header.max_age);
    EXPECT_EQ(parse_pins_header("max-age=1; max-age=2").max_age, 1);
    // A control character in a string does not hide what follows the string.
    EXPECT_EQ(parse_pins_header("x=\"a\x01;b\"; max-age=2").max_age, 2);
}

TEST(HeaderParser, BadPins)
{
    for (const std::string& bad :
         {std::string("abc"), std::string(), kOnes.substr(0, 43), kOnes + "=",
          std::string("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF="), "-" + kOnes.substr(1)}) {
        const ParsedHeader header = parse_pins_header(pin(kTwos) + "; " + pin(bad));
        EXPECT_TRUE(header.conforms()) << bad;
        ASSERT_NE(header.bad_pin(), nullptr) << bad;
        EXPECT_EQ(header.bad_pin()->text, bad);
    }
}

TEST(HeaderParser, LargeMaxAgeSaturates)
{
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(parse_pins_header("max-age=9223372036854775807").max_age, kLargest);
    EXPECT_EQ(parse_pins_header("max-age=9223372036854775806").max_age, kLargest - 1);
    EXPECT_EQ(parse_pins_header("max-age=9223372036854775808").max_age, kLargest);
    EXPECT_EQ(parse_pins_header("max-age=" + std::string(5000, '9')).max_age, kLargest);
    EXPECT_EQ(parse_pins_header("max-age=" + std::string(5000, '0')).max_age, 0);
}

TEST(HeaderParser, TooLongIsNotRead)
{
    EXPECT_FALSE(parse_pins_header("max-age=1; x=" + std::string(kMaxHeaderValue, 'y')).conforms());
    EXPECT_FALSE(parse_pins_header("max-age=1; x=" + std::string(kMaxHeaderValue, 'y')).max_age);
}

TEST(HeaderParser, FaultsAreFewAndTheWorstIsKept)
{
    const ParsedHeader header = parse_pins_header(std::string(1000, ';') + "max-age=x" + std::string(1000, '@'));
    EXPECT_LE(header.faults.size(), 20U);
    EXPECT_FALSE(header.conforms());
}

TEST(HeaderParser, TakesAnyBytes)
{
    std::mt19937 random(7469);
    const std::string pieces[] = {"max-age", "pin-sha256",        "=", "\"", ";", " ", "\\", kOnes, "1", "\x01",
                                  "\xff",    "includeSubDomains", ","};
    for (int i = 0; i < 20000; i++) {
        std::string value;
        for (unsigned n = random() % 12; n > 0; n--) {
            value += pieces[random() % std::size(pieces)];
        }
        const ParsedHeader header = parse_pins_header(value);
        for (const HeaderFault& fault : header.faults) {
            ASSERT_LE(fault.offset, value.size()) << value;
            ASSERT_FALSE(fault.what.empty());
        }
        ASSERT_EQ(header.conforms(), header.worst() == nullptr);
    }
}

}  // namespace
