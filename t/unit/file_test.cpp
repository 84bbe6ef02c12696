#include "test_pki.hpp"

#include "file.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

TEST(File, BytesAndMode)
{
    const TempDir dir;
    const std::string bytes = std::string("a\0b\n", 4) + std::string(100000, 'x');
    const FileContent content = read_file(dir.write("f", bytes, 0640));
    EXPECT_TRUE(content.ok());
    EXPECT_EQ(content.bytes, bytes);
    EXPECT_EQ(content.mode & 07777U, 0640U);
    EXPECT_TRUE(read_file(dir.write("empty", "")).ok());
}

TEST(File, UpToTheLimit)
{
    const TempDir dir;
    const std::string path = dir.write("f", std::string(100, 'x'));
    EXPECT_TRUE(read_file(path, 100).ok());
    EXPECT_FALSE(read_file(path, 99).ok());
    EXPECT_FALSE(read_file(path, 0).ok());
    EXPECT_EQ(kMaxFileBytes, 1U << 20);
}

TEST(File, AFileThatClaimsToBeEmptyAndIsNot)
{
    EXPECT_TRUE(read_file("/proc/self/status").ok());
    EXPECT_FALSE(read_file("/proc/self/status", 10).ok());
}

TEST(File, NothingElseThanRegularFiles)
{
    const TempDir dir;
    EXPECT_NE(read_file(dir / "missing").error.find("cannot be opened"), std::string::npos);
    EXPECT_NE(read_file(dir.path()).error.find("directory"), std::string::npos);
    EXPECT_FALSE(read_file("/dev/zero").ok());
    EXPECT_FALSE(read_file("").ok());
    EXPECT_FALSE(read_file(std::string("/etc/passwd\0.yaml", 17)).ok());
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
    EXPECT_FALSE(read_file(dir / "fifo").ok());
    ASSERT_EQ(::symlink((dir / "loop").c_str(), (dir / "loop").c_str()), 0);
    EXPECT_FALSE(read_file(dir / "loop").ok());
}

TEST(File, RelativePaths)
{
    EXPECT_EQ(relative_to("/etc/nginx/pins.yaml", "keys/a.csr"), "/etc/nginx/keys/a.csr");
    EXPECT_EQ(relative_to("/etc/nginx/pins.yaml", "/keys/a.csr"), "/keys/a.csr");
    EXPECT_EQ(relative_to("/pins.yaml", "a.csr"), "/a.csr");
    EXPECT_EQ(relative_to("pins.yaml", "a.csr"), "./a.csr");
    EXPECT_EQ(directory_of("/etc/nginx/pins.yaml"), "/etc/nginx");
    EXPECT_EQ(directory_of("/pins.yaml"), "/");
    EXPECT_EQ(directory_of("pins.yaml"), ".");
}

TEST(File, AnAbsolutePathIsTheFileThatTheKernelFinds)
{
    namespace fs = std::filesystem;
    const TempDir dir;
    fs::create_directories(dir / "a/b/c");
    fs::create_directories(dir / "etc");
    fs::create_directory_symlink(dir / "a/b/c", dir / "etc/link");
    const std::string store = dir.write("a/store.pem", "");
    EXPECT_EQ(absolute_path(dir / "a/./b/../store.pem"), store);
    EXPECT_TRUE(fs::equivalent(absolute_path(dir / "etc/link/../../store.pem"), store));
    EXPECT_TRUE(fs::equivalent(absolute_path(dir / "etc/../etc/link/../../store.pem"), store));
    EXPECT_EQ(absolute_path("store.pem"), fs::current_path().string() + "/store.pem");
}

}  // namespace
