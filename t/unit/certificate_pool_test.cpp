#include "certificate_pool.hpp"

#include "test_pki.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

TEST(CertificatePool, GivesOneObjectForTheSameCertificate)
{
    CertificatePool pool;
    const X509Ptr copy(X509_dup(pki().root.get()));
    const Certificate first = pool.get(pki().root.get());
    EXPECT_TRUE(first == pki().root);
    EXPECT_EQ(first.get(), pki().root.get());
    EXPECT_EQ(pool.get(copy.get()).get(), pki().root.get()) << "the one that came first";
    EXPECT_EQ(pool.get(pki().root.get()).get(), pki().root.get());
    EXPECT_NE(CertificatePool().get(copy.get()).get(), pki().root.get());
}

TEST(CertificatePool, TellsCertificatesOfOneKeyApart)
{
    CertificatePool pool;
    const Certificate renewed = ca(pki().root_key, pki().root_key);
    EXPECT_TRUE(pool.get(pki().root.get()) == pki().root);
    EXPECT_TRUE(pool.get(renewed.get()) == renewed);
    EXPECT_TRUE(pool.get(pki().www.get()) == pki().www);
    EXPECT_TRUE(pool.get(pki().root.get()) == pki().root);
}

}  // namespace
