#include "test_pki.hpp"

#include <openssl/err.h>

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

struct ChainTest : testing::Test {
    std::vector<Chain> read(const std::string& content)
    {
        error.clear();
        auto chains = read_chain_file(dir.write("chain.pem", content), error);
        EXPECT_EQ(ERR_peek_error(), 0U);
        EXPECT_EQ(chains.empty(), !error.empty());
        return chains;
    }
    TempDir dir;
    std::string error;
};

TEST_F(ChainTest, CertificatesOfAFileInItsOrder)
{
    const auto chains = read(pem(pki().www_chain_with_root.sent));
    ASSERT_EQ(chains.size(), 1U);
    ASSERT_EQ(chains[0].sent.size(), 3U);
    EXPECT_TRUE(chains[0].leaf() == pki().www);
    EXPECT_TRUE(chains[0].sent[2] == pki().root);
    EXPECT_EQ(chains[0].file, dir / "chain.pem");
    EXPECT_EQ(chains[0].text(), "the chain of www.example.com in " + dir / "chain.pem");
    EXPECT_EQ(pki().www_chain.text(), "the chain of www.example.com");
}

TEST_F(ChainTest, KeysAndTextBetweenThem)
{
    EXPECT_EQ(
        read("A comment\n" + pem(pki().www) + private_key(pki().www_key) + "\n\n" + pem(pki().intermediate) + "end")[0]
            .sent.size(),
        2U);
}

TEST_F(ChainTest, NoCertificate)
{
    EXPECT_TRUE(read("").empty());
    EXPECT_TRUE(read(private_key(pki().www_key)).empty());
    EXPECT_TRUE(read(der(pki().www)).empty());
    EXPECT_TRUE(read_chain_file(dir / "missing.pem", error).empty());
    EXPECT_NE(error.find("cannot be opened"), std::string::npos);
    EXPECT_TRUE(read_chain_file(dir.path(), error).empty());
}

TEST_F(ChainTest, OneThatCannotBeReadSpoilsTheFile)
{
    const std::string bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    EXPECT_TRUE(read(pem(pki().www) + bad).empty());
    EXPECT_NE(error.find("number 2"), std::string::npos) << error;
    EXPECT_TRUE(read(bad + pem(pki().www)).empty());
    EXPECT_TRUE(read(pem(pki().www) + pem(pki().intermediate).substr(0, 200)).empty());
    EXPECT_TRUE(read(pem(pki().www) + pem(pki().intermediate) + "-----BEGIN CERTIFICATE-----\n").empty());
}

TEST(ChainsOfContext, EachCertificateHasItsChain)
{
    const Entity rsa("rsa", KeyType::rsa);
    const Chain second = chain({leaf(rsa, pki().other_intermediate_key), pki().other_intermediate, pki().other_root});
    const ContextPtr ctx = context({{pki().www_chain, pki().www_key}, {second, rsa}});
    const X509* current = SSL_CTX_get0_certificate(ctx.get());

    CertificatePool pool;
    const auto chains = chains_of(ctx.get(), pool);
    ASSERT_EQ(chains.size(), 2U);
    std::size_t ec = chains[0].leaf() == pki().www ? 0 : 1;
    EXPECT_EQ(chains[ec].sent, pki().www_chain.sent);
    EXPECT_EQ(chains[1 - ec].sent, second.sent);
    EXPECT_EQ(chains[0].file, "");
    EXPECT_EQ(SSL_CTX_get0_certificate(ctx.get()), current) << "the context is as it was";
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(ChainsOfContext, TheContextStaysAtItsFirstCertificateToo)
{
    const Entity rsa("rsa", KeyType::rsa);
    const Chain second = chain({leaf(rsa, pki().other_intermediate_key)});
    const ContextPtr ctx = context({{pki().www_chain, pki().www_key}, {second, rsa}});
    ASSERT_EQ(SSL_CTX_select_current_cert(ctx.get(), pki().www.get()), 1);
    CertificatePool pool;
    chains_of(ctx.get(), pool);
    EXPECT_EQ(SSL_CTX_get0_certificate(ctx.get()), pki().www.get());
}

TEST(ChainsOfContext, WithoutACertificateThereIsNone)
{
    const ContextPtr ctx = context({});
    CertificatePool pool;
    EXPECT_TRUE(chains_of(ctx.get(), pool).empty());
}

TEST(PresentedChain, OfAConnection)
{
    const ContextPtr ctx = context({{pki().www_chain, pki().www_key}});
    const ConnectionPtr connection(SSL_new(ctx.get()));
    const auto chains = presented_chain(connection.get());
    ASSERT_EQ(chains.size(), 1U);
    EXPECT_EQ(chains[0].sent, pki().www_chain.sent);

    const ContextPtr bare = context({});
    const ConnectionPtr unknown(SSL_new(bare.get()));
    EXPECT_TRUE(presented_chain(unknown.get()).empty());
}

}  // namespace
