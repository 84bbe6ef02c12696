#include "duration.hpp"

#include <gtest/gtest.h>

using namespace hpkp;

namespace {

using Seconds = std::optional<std::int64_t>;

TEST(Duration, Seconds)
{
    EXPECT_EQ(parse_duration("0"), Seconds(0));
    EXPECT_EQ(parse_duration("2592000"), Seconds(2592000));
    EXPECT_EQ(parse_duration("90s"), Seconds(90));
    EXPECT_EQ(parse_duration("007"), Seconds(7));
}

TEST(Duration, UnitsOfNginx)
{
    EXPECT_EQ(parse_duration("1y"), Seconds(365 * 86400));
    EXPECT_EQ(parse_duration("1M"), Seconds(30 * 86400));
    EXPECT_EQ(parse_duration("1w"), Seconds(7 * 86400));
    EXPECT_EQ(parse_duration("30d"), Seconds(30 * 86400));
    EXPECT_EQ(parse_duration("2h"), Seconds(7200));
    EXPECT_EQ(parse_duration("5m"), Seconds(300));
}

TEST(Duration, Combined)
{
    EXPECT_EQ(parse_duration("1w 2d"), Seconds(9 * 86400));
    EXPECT_EQ(parse_duration("1w2d"), Seconds(9 * 86400));
    EXPECT_EQ(parse_duration("1d 12h 30m 5s"), Seconds(86400 + 12 * 3600 + 1805));
    EXPECT_EQ(parse_duration("1h 30"), Seconds(3630));
    EXPECT_EQ(parse_duration("1M 1m"), Seconds(30 * 86400 + 60));
}

TEST(Duration, NothingElse)
{
    for (const char* text :
         {"",     " ",     "d",     "30x",  "30 days", "-1",    "+1",    "1.5d",  "1e3",       "0x10",    "30d ",
          " 30d", "2d 1w", "1d 1d", "5s 5", "30D",     "100ms", "1h,5m", "30d\n", "\xc2\xb5s", "infinity"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << '"' << text << '"';
    }
}

TEST(Duration, LongestTaken)
{
    EXPECT_EQ(parse_duration("2147483647"), Seconds(2147483647));
    EXPECT_EQ(parse_duration("2147483648"), std::nullopt);
    EXPECT_EQ(parse_duration("68y"), Seconds(std::int64_t{68} * 365 * 86400));
    EXPECT_EQ(parse_duration("69y"), std::nullopt);
    EXPECT_EQ(parse_duration("68y 4M"), std::nullopt);
    EXPECT_EQ(parse_duration("99999999999999999999999"), std::nullopt);
    EXPECT_EQ(parse_duration("9223372036854775807y"), std::nullopt);
    EXPECT_EQ(parse_duration(std::string(100000, '9')), std::nullopt);
    EXPECT_EQ(parse_duration(std::string(100000, '0')), Seconds(0));
}

TEST(DurationText, LargestUnitThatDivides)
{
    EXPECT_EQ(duration_text(0), "0 seconds");
    EXPECT_EQ(duration_text(1), "1 second");
    EXPECT_EQ(duration_text(90), "90 seconds");
    EXPECT_EQ(duration_text(60), "1 minute");
    EXPECT_EQ(duration_text(300), "5 minutes");
    EXPECT_EQ(duration_text(3600), "1 hour");
    EXPECT_EQ(duration_text(86400), "1 day");
    EXPECT_EQ(duration_text(30 * 86400), "30 days");
    EXPECT_EQ(duration_text(86401), "86401 seconds");
}

TEST(Date, Real)
{
    for (const char* text :
         {"2027-06-01", "2028-02-29", "2000-02-29", "1970-01-01", "2026-12-31", "9999-12-31", "2026-04-30"}) {
        EXPECT_TRUE(parse_date(text).has_value()) << text;
    }
}

TEST(Date, Unreal)
{
    for (const char* text :
         {"", "2027-6-1", "2027-06-00", "2027-06-31", "2027-13-01", "2027-00-01", "2027-02-29", "1900-02-29",
          "2100-02-29", "1969-12-31", "2027/06/01", "20270601", "2027-06-01 ", "2027-06-01T00:00:00Z", "tomorrow!!",
          "2027-0x-01", "-027-06-01", "2026-04-31", "2027-06-011"}) {
        EXPECT_FALSE(parse_date(text).has_value()) << text;
    }
}

TEST(Date, ItsFirstSecond)
{
    EXPECT_EQ(parse_date("1970-01-01"), Seconds(0));
    EXPECT_EQ(parse_date("2027-06-01"), Seconds(1811808000));
    EXPECT_EQ(parse_date("2028-02-29"), Seconds(1835395200));
    EXPECT_EQ(parse_date("9999-12-31"), Seconds(253402214400));
}

TEST(Time, Real)
{
    for (const char* text :
         {"2027-06-01 12:30:00 UTC", "2027-06-01T12:30:00Z", "2027-06-01 12:30:00", "2027-06-01T12:30:00",
          "2027-06-01 12:30", "2027-06-01 12:30 UTC", "2027-06-01T12:30Z", "2027-06-01 12:30:00Z"}) {
        EXPECT_EQ(parse_time(text), Seconds(1811808000 + 12 * 3600 + 30 * 60)) << text;
    }
    EXPECT_EQ(parse_time("2027-06-01"), Seconds(1811808000));
    EXPECT_EQ(parse_time("2027-06-01 00:00:00 UTC"), Seconds(1811808000));
    EXPECT_EQ(parse_time("2027-06-01 23:59:59 UTC"), Seconds(1811808000 + 86399));
    EXPECT_EQ(parse_time("1970-01-01 00:00:07"), Seconds(7));
}

TEST(Time, Unreal)
{
    for (const char* text : {"",
                             " ",
                             "2027-06-01 ",
                             "2027-06-01T",
                             "2027-06-01Z",
                             "2027-06-01 UTC",
                             "2027-06-01 Z",
                             "2027-06-01 12",
                             "2027-06-01 12:",
                             "2027-06-01 12:3",
                             "2027-06-01 24:00",
                             "2027-06-01 12:60",
                             "2027-06-01 12:30:60",
                             "2027-06-01 12:30:",
                             "2027-06-01 12:30:0",
                             "2027-06-01 12:30:000",
                             "2027-06-01 12.30",
                             "2027-06-01 12:30.00",
                             "2027-06-01  12:30",
                             "2027-06-01_12:30",
                             "2027-06-01 -1:30",
                             "2027-06-01 1x:30",
                             "2027-06-01 12:30 CET",
                             "2027-06-01 12:30:00+01:00",
                             "2027-06-01 12:30:00 UTC ",
                             "2027-06-01 12:30:00 utc",
                             "2027-02-29 12:30",
                             "2027-06-01 12:30:00 UTC UTC",
                             "2027-06-01T12:30:00ZZ",
                             " 2027-06-01",
                             "now",
                             "1811808000"}) {
        EXPECT_EQ(parse_time(text), std::nullopt) << '"' << text << '"';
    }
}

TEST(Time, ReadsWhatTimeTextWrites)
{
    for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1}, std::int64_t{951782400}, std::int64_t{1811894399},
                                    std::int64_t{2147483648}, std::int64_t{253402300799}}) {
        EXPECT_EQ(parse_time(time_text(time)), Seconds(time)) << time_text(time);
    }
}

TEST(TimeText, InUtc)
{
    EXPECT_EQ(time_text(0), "1970-01-01 00:00:00 UTC");
    EXPECT_EQ(time_text(1811894399), "2027-06-01 23:59:59 UTC");
    EXPECT_EQ(time_text(-1), "1969-12-31 23:59:59 UTC");
    EXPECT_EQ(time_text(INT64_MAX), "(no date)");
}

TEST(DistanceText, InTheLargestUnitOfWhichThereAreTwo)
{
    EXPECT_EQ(distance_text(100, 100), "now");
    EXPECT_EQ(distance_text(101, 100), "in 1 second");
    EXPECT_EQ(distance_text(99, 100), "1 second ago");
    EXPECT_EQ(distance_text(119, 0), "in 119 seconds");
    EXPECT_EQ(distance_text(120, 0), "in 2 minutes");
    EXPECT_EQ(distance_text(7199, 0), "in 119 minutes");
    EXPECT_EQ(distance_text(7200, 0), "in 2 hours");
    EXPECT_EQ(distance_text(47 * 3600, 0), "in 47 hours");
    EXPECT_EQ(distance_text(2 * 86400 - 1, 0), "in 47 hours");
    EXPECT_EQ(distance_text(2 * 86400, 0), "in 2 days");
    EXPECT_EQ(distance_text(0, 12 * 86400), "12 days ago");
    EXPECT_EQ(distance_text(400 * 86400, 0), "in 400 days");
}

}  // namespace
