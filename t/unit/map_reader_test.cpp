#include "map_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace hpkp;

namespace {

const std::vector<std::string_view> kKeys = {"max-age", "includeSubDomains", "report-uri", "pins"};

TEST(Nearest, MisspeltWords)
{
    EXPECT_EQ(nearest("maxage", kKeys), "max-age");
    EXPECT_EQ(nearest("max_age", kKeys), "max-age");
    EXPECT_EQ(nearest("MAX-AGE", kKeys), "max-age");
    EXPECT_EQ(nearest("include-subdomains", kKeys), "includeSubDomains");
    EXPECT_EQ(nearest("reporturi", kKeys), "report-uri");
    EXPECT_EQ(nearest("report-url", kKeys), "report-uri");
    EXPECT_EQ(nearest("pin", kKeys), "pins");
    EXPECT_EQ(nearest("pinns", kKeys), "pins");
}

TEST(Nearest, ThereIsAlwaysOne)
{
    for (const std::string& word :
         {std::string(), std::string("x"), std::string("\xff\xfe"), std::string(1000000, 'q')}) {
        const std::string_view found = nearest(word, kKeys);
        EXPECT_NE(std::find(kKeys.begin(), kKeys.end(), found), kKeys.end());
    }
    EXPECT_EQ(nearest("anything", {"only"}), "only");
}

}  // namespace
