#include "test_pki.hpp"

#include <gtest/gtest.h>

#include <openssl/sha.h>

#include <cstring>

using namespace hpkp;
using namespace hpkp::test;

namespace {

const std::string kGood = "xQbjKb6xHcuqIiDc69KRrjyemMr43D4pwj4H7WTlX/4=";

TEST(Pin, Base64ThereAndBack)
{
    const auto pin = Pin::from_base64(kGood);
    ASSERT_TRUE(pin.has_value());
    EXPECT_EQ(pin->base64(), kGood);
    EXPECT_EQ(pin->bytes()[0], 0xc5);
    EXPECT_EQ(pin->bytes()[31], 0xfe);
}

TEST(Pin, AllBytesSurvive)
{
    for (int value = 0; value < 256; value++) {
        Pin::Bytes bytes{};
        bytes.fill(static_cast<std::uint8_t>(value));
        const Pin pin(bytes);
        EXPECT_EQ(pin.base64().size(), Pin::kBase64Length);
        const auto back = Pin::from_base64(pin.base64());
        ASSERT_TRUE(back.has_value()) << value;
        EXPECT_TRUE(*back == pin) << value;
    }
}

TEST(Pin, NothingButTheCanonicalFormIsTaken)
{
    const std::string bad[] = {
        "",
        "=",
        kGood.substr(0, 43),  // unpadded
        kGood + "=",          // too long
        kGood + "\n",
        " " + kGood,
        " " + kGood.substr(0, 43),  // 44 characters, one a blank
        kGood.substr(0, 42) + " =",
        "xQbjKb6xHcuqIiDc69KRrjyemMr43D4pwj4H7WTlX/5=",  // unused bits are not zero
        "xQbjKb6xHcuqIiDc69KRrjyemMr43D4pwj4H7WTlX_4=",  // base64url
        "xQbjKb6xHcuqIiDc69KRrjyemMr43D4pwj4H7WTlX-4=",
        "xQbjKb6xHcuqIiDc69KRrjyemMr43D4pwj4H7WTlX/4A",  // 33 bytes
        "xQbjKb6xHcuqIiDc69KRrjyemMr43D4pwj4H7WTlX/==",  // 31 bytes
        "xQbjKb6xHcuqIiDc69KRrjyemMr43D4pwj4H7WTl====",
        "xQbj=b6xHcuqIiDc69KRrjyemMr43D4pwj4H7WTlX/4=",  // padding in the middle
        "xQbjKb6xHcuqIiDc69KRrjyemMr43D4pwj4H7WTlX\xc3\xa4=",
        std::string(43, 'A') + '\0',
        "c506e329beb11dcbaa2220dcebd291ae3c9e98caf8dc3e29c23e07ed64e55ffe",  // hexadecimal
    };
    for (const std::string& text : bad) {
        EXPECT_FALSE(Pin::from_base64(text).has_value()) << text;
    }
}

TEST(Pin, IsTheHashOfTheWholeSpki)
{
    for (const KeyType type : {KeyType::p256, KeyType::rsa, KeyType::ed25519}) {
        const Entity owner("owner", type);
        const std::string der = public_key_der(owner);
        Pin::Bytes expected{};
        SHA256(reinterpret_cast<const unsigned char*>(der.data()), der.size(), expected.data());
        EXPECT_TRUE(owner.pin() == Pin(expected));
    }
}

TEST(Pin, ComparesByItsBytes)
{
    Pin::Bytes low{}, high{};
    high[31] = 1;
    EXPECT_TRUE(Pin(low) == Pin(low));
    EXPECT_FALSE(Pin(low) == Pin(high));
    EXPECT_TRUE(Pin(low) != Pin(high));
    EXPECT_FALSE(Pin(low) != Pin(low));
    EXPECT_TRUE(Pin(low) < Pin(high));
    EXPECT_FALSE(Pin(high) < Pin(low));
}

TEST(Pin, APlaceholderIsSaidToBeOne)
{
    EXPECT_EQ(Pin(Pin::Bytes{}).placeholder(), "is all zero bits");
    EXPECT_EQ(Pin::from_base64("d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=")->placeholder(),
              "is an example of RFC 7469");
    EXPECT_EQ(Entity("owner").pin().placeholder(), "");
}

}  // namespace
