// backup-key-online: a private key of a backup where nginx, or whoever breaks into it, can read it.
#include "test_site.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <dirent.h>
#include <filesystem>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

PolicyText policy_of(std::vector<std::string> pins, std::vector<std::string> modes = {"enforce: {max-age: 1d}"})
{
    PolicyText policy;
    policy.pins = std::move(pins);
    policy.modes = std::move(modes);
    return policy;
}

std::string www()
{
    return written(pki().www_key.pin());
}
std::string backup_1()
{
    return written(pki().backup_1.pin());
}
std::string backup_2()
{
    return written(pki().backup_2.pin());
}

/// The findings where backup 1's CSR is pinned and `file` lies beside the policy.
Findings with_file_beside(const std::string& name, const std::string& content)
{
    World world;
    world.policies({policy_of({www(), backup_1(), backup_2()})});
    world.dir.write(name, content, 0600);
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    return world.findings();
}

TEST(BackupKeyOnline, AKeyBesideThePolicyIsAWarning)
{
    const auto findings = with_file_beside("backup.key", private_key(pki().backup_1));
    EXPECT_EQ(ids(findings), "backup-key-online");
    const Finding& finding = only(findings, FindingId::backup_key_online);
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.place->line, 6U) << "the pin's own line";
    EXPECT_NE(finding.what.find("backup.key"), std::string::npos) << finding.what;
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
}

// After a renewal with a wrong key: that finding names it, and its keeper must not move it away.
TEST(BackupKeyOnline, TheKeyThatClientsHoldIsNoBackup)
{
    World world;
    world.policies({policy_of({www(), backup_1(), backup_2()})});
    world.dir.write("www.key", private_key(pki().www_key), 0600);
    world.pinned(12, {"www.example.com"}, {pki().other_chain});
    EXPECT_EQ(count_of(world.findings(), FindingId::no_pin_in_chain), 1U);
    EXPECT_EQ(count_of(world.findings(), FindingId::backup_key_online), 0U);
}

TEST(BackupKeyOnline, WhereOneChainIsWrongThatComesFirst)
{
    for (const bool one_server : {true, false}) {
        World world;
        world.policies({policy_of({www(), backup_1(), backup_2()})});
        world.dir.write("backup.key", private_key(pki().backup_1), 0600);
        ServerBlock& block = world.pinned(12, {"www.example.com"}, {pki().www_chain});
        if (one_server) {
            block.certificates.push_back(pki().other_chain);
        } else {
            world.pinned(30, {"b.example.com"}, {pki().other_chain});
        }
        EXPECT_EQ(count_of(world.findings(), FindingId::no_pin_in_chain), 1U);
        EXPECT_EQ(count_of(world.findings(), FindingId::backup_key_online), 0U) << one_server;
    }
}

TEST(BackupKeyOnline, WhereNoChainIsKnownNobodyKnowsWhichKeyIsABackup)
{
    World world;
    world.policies({policy_of({www(), backup_1(), backup_2()})});
    world.dir.write("www.key", private_key(pki().www_key), 0600);
    world.pinned(12, {"www.example.com"}, {}).variable_certificates = true;
    EXPECT_EQ(ids(world.findings()), "chain-unknown");
}

TEST(BackupKeyOnline, AKeyAmongOtherThingsIsFound)
{
    EXPECT_EQ(
        ids(with_file_beside("all.pem", pem(pki().www) + private_key(pki().backup_3) + private_key(pki().backup_2))),
        "backup-key-online");
}

TEST(BackupKeyOnline, OtherFilesBesideThePolicyAreFine)
{
    EXPECT_EQ(ids(with_file_beside("backup.csr", csr(pki().backup_1))), "");
    EXPECT_EQ(ids(with_file_beside("backup.pub", public_key(pki().backup_1))), "");
    EXPECT_EQ(ids(with_file_beside("stranger.key", private_key(pki().backup_3))), "");
    EXPECT_EQ(ids(with_file_beside("empty", "")), "");
}

TEST(BackupKeyOnline, TheKeyInUseIsNoBackup)
{
    EXPECT_EQ(ids(with_file_beside("www.key", private_key(pki().www_key))), "");
}

TEST(BackupKeyOnline, AnEncryptedKeyAsksNobodyForItsPassPhrase)
{
    EXPECT_EQ(ids(with_file_beside("backup.key", private_key(pki().backup_1, "secret"))), "");
}

TEST(BackupKeyOnline, AFileIsReadUpToItsBound)
{
    const std::string key = private_key(pki().backup_1);
    const std::string text(65536 - key.size(), '\n');
    EXPECT_EQ(ids(with_file_beside("backup.key", text + key)), "backup-key-online");
    EXPECT_EQ(ids(with_file_beside("backup.key", text + "\n" + key)), "") << "nobody writes a key like that";
}

TEST(BackupKeyOnline, OfAFileSixteenKeysAreLookedAt)
{
    std::string others;
    for (int i = 0; i < 15; i++) {
        others += private_key(pki().backup_3);
    }
    const std::string key = private_key(pki().backup_1);
    EXPECT_EQ(ids(with_file_beside("all.pem", others + key)), "backup-key-online");
    EXPECT_EQ(ids(with_file_beside("all.pem", others + private_key(pki().backup_3) + key)), "");
}

TEST(BackupKeyOnline, LookingForItLeavesNothingOpen)
{
    const auto descriptors = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    with_file_beside("backup.key", private_key(pki().backup_1));
    const auto before = descriptors();
    with_file_beside("backup.key", private_key(pki().backup_1));
    EXPECT_EQ(descriptors(), before) << "nginx's master looks at every reload";
}

TEST(BackupKeyOnline, ADirectoryThatCannotBeListedIsNoTrouble)
{
    World world;
    world.policies({policy_of({www(), backup_1(), backup_2()})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    const LoadOptions options = world.options();
    ASSERT_EQ(::chmod(world.dir.path().c_str(), 0711), 0);
    EXPECT_TRUE(ends_within(30, [&] {
        if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
            throw std::runtime_error("setuid");
        }
        if (has(world.judge(options).findings, FindingId::backup_key_online)) {
            throw std::runtime_error("where would it be?");
        }
    }));
}

TEST(BackupKeyOnline, OfAManyFilesAThousandAreRead)
{
    World world;
    world.policies({policy_of({www(), backup_1(), backup_2()})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    for (int i = 0; i < 1100; i++) {
        world.dir.write("file" + std::to_string(i), "", 0600);
    }
    EXPECT_FALSE(has(world.findings(), FindingId::backup_key_online));  // the ledger is there as well
    // What is written into them later moves none of them.
    std::vector<std::string> entries;
    DIR* open = ::opendir(world.dir.path().c_str());
    ASSERT_NE(open, nullptr);
    while (const dirent* entry = ::readdir(open)) {
        entries.emplace_back(entry->d_name);
    }
    ::closedir(open);
    const auto found_at = [&](std::size_t at) {
        while (entries[at].rfind("file", 0) != 0) {
            at--;  // ".", ".." and the policy's own are entries too
        }
        world.dir.write(entries[at], private_key(pki().backup_1), 0600);
        const bool found = has(world.findings(), FindingId::backup_key_online);
        world.dir.write(entries[at], "", 0600);
        return found;
    };
    EXPECT_TRUE(found_at(999)) << entries[999];
    const auto next = static_cast<std::size_t>(
        std::find_if(entries.begin() + 1000, entries.end(), [](const std::string& name) { return name[0] == 'f'; })
        - entries.begin());
    EXPECT_FALSE(found_at(next)) << entries[next];
}

TEST(BackupKeyOnline, ARetiredPinsKeyMayLieAround)
{
    World world;
    world.policies({policy_of({www(), backup_1(), backup_2(), retired(pki().backup_3.pin())})});
    world.dir.write("old.key", private_key(pki().backup_3), 0600);
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(BackupKeyOnline, AKeyThatNginxLoadsIsAWarning)
{
    World world;
    world.policies({policy_of({www(), backup_1(), backup_2()})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(30, {"elsewhere.test"}, {chain({leaf(pki().backup_1, pki().intermediate_key, {"elsewhere.test"})})});
    const auto findings = world.findings();
    EXPECT_EQ(ids(findings), "backup-key-online");
    const Finding& finding = only(findings, FindingId::backup_key_online);
    EXPECT_NE(finding.what.find("nginx.conf:30"), std::string::npos) << finding.what;
    EXPECT_EQ(finding.place->line, 6U);
    EXPECT_EQ(lines_of(finding), std::vector<unsigned>{12});
}

TEST(BackupKeyOnline, AnIssuersPinIsNoKeyThatNginxLoads)
{
    World world;
    world.policies({policy_of({www(), written(pki().other_intermediate_key.pin()), backup_2()})});
    world.pinned(12, {"www.example.com"}, {pki().www_chain});
    world.server(
        30, {"elsewhere.test"},
        {chain({leaf(pki().backup_3, pki().other_intermediate_key, {"elsewhere.test"}), pki().other_intermediate})});
    EXPECT_EQ(ids(world.findings()), "");
}

TEST(BackupKeyOnline, AKeyThatIsNotInPemIsFoundToo)
{
    std::string der;
    unsigned char* bytes = nullptr;
    const int length = i2d_PrivateKey(pki().backup_1.key.get(), &bytes);
    const OpensslBytes owned(bytes);
    der.assign(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(length));
    EXPECT_EQ(ids(with_file_beside("backup.der", der)), "backup-key-online");
}

}  // namespace
