// Every path of a PKI whose authorities have signed each other, written down: which certificates in which order, to
// which stores, and why one does not count. The openssl command is asked about each path alone.
#include "paths/trust_paths.hpp"

#include "test_crossed.hpp"
#include "test_paths.hpp"
#include "test_site.hpp"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Strings = std::vector<std::string>;
using Basis = TrustPaths::Basis;

struct Row {
    std::string name;
    Strings sent;
    std::map<std::string, Strings> stores;
    Basis basis;
    Strings paths;  // those that count with a "+", the others with a "-"; in alphabetical order
};

const Strings kAll = {"leaf", "I by A", "I by B", "A by B", "B by A"};

const std::vector<Row>& rows()
{
    static const std::vector<Row> table = {
        {"as usual", {"leaf", "I by A"}, {{"a", {"A"}}}, Basis::trusted, {"+ leaf > I by A > A [a] valid"}},
        {"the root appended",
         {"leaf", "I by A", "A"},
         {{"a", {"A"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid"}},
        {"any order, and twice",
         {"leaf", "A", "I by A", "B by A", "I by A", "leaf", "A"},
         {{"a", {"A", "A"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid"}},
        {"RSA leaf", {"RSA leaf", "I by A"}, {{"a", {"A"}}}, Basis::trusted, {"+ RSA leaf > I by A > A [a] valid"}},
        {"no intermediate", {"leaf", "A"}, {{"a", {"A"}}}, Basis::none, {}},
        {"an intermediate of the store",
         {"leaf"},
         {{"a", {"A", "I by A"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid"}},
        {"an intermediate is no anchor", {"leaf"}, {{"a", {"I by A"}}}, Basis::none, {}},
        {"a cross-signed root is none", {"leaf", "I by A"}, {{"b", {"A by B"}}}, Basis::none, {}},
        {"a leaf in a store", {"leaf", "I by A"}, {{"a", {"leaf"}}}, Basis::none, {}},
        {"a root that is only sent", {"leaf", "I by A", "A"}, {{"b", {"B"}}}, Basis::none, {}},

        {"all that was signed, to A",
         kAll,
         {{"a", {"A"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid", "+ leaf > I by B > B by A > A [a] valid"}},
        {"to B",
         kAll,
         {{"b", {"B"}}},
         Basis::trusted,
         {"+ leaf > I by A > A by B > B [b] valid", "+ leaf > I by B > B [b] valid"}},
        {"to A and B",
         kAll,
         {{"a", {"A"}}, {"b", {"B"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid", "+ leaf > I by A > A by B > B [b] valid", "+ leaf > I by B > B [b] valid",
          "+ leaf > I by B > B by A > A [a] valid"}},
        {"to A and B in one store, and A in another",
         kAll,
         {{"a", {"A"}}, {"ab", {"B", "A"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a, ab] valid", "+ leaf > I by A > A by B > B [ab] valid",
          "+ leaf > I by B > B [ab] valid", "+ leaf > I by B > B by A > A [a, ab] valid"}},
        {"the cross-signs lie in the store, the roots are sent",
         {"RSA leaf", "I by B", "A", "B"},
         {{"b", {"B", "B by A"}}, {"a", {"A", "A by B"}}},
         Basis::trusted,
         {"+ RSA leaf > I by B > B [b] valid", "+ RSA leaf > I by B > B by A > A [a] valid"}},

        {"an expired cross-sign",
         {"leaf", "I by A", "A by B, expired"},
         {{"a", {"A"}}, {"b", {"B"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid",
          "- leaf > I by A > A by B, expired > B [b] outdated: Root A: certificate has expired"}},
        {"an expired cross-sign and nothing else",
         {"leaf", "I by A", "A by B, expired"},
         {{"b", {"B"}}},
         Basis::outdated,
         {"+ leaf > I by A > A by B, expired > B [b] outdated: Root A: certificate has expired"}},
        {"an expired cross-sign beside its successor",
         {"leaf", "I by A", "A by B, expired", "A by B"},
         {{"b", {"B"}}},
         Basis::trusted,
         {"+ leaf > I by A > A by B > B [b] valid",
          "- leaf > I by A > A by B, expired > B [b] outdated: Root A: certificate has expired"}},
        {"an intermediate to come",
         {"leaf", "I by B, to come"},
         {{"b", {"B"}}},
         Basis::outdated,
         {"+ leaf > I by B, to come > B [b] outdated: Intermediate: " + kNotYetValid}},
        {"an expired leaf",
         {"expired leaf", "I by A", "I by B"},
         {{"a", {"A"}}, {"b", {"B"}}},
         Basis::outdated,
         {"+ expired leaf > I by A > A [a] outdated: www.example.com: certificate has expired",
          "+ expired leaf > I by B > B [b] outdated: www.example.com: certificate has expired"}},
        {"outdated, and invalid besides",
         {"expired leaf", "I by A", "I by B, for example.org"},
         {{"a", {"A"}}, {"b", {"B"}}},
         Basis::outdated,
         {"+ expired leaf > I by A > A [a] outdated: www.example.com: certificate has expired",
          "- expired leaf > I by B, for example.org > B [b] invalid: www.example.com: permitted subtree violation"}},

        {"a name-constrained cross-sign",
         {"leaf", "I by A", "I by B, for example.org"},
         {{"a", {"A"}}, {"b", {"B"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid",
          "- leaf > I by B, for example.org > B [b] invalid: www.example.com: permitted subtree violation"}},
        {"and nothing else",
         {"leaf", "I by B, for example.org"},
         {{"b", {"B"}}},
         Basis::none,
         {"- leaf > I by B, for example.org > B [b] invalid: www.example.com: permitted subtree violation"}},
        {"a constraint that the leaf keeps",
         {"leaf", "I by A, for example.com"},
         {{"a", {"A"}}},
         Basis::trusted,
         {"+ leaf > I by A, for example.com > A [a] valid"}},
        {"a root's name-constrained cross-sign",
         {"leaf", "I by A", "A by B, not for example.com"},
         {{"a", {"A"}}, {"b", {"B"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid",
          "- leaf > I by A > A by B, not for example.com > B [b] invalid: www.example.com: excluded subtree "
          "violation"}},

        {"an expired root",
         {"leaf", "I by A"},
         {{"a", {"A expired"}}},
         Basis::trusted,
         {"+ leaf > I by A > A expired [a] valid"}},
        {"a root to come",
         {"leaf", "I by A"},
         {{"a", {"A to come"}}},
         Basis::outdated,
         {"+ leaf > I by A > A to come [a] outdated: Root A: " + kNotYetValid}},
        {"three roots with one key",
         {"leaf", "I by A", "A renewed"},
         {{"a", {"A", "A expired", "A to come"}}, {"new", {"A renewed"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid", "+ leaf > I by A > A expired [a] valid",
          "+ leaf > I by A > A renewed [new] valid",
          "- leaf > I by A > A to come [a] outdated: Root A: " + kNotYetValid}},
        {"a root with a new key, signed with the old one",
         {"leaf by new A", "new A by A", "A by new A"},
         {{"new", {"new A"}}, {"old", {"A"}}},
         Basis::trusted,
         {"+ leaf by new A > new A [new] valid", "+ leaf by new A > new A by A > A [old] valid"}},
        {"one key under two names",
         {"leaf", "I by A", "A by A2"},
         {{"a", {"A", "A2"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid", "+ leaf > I by A > A by A2 > A2 [a] valid"}},

        {"a self-signed leaf", {"leaf by itself", "I by A"}, {{"a", {"A"}}}, Basis::none, {}},
        {"and in a store",
         {"leaf by itself", "I by A"},
         {{"a", {"A"}}, {"own", {"leaf by itself"}}},
         Basis::trusted,
         {"+ leaf by itself [own] valid"}},

        {"a leaf for clients",
         {"leaf for clients", "I by A"},
         {{"a", {"A"}}},
         Basis::none,
         {"- leaf for clients > I by A > A [a] invalid: www.example.com: unsuitable certificate purpose"}},
        {"a weak key",
         {"weak leaf", "I by A"},
         {{"a", {"A"}}},
         Basis::none,
         {"- weak leaf > I by A > A [a] invalid: www.example.com: EE certificate key too weak"}},
        {"intermediates of every kind that does not do, and one that does",
         {"leaf", "I by A, with SHA-1", "I by A, not to sign", "I by A, for clients", "I by A, no authority", "I by B"},
         {{"a", {"A"}}, {"b", {"B"}}},
         Basis::trusted,
         {"+ leaf > I by B > B [b] valid",
          "- leaf > I by A, for clients > A [a] invalid: Intermediate: unsuitable certificate purpose",
          "- leaf > I by A, no authority > A [a] invalid: Intermediate: invalid CA certificate",
          "- leaf > I by A, not to sign > A [a] invalid: Intermediate: invalid CA certificate",
          "- leaf > I by A, with SHA-1 > A [a] invalid: Intermediate: CA signature digest algorithm too weak"}},
        {"a path that is longer than an authority allows",
         {"leaf", "I by A", "A by B, with nothing below"},
         {{"a", {"A"}}, {"b", {"B"}}},
         Basis::trusted,
         {"+ leaf > I by A > A [a] valid",
          "- leaf > I by A > A by B, with nothing below > B [b] invalid: Root A: path length constraint exceeded"}},
    };
    return table;
}

std::string listed(const Strings& words)
{
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

Strings described(const TrustPaths& found)
{
    Strings lines;
    const auto add = [&](const std::vector<Path>& paths, const std::string& mark) {
        for (const Path& path : paths) {
            lines.push_back(mark + crossed().labels.on(path) + " [" + listed(path.stores) + "] " + verdict(path));
        }
    };
    add(found.paths, "+ ");
    add(found.rejected, "- ");
    std::sort(lines.begin(), lines.end());
    return lines;
}

/// The paths of each row, where `store` makes a store of certificates and returns its path.
template <typename MakeStore, typename Visit>
void for_each_row(MakeStore store, Visit visit)
{
    for (const Row& row : rows()) {
        const Chain sent = chain(crossed().of(row.sent));
        TrustStores stores;
        for (const auto& [name, labels] : row.stores) {
            stores[name] = store(name, crossed().of(labels));
        }
        TrustPathFinder finder(kNow, unrelated_bundle());
        visit(row, finder.find(sent, &stores));
    }
}

void expect_row(const Row& row, const TrustPaths& found)
{
    EXPECT_EQ(described(found), row.paths) << row.name;
    EXPECT_EQ(found.basis, row.basis) << row.name;
    EXPECT_EQ(met(found.limits), "") << row.name;
}

TEST(TrustPathsTable, OfBundles)
{
    const TempDir dir;
    int number = 0;
    const auto bundle = [&](const std::string& name, const std::vector<Certificate>& certificates) {
        return dir.write(name + std::to_string(number++) + ".pem", pem(certificates));
    };
    for_each_row(bundle, expect_row);
}

TEST(TrustPathsTable, OfHashedDirectories)
{
    const TempDir dir;
    int number = 0;
    const auto directory = [&](const std::string& name, const std::vector<Certificate>& certificates) {
        return hashed_directory(dir, name + std::to_string(number++), certificates);
    };
    for_each_row(directory, expect_row);
}

TEST(TrustPathsTable, OpensslAgreesOnEveryPath)
{
    const TempDir dir;
    int number = 0;
    std::set<std::vector<Fingerprint>> asked;
    const auto bundle = [&](const std::string& name, const std::vector<Certificate>& certificates) {
        return dir.write(name + std::to_string(number++) + ".pem", pem(certificates));
    };
    for_each_row(bundle, [&](const Row&, const TrustPaths& found) {
        for (const auto* paths : {&found.paths, &found.rejected}) {
            for (const Path& path : *paths) {
                std::vector<Fingerprint> key;
                for (const Certificate& certificate : path.certificates) {
                    key.push_back(certificate.fingerprint());
                }
                if (asked.insert(key).second) {
                    expect_openssl_agrees(path, kNow);
                }
            }
        }
    });
    EXPECT_GE(asked.size(), 29U);
}

TEST(TrustPathsTable, OpensslWouldDisagreeOnAnotherVerdict)
{
    Path path;
    path.certificates = crossed().of({"leaf", "I by B, for example.org", "B"});
    EXPECT_NONFATAL_FAILURE(expect_openssl_agrees(path, kNow), "permitted subtree violation");
    path.state = Path::State::invalid;
    path.reason = "Intermediate: permitted subtree violation";
    EXPECT_NONFATAL_FAILURE(expect_openssl_agrees(path, kNow), "another reason");
    path.certificates = crossed().of({"leaf", "I by B", "B"});
    EXPECT_NONFATAL_FAILURE(expect_openssl_agrees(path, kNow), "another reason");
}

TEST(TrustPathsTable, OpensslSaysNoMoreOfAnExpiredRootThanThatItExpired)
{
    // Where we differ from the command by design: it refuses, and clients that hold a root as a key do not.
    Path path;
    path.certificates = crossed().of({"leaf", "I by A", "A expired"});
    path.stores = {"a"};
    PathVerifier(kNow).verify(path);
    EXPECT_EQ(verdict(path), "valid");
    const CommandResult said = openssl_verify(path, kNow);
    EXPECT_NE(said.status, 0);
    EXPECT_NE(said.output.find("error 10 at 2 depth lookup: certificate has expired"), std::string::npos)
        << said.output;
}

}  // namespace
