#include "test_pki.hpp"

#include "pin_source.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <gtest/gtest.h>

#include <sys/stat.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct PinSourceTest : testing::Test {
    PinSource read(PinSourceKind kind, const std::string& content)
    {
        PinSource source = read_pin_source(kind, dir.write("file", content));
        EXPECT_EQ(ERR_peek_error(), 0U) << "left in OpenSSL's queue";
        EXPECT_EQ(source.pin.has_value(), source.error.empty());
        EXPECT_EQ(source.pin.has_value(), source.remedy.empty());
        return source;
    }
    TempDir dir;
    const Entity& owner = pki().www_key;
};

TEST_F(PinSourceTest, EachKindInPemAndDer)
{
    EXPECT_EQ(read(PinSourceKind::certificate, pem(pki().www)).pin, owner.pin());
    EXPECT_EQ(read(PinSourceKind::certificate, der(pki().www)).pin, owner.pin());
    EXPECT_EQ(read(PinSourceKind::csr, csr(owner)).pin, owner.pin());
    EXPECT_EQ(read(PinSourceKind::csr, csr_der(owner)).pin, owner.pin());
    EXPECT_EQ(read(PinSourceKind::public_key, public_key(owner)).pin, owner.pin());
    EXPECT_EQ(read(PinSourceKind::public_key, public_key_der(owner)).pin, owner.pin());
}

TEST_F(PinSourceTest, EachKindOfKey)
{
    for (const KeyType type : {KeyType::rsa, KeyType::ed25519}) {
        const Entity other("other", type);
        EXPECT_EQ(read(PinSourceKind::csr, csr(other)).pin, other.pin());
        EXPECT_EQ(read(PinSourceKind::public_key, public_key(other)).pin, other.pin());
        EXPECT_EQ(read(PinSourceKind::certificate, pem(leaf(other, other))).pin, other.pin());
    }
}

TEST_F(PinSourceTest, TheFirstCertificateOfTheFile)
{
    EXPECT_EQ(read(PinSourceKind::certificate, pem({pki().intermediate, pki().www})).pin, pki().intermediate_key.pin());
    EXPECT_EQ(read(PinSourceKind::certificate, "Text before it\n" + private_key(owner) + pem(pki().www)).pin,
              owner.pin());
}

TEST_F(PinSourceTest, ACsrMustBeSignedByItsOwnKey)
{
    const PinSource source = read(PinSourceKind::csr, csr(owner, false));
    EXPECT_FALSE(source.pin.has_value());
    EXPECT_NE(source.error.find("signature"), std::string::npos) << source.error;
}

TEST_F(PinSourceTest, AnotherKindIsNamed)
{
    const PinSource source = read(PinSourceKind::csr, pem(pki().www));
    EXPECT_FALSE(source.pin.has_value());
    EXPECT_NE(source.error.find("begins with a CERTIFICATE"), std::string::npos) << source.error;
    EXPECT_FALSE(read(PinSourceKind::certificate, csr(owner)).pin.has_value());
    EXPECT_FALSE(read(PinSourceKind::public_key, pem(pki().www)).pin.has_value());
    EXPECT_FALSE(read(PinSourceKind::certificate, public_key_der(owner)).pin.has_value());
    EXPECT_FALSE(read(PinSourceKind::public_key, der(pki().www)).pin.has_value());
}

TEST_F(PinSourceTest, APrivateKeyIsNoPublicOne)
{
    const PinSource source = read(PinSourceKind::public_key, private_key(owner));
    EXPECT_FALSE(source.pin.has_value());
    EXPECT_NE(source.remedy.find("offline"), std::string::npos) << source.remedy;
    EXPECT_FALSE(read(PinSourceKind::public_key, private_key(owner, "secret")).pin.has_value());
}

TEST_F(PinSourceTest, Rubbish)
{
    for (const std::string& content :
         {std::string(), std::string("hello"), std::string(1000, '\0'), std::string("-----BEGIN CERTIFICATE-----\n"),
          std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), pem(pki().www).substr(0, 200),
          der(pki().www).substr(0, 100), std::string("-----BEGIN ") + std::string(5000, 'X')}) {
        for (const PinSourceKind kind : {PinSourceKind::certificate, PinSourceKind::csr, PinSourceKind::public_key}) {
            EXPECT_FALSE(read(kind, content).pin.has_value()) << content.substr(0, 40);
        }
    }
}

TEST_F(PinSourceTest, FilesThatCannotBeRead)
{
    const PinSource missing = read_pin_source(PinSourceKind::csr, dir / "missing.csr");
    EXPECT_FALSE(missing.pin.has_value());
    EXPECT_NE(missing.error.find("missing.csr"), std::string::npos) << missing.error;
    EXPECT_FALSE(read_pin_source(PinSourceKind::csr, dir.path()).pin.has_value()) << "a directory";
    EXPECT_FALSE(read_pin_source(PinSourceKind::csr, "/dev/zero").pin.has_value());
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
    EXPECT_FALSE(read_pin_source(PinSourceKind::csr, dir / "fifo").pin.has_value()) << "waits for nobody";
}

TEST_F(PinSourceTest, TheModeIsThatOfTheFile)
{
    EXPECT_EQ(read_pin_source(PinSourceKind::csr, dir.write("csr", csr(owner), 0664)).mode & 07777U, 0664U);
}

TEST_F(PinSourceTest, TheSpkiIsHashedAsItStands)
{
    // The same point, compressed: another SPKI, another pin than OpenSSL's own encoding of the key has.
    EVP_PKEY* raw = EVP_EC_gen("P-256");
    Entity compressed = owner;
    compressed.key.reset(raw, EVP_PKEY_free);
    const Pin usual = compressed.pin();
    ASSERT_EQ(EVP_PKEY_set_utf8_string_param(raw, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"), 1);
    const std::string text = public_key(compressed);
    const std::string bytes = public_key_der(compressed);
    const auto pin = read(PinSourceKind::public_key, text).pin;
    ASSERT_TRUE(pin.has_value());
    EXPECT_TRUE(*pin != usual);
    EXPECT_EQ(read(PinSourceKind::public_key, bytes).pin, pin);
}

TEST(PrivateKeyPins, KeysAmongOtherThings)
{
    const auto pins = private_key_pins(
        pem(pki().www) + private_key(pki().backup_1) + csr(pki().backup_3) + private_key(pki().backup_2), 10);
    ASSERT_EQ(pins.size(), 2U);
    EXPECT_TRUE(pins[0] == pki().backup_1.pin());
    EXPECT_TRUE(pins[1] == pki().backup_2.pin());
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKeyPins, AtMostSoMany)
{
    EXPECT_EQ(private_key_pins(private_key(pki().backup_1) + private_key(pki().backup_2), 1).size(), 1U);
}

TEST(PrivateKeyPins, AnEncryptedKeyIsPassedOver)
{
    EXPECT_TRUE(private_key_pins(private_key(pki().backup_1, "secret"), 10).empty());
    const auto pins = private_key_pins(private_key(pki().backup_1, "secret") + private_key(pki().backup_2), 10);
    ASSERT_EQ(pins.size(), 1U) << "the key after it can be read";
    EXPECT_TRUE(pins[0] == pki().backup_2.pin());
}

TEST(PrivateKeyPins, NoKeys)
{
    EXPECT_TRUE(private_key_pins("", 10).empty());
    EXPECT_TRUE(private_key_pins(pem(pki().www) + public_key(pki().www_key), 10).empty());
    EXPECT_TRUE(private_key_pins("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 10).empty());
}

}  // namespace
