#include "paths/path.hpp"

#include "test_paths.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

Path path_of(std::vector<Certificate> certificates, std::vector<std::string> stores = {})
{
    Path path;
    path.certificates = std::move(certificates);
    path.stores = std::move(stores);
    return path;
}

TEST(PathValue, ContainsThePinsOfItsCertificates)
{
    const Path path = path_of({pki().www, pki().intermediate, pki().root});
    for (const Entity& owner : {pki().www_key, pki().intermediate_key, pki().root_key}) {
        EXPECT_TRUE(path.contains(owner.pin()));
    }
    EXPECT_FALSE(path.contains(pki().other_root_key.pin()));
    EXPECT_FALSE(Path().contains(pki().www_key.pin()));
}

TEST(PathValue, ContainsItsCertificatesAndNotOthersOfTheirKeys)
{
    const Path path = path_of({pki().www, pki().intermediate});
    EXPECT_TRUE(path.contains(pki().intermediate));
    EXPECT_FALSE(path.contains(ca(pki().intermediate_key, pki().root_key)));
    EXPECT_FALSE(path.contains(pki().root));
}

TEST(PathValue, IsAnchoredByAStore)
{
    EXPECT_TRUE(path_of({pki().www, pki().root}, {"a"}).anchored());
    EXPECT_FALSE(path_of({pki().www, pki().root}).anchored());
}

TEST(PathValue, ItsRootIsWhereItEnds)
{
    const Path line = path_of({pki().www, pki().intermediate, pki().root});
    EXPECT_EQ(line.root(), &line.certificates.back()) << "a private PKI's";
    const Path below = path_of({pki().www, pki().intermediate});
    EXPECT_EQ(below.root(), nullptr);
    const Path anchored = path_of({pki().www, pki().intermediate}, {"a"});
    EXPECT_EQ(anchored.root(), &anchored.certificates.back()) << "an intermediate that a store trusts by name";
}

TEST(PathValue, ALeafAloneIsNoRoot)
{
    const Entity self("www.example.com");
    EXPECT_EQ(path_of({leaf(self, self)}).root(), nullptr);
    EXPECT_EQ(path_of({leaf(self, self)}, {"a"}).root(), nullptr);
}

}  // namespace
