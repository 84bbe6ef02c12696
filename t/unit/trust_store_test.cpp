#include "paths/trust_store.hpp"

#include "test_paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBundle = std::size_t{16} << 20;
constexpr const char* kNoHashedNames = "is a directory without certificates under hashed names (openssl rehash ";

struct TrustStoreTest : testing::Test {
    /// The store's certificates; none, and a reason, where it cannot be used.
    std::vector<Certificate> read(const std::string& path)
    {
        TrustStore store = read_trust_store(path);
        EXPECT_EQ(store.path, path);
        EXPECT_EQ(store.ok(), store.error.empty());
        EXPECT_EQ(store.ok(), !store.certificates.empty()) << store.error;
        error = store.error;
        return store.certificates;
    }
    TempDir dir;
    std::string error;
};

const std::vector<Certificate>& both()
{
    static const std::vector<Certificate> roots = {pki().root, pki().other_root};
    return roots;
}

TEST_F(TrustStoreTest, ABundle)
{
    EXPECT_EQ(read(dir.write("roots.pem", pem(both()))), both());
    EXPECT_EQ(read(dir.write("one.pem", "# one\n" + pem(pki().root))), std::vector<Certificate>{pki().root});
}

TEST_F(TrustStoreTest, ABundleThroughALink)
{
    fs::create_symlink(dir.write("roots.pem", pem(both())), dir / "link.pem");
    EXPECT_EQ(read(dir / "link.pem"), both());
}

TEST_F(TrustStoreTest, WhateverElseLiesThereIsKept)
{
    EXPECT_EQ(read(dir.write("mixed.pem", pem({pki().intermediate, pki().root, pki().www}))).size(), 3U);
}

TEST_F(TrustStoreTest, ABundleThatCannotBeUsed)
{
    EXPECT_TRUE(read(dir / "missing.pem").empty());
    EXPECT_EQ(error, "cannot be opened: No such file or directory");
    EXPECT_TRUE(read("").empty());
    EXPECT_EQ(error, "cannot be opened: No such file or directory");
    EXPECT_TRUE(read(dir / std::string(5000, 'x')).empty());
    EXPECT_EQ(error, "cannot be opened: File name too long");
    EXPECT_TRUE(read(dir.write("empty.pem", "")).empty());
    EXPECT_EQ(error, "holds no PEM certificate");
    EXPECT_TRUE(read(dir.write("key.pem", private_key(pki().www_key))).empty());
    EXPECT_EQ(error, "holds no PEM certificate");
    EXPECT_TRUE(read(dir.write("cut.pem", pem(both()).substr(0, 900))).empty());
    EXPECT_EQ(error, "has a certificate that cannot be read, number 2");
    EXPECT_TRUE(read("/dev/zero").empty());
    EXPECT_EQ(error, "is not a regular file");
    EXPECT_TRUE(read(dir.path() + "/x.pem/y").empty());
    EXPECT_EQ(error, "cannot be opened: No such file or directory");
}

TEST_F(TrustStoreTest, APipeDoesNotHoldUpTheLoad)
{
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0644), 0);
    EXPECT_TRUE(read(dir / "fifo").empty());
    EXPECT_EQ(error, "is not a regular file");
    dir.write("hashed/0.pem", pem(pki().root));
    ASSERT_EQ(::mkfifo((dir / "hashed/00000000.0").c_str(), 0644), 0);
    EXPECT_TRUE(read(dir / "hashed").empty());
    EXPECT_EQ(error, "holds 00000000.0, which is not a regular file");
}

TEST_F(TrustStoreTest, ANameIsTakenWhole)
{
    dir.write("roots.pem", pem(both()));
    const std::string hashed = hashed_directory(dir, "hashed", both());
    EXPECT_TRUE(read((dir / "roots.pem") + std::string("\0x", 2)).empty());
    EXPECT_TRUE(read(hashed + std::string("\0x", 2)).empty()) << "not cut at the NUL";
}

TEST_F(TrustStoreTest, ABundleOf16MiBIsNotTooLarge)
{
    std::string text = pem(both());
    text.resize(kMaxBundle, '\n');
    EXPECT_EQ(read(dir.write("large.pem", text)), both());
    EXPECT_TRUE(read(dir.write("larger.pem", text + "\n")).empty());
    EXPECT_EQ(error, "is larger than 16777216 bytes");
}

TEST_F(TrustStoreTest, AHashedDirectory)
{
    // openssl rehash links what it finds; two of one subject are .0 and .1.
    const Certificate again = ca(pki().root_key, pki().root_key);
    const auto found = read(hashed_directory(dir, "hashed", {pki().root, pki().other_root, again}));
    EXPECT_EQ(found.size(), 3U);
    for (const Certificate& certificate : {pki().root, pki().other_root, again}) {
        EXPECT_NE(std::find(found.begin(), found.end(), certificate), found.end());
    }
    EXPECT_EQ(read(dir / "hashed/"), found) << "in the same order, by any name of the directory";
}

TEST_F(TrustStoreTest, OnlyHashedNamesAreRead)
{
    const std::string hashed = dir / "hashed";
    for (const char* name : {"0123456.0", "012345678.0", "01234567.", "01234567.r0", "01234567.0x", "01234567.x",
                             "0123456g.0", "01234567", "01234567_0", "x01234567.0", "roots.pem", ".0", "README"}) {
        dir.write(std::string("hashed/") + name, "nonsense");
    }
    EXPECT_TRUE(read(hashed).empty());
    EXPECT_EQ(error, kNoHashedNames + hashed + " makes them)");

    dir.write("hashed/01234567.0", pem(pki().root));
    dir.write("hashed/89abcdef.12", pem(pki().other_root));
    EXPECT_EQ(read(hashed), both());
}

TEST_F(TrustStoreTest, AnEmptyDirectory)
{
    fs::create_directory(dir / "empty");
    EXPECT_TRUE(read(dir / "empty").empty());
    EXPECT_EQ(error, kNoHashedNames + (dir / "empty") + " makes them)");
}

TEST_F(TrustStoreTest, AFileOfADirectoryThatCannotBeReadSpoilsIt)
{
    hashed_directory(dir, "hashed", both());
    dir.write("hashed/01234567.0", "nonsense");
    EXPECT_TRUE(read(dir / "hashed").empty());
    EXPECT_EQ(error, "holds 01234567.0, which holds no PEM certificate");
    fs::remove(dir / "hashed/01234567.0");
    fs::create_symlink(dir / "missing.pem", dir / "hashed/01234567.0");
    EXPECT_TRUE(read(dir / "hashed").empty());
    EXPECT_EQ(error, "holds 01234567.0, which cannot be opened: No such file or directory");
}

TEST_F(TrustStoreTest, AFileOfADirectoryMayHoldSeveral)
{
    dir.write("hashed/01234567.0", pem(both()));
    EXPECT_EQ(read(dir / "hashed"), both()) << "as OpenSSL reads it";
}

TEST_F(TrustStoreTest, TenThousandFilesAreNotTooMany)
{
    fs::create_directory(dir / "hashed");
    const std::string root = dir.write("root.pem", pem(pki().root));
    const auto link = [&](int number) {
        ASSERT_EQ(::symlink(root.c_str(), (dir / ("hashed/01234567." + std::to_string(number))).c_str()), 0);
    };
    for (int i = 0; i < 10000; i++) {
        link(i);
    }
    dir.write("hashed/roots.pem", "not one of them");
    EXPECT_EQ(read(dir / "hashed").size(), 10000U);
    link(10000);
    EXPECT_TRUE(read(dir / "hashed").empty());
    EXPECT_EQ(error, "has more than 10000 certificates");
}

}  // namespace
