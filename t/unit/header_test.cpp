#include "test_site.hpp"

#include "header.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// A pin of 32 equal bytes, and its base64.
Pin pin_of(std::uint8_t byte)
{
    Pin::Bytes bytes{};
    bytes.fill(byte);
    return Pin(bytes);
}
const std::string kOnes = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const std::string kTwos = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

TEST(Header, Enforce)
{
    Enforce enforce;
    EXPECT_EQ(enforce_header(enforce, 2592000, pin_set({pin_of(1), pin_of(2)})),
              "max-age=2592000; pin-sha256=\"" + kOnes + "\"; pin-sha256=\"" + kTwos + "\"");
    enforce.include_subdomains = true;
    EXPECT_EQ(enforce_header(enforce, 2592000, pin_set({pin_of(2), pin_of(1)})),
              "max-age=2592000; pin-sha256=\"" + kTwos + "\"; pin-sha256=\"" + kOnes + "\"; includeSubDomains");
    enforce.report_uri = ReportUri{"https://r.test/pkp?a=b;c", "https", "r.test", {}};
    EXPECT_EQ(enforce_header(enforce, 0, pin_set({pin_of(1), pin_of(2)})),
              "max-age=0; pin-sha256=\"" + kOnes + "\"; pin-sha256=\"" + kTwos
                  + "\"; includeSubDomains; report-uri=\"https://r.test/pkp?a=b;c\"");
    enforce.include_subdomains = false;
    EXPECT_EQ(enforce_header(enforce, 2147483647, pin_set({pin_of(1)})),
              "max-age=2147483647; pin-sha256=\"" + kOnes + "\"; report-uri=\"https://r.test/pkp?a=b;c\"");
}

TEST(Header, ReportOnlyHasNoMaxAge)
{
    ReportOnly report_only;
    report_only.report_uri = ReportUri{"https://r.test/", "https", "r.test", {}};
    EXPECT_EQ(report_only_header(report_only, pin_set({pin_of(1), pin_of(2)})),
              "pin-sha256=\"" + kOnes + "\"; pin-sha256=\"" + kTwos + "\"; report-uri=\"https://r.test/\"");
    report_only.include_subdomains = true;
    EXPECT_EQ(report_only_header(report_only, pin_set({pin_of(1)})),
              "pin-sha256=\"" + kOnes + "\"; includeSubDomains; report-uri=\"https://r.test/\"");
}

TEST(Header, RetiredAndNamedPinsAreSentLikeOthers)
{
    PinSet set = pin_set({pin_of(1), pin_of(2)});
    set.pins[0].retired = true;
    set.pins[1].name = "backup; \"A\"";
    EXPECT_EQ(enforce_header({}, 0, set), "max-age=0; pin-sha256=\"" + kOnes + "\"; pin-sha256=\"" + kTwos + "\"");
}

}  // namespace
