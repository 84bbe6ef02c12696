// What hpkp pin reads: every kind of object, in every form, and nothing that hangs or crashes it.
#include "objects/objects.hpp"

#include "test_pki.hpp"

#include "input.hpp"

#include <gtest/gtest.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstdlib>

using namespace hpkp;
using namespace hpkp::cli;
using namespace hpkp::test;
using Kind = hpkp::cli::Object::Kind;

namespace {

/// With this pass phrase for every key, so that none is asked for.
Objects read(const std::string& bytes, const std::string& pass_phrase = "secret")
{
    PassPhrase source("pass:" + pass_phrase);
    Objects objects = read_objects(bytes, "file", source);
    EXPECT_EQ(ERR_peek_error(), 0U) << "left in OpenSSL's queue";
    EXPECT_FALSE(objects.found.empty() && objects.errors.empty()) << "neither an object nor a reason";
    return objects;
}

hpkp::cli::Object only(const std::string& bytes)
{
    const Objects objects = read(bytes);
    EXPECT_EQ(objects.errors, std::vector<std::string>{});
    EXPECT_EQ(objects.found.size(), 1U);
    return objects.found.empty() ? throw std::runtime_error("no object") : objects.found.front();
}

std::string error_of(const std::string& bytes, const std::string& pass_phrase = "secret")
{
    const Objects objects = read(bytes, pass_phrase);
    EXPECT_EQ(objects.errors.size(), 1U);
    return objects.errors.empty() ? "" : objects.errors.front();
}

std::string der_of(EVP_PKEY* key)
{
    unsigned char* der = nullptr;
    const int length = i2d_PrivateKey(key, &der);
    const OpensslBytes owned(der);
    return {reinterpret_cast<char*>(der), static_cast<std::size_t>(length)};
}

const Entity& owner()
{
    return pki().www_key;
}

TEST(ObjectsTest, EachKindInPemAndDer)
{
    const struct {
        Kind kind;
        std::string bytes;
    } cases[] = {
        {Kind::certificate, pem(pki().www)},
        {Kind::certificate, der(pki().www)},
        {Kind::csr, csr(owner())},
        {Kind::csr, csr_der(owner())},
        {Kind::public_key, public_key(owner())},
        {Kind::public_key, public_key_der(owner())},
        {Kind::private_key, private_key(owner())},
        {Kind::private_key, der_of(owner().key.get())},
        {Kind::private_key, private_key(owner(), "secret")},
    };
    for (const auto& wanted : cases) {
        const auto object = only(wanted.bytes);
        EXPECT_EQ(object.kind, wanted.kind);
        EXPECT_EQ(object.pin, owner().pin()) << object.kind_text();
        EXPECT_EQ(object.key, "EC P-256");
        EXPECT_EQ(object.problem, "");
        EXPECT_EQ(object.number, 1U);
    }
}

TEST(ObjectsTest, EachKindOfKey)
{
    const std::pair<KeyType, std::string> types[] = {
        {KeyType::rsa, "RSA 2048"}, {KeyType::rsa1024, "RSA 1024"}, {KeyType::ed25519, "Ed25519"}};
    for (const auto& [type, text] : types) {
        const Entity other("other", type);
        for (const std::string& bytes : {private_key(other), public_key(other), csr(other), pem(leaf(other, other))}) {
            EXPECT_EQ(only(bytes).key, text);
            EXPECT_EQ(only(bytes).pin, other.pin());
        }
    }
}

TEST(ObjectsTest, WhatACertificateSays)
{
    const auto object = only(pem(pki().www));
    EXPECT_EQ(object.name, "www.example.com");
    EXPECT_EQ(object.subject, "CN = www.example.com");
    EXPECT_EQ(object.not_before, kNow - 30 * kDay);
    EXPECT_EQ(object.not_after, kNow + 365 * kDay);
    EXPECT_EQ(only(csr(Entity("Bäckup"))).subject, "CN = Bäckup");
    EXPECT_EQ(only(csr(Entity("a\x1b[31mb\nc"))).subject.find_first_of("\x1b\n"), std::string::npos);
    EXPECT_FALSE(only(csr(owner())).not_after);
}

TEST(ObjectsTest, TrustedCertificatesAsOpensslWritesThem)
{
    const BioPtr bio(BIO_new(BIO_s_mem()));
    const Certificate trusted = with_trust(pki().root, NID_server_auth);
    ASSERT_EQ(PEM_write_bio_X509_AUX(bio.get(), trusted.get()), 1);
    char* text = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &text);
    EXPECT_EQ(only(std::string(text, static_cast<std::size_t>(length))).pin, pki().root_key.pin());
}

TEST(ObjectsTest, SeveralInAFileWithTextBetweenThem)
{
    const std::string parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    const Objects objects = read("Subject: CN = of old\n" + pem(pki().www) + parameters + private_key(owner())
                                 + "and so on\n" + csr(pki().backup_1) + public_key(pki().backup_2));
    EXPECT_EQ(objects.errors, std::vector<std::string>{});
    std::vector<Kind> kinds;
    for (const auto& object : objects.found) {
        EXPECT_EQ(object.number, kinds.size() + 1);
        kinds.push_back(object.kind);
    }
    EXPECT_EQ(kinds, (std::vector<Kind>{Kind::certificate, Kind::private_key, Kind::csr, Kind::public_key}));
}

TEST(ObjectsTest, WhatCannotBeReadKeepsItsNumber)
{
    const Objects objects = read("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
                                 "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n"
                                 + pem(pki().www));
    EXPECT_EQ(objects.errors, (std::vector<std::string>{"has a \"CERTIFICATE\" (object 1) that cannot be read",
                                                        "has a broken block of PEM (object 2)"}));
    ASSERT_EQ(objects.found.size(), 1U);
    EXPECT_EQ(objects.found.front().number, 3U);
}

TEST(ObjectsTest, ACsrThatProvesNothing)
{
    EXPECT_NE(only(csr(owner(), false)).problem, "");
    EXPECT_EQ(only(csr(owner(), false)).pin, owner().pin());
}

TEST(ObjectsTest, APassPhraseThatIsWrong)
{
    const std::string key = private_key(owner(), "secret");
    EXPECT_NE(error_of(key, "wrong").find("is the pass phrase right?"), std::string::npos);
    EXPECT_NE(error_of(key, "").find("is the pass phrase right?"), std::string::npos);
    EXPECT_NE(error_of(key, std::string(1024, 'x')).find("is the pass phrase right?"), std::string::npos);
    PassPhrase too_long("pass:" + std::string(1025, 'x'));
    EXPECT_THROW(read_objects(key, "file", too_long), InputError);
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(ObjectsTest, WherePassPhrasesComeFrom)
{
    const TempDir dir;
    const std::string key = private_key(owner(), "secret");
    ASSERT_EQ(::setenv("HPKP_TEST_PASS", "secret", 1), 0);
    for (const std::string& text :
         {std::string("env:HPKP_TEST_PASS"), "file:" + dir.write("pass", "secret\nsecond line\n"),
          "file:" + dir.write("dos", "secret\r\n")}) {
        PassPhrase source(text);
        EXPECT_EQ(read_objects(key, "file", source).found.size(), 1U) << text;
    }
    for (const char* text : {"env:HPKP_TEST_NONE", "file:/nowhere", "file:-"}) {
        PassPhrase source(text);
        EXPECT_THROW(read_objects(key, "file", source), InputError) << text;
        EXPECT_EQ(read_objects(pem(pki().www), "file", source).found.size(), 1U) << "no key asks for it";
    }
    for (const char* text : {"secret", "pass", "fd:3", "PASS:x"}) {
        try {
            PassPhrase source(text);
            ADD_FAILURE() << text;
        }
        catch (const InputError& error) {
            EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << "it may be the pass phrase";
        }
    }
}

/// An encrypted key, PEM, whose derivation is this algorithm; there is nothing in it.
std::string encrypted_by(X509_ALGOR* algorithm)
{
    const std::unique_ptr<X509_ALGOR, OpensslDeleter<X509_ALGOR_free>> owned(algorithm);
    const std::unique_ptr<X509_SIG, OpensslDeleter<X509_SIG_free>> key(X509_SIG_new());
    X509_ALGOR* place = nullptr;
    ASN1_OCTET_STRING* bytes = nullptr;
    X509_SIG_getm(key.get(), &place, &bytes);
    const std::string nothing(64, 'x');
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (algorithm == nullptr || X509_ALGOR_copy(place, algorithm) != 1
        || ASN1_OCTET_STRING_set(bytes, reinterpret_cast<const unsigned char*>(nothing.data()), 64) != 1
        || PEM_write_bio_PKCS8(bio.get(), key.get()) != 1) {
        throw std::runtime_error("no key");
    }
    char* text = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(length)};
}

TEST(ObjectsTest, KeysThatWouldKeepUsBusy)
{
    unsigned char salt[16] = "salt";
    // An hour of work each.
    EXPECT_NE(
        error_of(encrypted_by(PKCS5_pbe2_set(EVP_aes_256_cbc(), 2'000'000'000, salt, sizeof(salt)))).find("rounds"),
        std::string::npos);
    EXPECT_NE(error_of(encrypted_by(PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 2'000'000'000, salt, 8)))
                  .find("rounds"),
              std::string::npos);
    EXPECT_NE(
        error_of(encrypted_by(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), nullptr, 16384, 8, 16000)))
            .find("rounds"),
        std::string::npos);
    // What openssl and careful people use.
    for (X509_ALGOR* usual : {PKCS5_pbe2_set(EVP_aes_256_cbc(), 100'000, salt, sizeof(salt)),
                              PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), nullptr, 16384, 8, 1)}) {
        EXPECT_NE(error_of(encrypted_by(usual)).find("is the pass phrase right?"), std::string::npos);
    }
}

TEST(ObjectsTest, NothingToPin)
{
    EXPECT_EQ(error_of(""), "is empty");
    const std::string none = "holds no certificate, CSR or key, in PEM or DER";
    for (const std::string& bytes :
         {std::string("some text\n"), std::string(1000, '\0'), std::string("\x30\x00", 2), std::string("0"),
          std::string("-----BEGIN "), std::string("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")}) {
        EXPECT_EQ(error_of(bytes), none) << bytes;
    }
    EXPECT_EQ(read(der(pki().www) + "x").errors, std::vector<std::string>{"goes on behind its certificate"});
}

TEST(ObjectsTest, AThousandAndNoMore)
{
    std::string many;
    for (std::size_t i = 0; i < kMaxObjects; i++) {
        many += public_key(owner());
    }
    EXPECT_EQ(read(many).errors, std::vector<std::string>{});
    const Objects more = read(many + public_key(owner()));
    EXPECT_EQ(more.found.size(), kMaxObjects);
    EXPECT_EQ(more.errors.size(), 1U);
}

TEST(ObjectsTest, CutOffAndBentBytesAreAnswered)
{
    for (const std::string& whole : {der(pki().www), csr_der(owner()), public_key_der(owner()),
                                     der_of(owner().key.get()), pem(pki().www), private_key(owner(), "secret")}) {
        for (std::size_t i = 0; i < whole.size(); i++) {
            read(whole.substr(0, i));
            // The length of a PEM file is thrice that of DER, and every trial of an encrypted key takes its rounds.
            if (whole.front() == 0x30) {
                std::string bent = whole;
                bent[i] = static_cast<char>(bent[i] ^ (1 << i % 8));
                read(bent);
            }
        }
    }
}

TEST(ObjectsTest, AsJson)
{
    const nlohmann::json certificate = json_of(only(pem(pki().www)));
    EXPECT_EQ(certificate["kind"], "certificate");
    EXPECT_EQ(certificate["subject"], "CN = www.example.com");
    EXPECT_EQ(certificate["not-after"], kNow + 365 * kDay);
    EXPECT_EQ(certificate["pin-sha256"], owner().pin().base64());
    EXPECT_TRUE(certificate["problem"].is_null());
    const nlohmann::json key = json_of(only(private_key(owner())));
    EXPECT_EQ(key["kind"], "private-key");
    EXPECT_TRUE(key["subject"].is_null());
    EXPECT_TRUE(key["not-after"].is_null());
    EXPECT_TRUE(json_of(only(csr(owner(), false)))["problem"].is_string());
}

}  // namespace
