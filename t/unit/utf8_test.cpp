#include "utf8.hpp"

#include <gtest/gtest.h>

using namespace hpkp;

namespace {

TEST(Utf8, Characters)
{
    EXPECT_EQ(utf8_length("a", 0), 1U);
    EXPECT_EQ(utf8_length(std::string_view("\0", 1), 0), 1U);
    EXPECT_EQ(utf8_length("\xc3\xa4", 0), 2U);
    EXPECT_EQ(utf8_length("\xe2\x82\xac", 0), 3U);
    EXPECT_EQ(utf8_length("\xf0\x9f\x94\x91", 0), 4U);
    EXPECT_EQ(utf8_length("x\xc3\xa4", 1), 2U);
    EXPECT_EQ(utf8_length("\xed\x9f\xbf", 0), 3U) << "the last before the surrogates";
    EXPECT_EQ(utf8_length("\xf4\x8f\xbf\xbf", 0), 4U) << "the last of all";
    EXPECT_EQ(utf8_length("a", 1), 0U);
}

TEST(Utf8, StrayBytes)
{
    for (const char* text :
         {"\x80", "\xbf", "\xc3", "\xc3x", "\xe2\x82", "\xe2x\xac", "\xf0\x9f\x94", "\xc0\xaf", "\xc1\xbf",
          "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
        EXPECT_EQ(utf8_length(text, 0), 0U) << text;
    }
    EXPECT_EQ(utf8_length("\xc3\xa4", 1), 0U) << "the middle of a character";
}

TEST(Utf8, Count)
{
    EXPECT_EQ(utf8_count(""), 0U);
    EXPECT_EQ(utf8_count("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91"), 4U);
    EXPECT_EQ(utf8_count("a\xff\xc3"), 3U);
}

TEST(Presentable, WhatIsNoCharacter)
{
    EXPECT_EQ(presentable("a\xef\xbf\xbe"
                          "b\xef\xbf\xbf"
                          "c",
                          100),
              "a?b?c")
        << "U+FFFE, U+FFFF: no XML has them";
    EXPECT_EQ(presentable("\xef\xbf\xbd\xef\xbe\xbf\xee\xbf\xbf", 100), "\xef\xbf\xbd\xef\xbe\xbf\xee\xbf\xbf");
}

TEST(Presentable, ControlCharactersAndStrayBytes)
{
    EXPECT_EQ(presentable("a\tb\nc\x1b\x7f", 100), "a?b?c??");
    EXPECT_EQ(presentable("\xc2\x9b"
                          "31m",
                          100),
              "?31m")
        << "C1";
    EXPECT_EQ(presentable("\xc2\xa0\xc3\xa4", 100), "\xc2\xa0\xc3\xa4") << "no C1";
    EXPECT_EQ(presentable("\xff"
                          "a\xc3",
                          100),
              "?a?");
}

TEST(Presentable, CutBetweenCharacters)
{
    EXPECT_EQ(presentable("0123456789", 10), "0123456789");
    EXPECT_EQ(presentable("0123456789a", 10), "0123456...");
    EXPECT_EQ(presentable("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9), "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
    EXPECT_EQ(presentable("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9), "\xe2\x82\xac\xe2\x82\xac...");
    EXPECT_EQ(presentable("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 8), "\xe2\x82\xac...");
}

}  // namespace
