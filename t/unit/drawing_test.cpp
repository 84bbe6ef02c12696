#include "drawing.hpp"

#include "test_paths.hpp"
#include "test_site.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Strings = std::vector<std::string>;

/// The lines of a private PKI's chain.
Strings drawn(const Chain& chain, const PinSet& pins)
{
    return draw(chain, lines_of(chain), pins);
}

std::string pinned_line(const std::string& name, const Pin& pin, const std::string& mark = "")
{
    return name + "  pin-sha256=\"" + pin.base64() + "\"" + mark;
}

Path path_of(std::vector<Certificate> certificates, Strings stores)
{
    Path path;
    path.certificates = std::move(certificates);
    path.stores = std::move(stores);
    return path;
}

Path failed(Path path, Path::State state, const std::string& reason)
{
    path.state = state;
    path.reason = reason;
    return path;
}

/// The usual path to root A.
Path usual(Strings stores)
{
    return path_of({pki().www, pki().intermediate, pki().root}, std::move(stores));
}

TrustPaths trusted(std::vector<Path> paths, std::vector<Path> rejected = {})
{
    TrustPaths made;
    made.basis = TrustPaths::Basis::trusted;
    made.paths = std::move(paths);
    made.rejected = std::move(rejected);
    return made;
}

const Strings kUsual = {pinned_line("www.example.com", pki().www_key.pin()),
                        pinned_line("Intermediate A ", pki().intermediate_key.pin()),
                        pinned_line("Root A         ", pki().root_key.pin())};

/// A heading before the usual path, and what follows it.
Strings headed(const std::string& heading, const Strings& after = {})
{
    Strings lines = {heading};
    lines.insert(lines.end(), kUsual.begin(), kUsual.end());
    lines.insert(lines.end(), after.begin(), after.end());
    return lines;
}

TEST(Draw, ShowsTheLineAndMarksWhatIsPinned)
{
    PinSet set = pin_set({pki().intermediate_key.pin(), pki().www_key.pin()});
    set.pins.front().name = "our CA";
    EXPECT_EQ(drawn(pki().www_chain, set),
              (Strings{pinned_line("www.example.com", pki().www_key.pin(), "  <- pinned"),
                       pinned_line("Intermediate A ", pki().intermediate_key.pin(), "  <- pinned as \"our CA\"")}));
}

TEST(Draw, NumbersThePathsWhereThereAreSeveral)
{
    const Chain crossed = chain({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key),
                                 pki().root, pki().other_root});
    const auto lines = drawn(crossed, pin_set({}));
    ASSERT_EQ(lines.size(), 8U);
    EXPECT_EQ(lines[0], "path 1 of 2:");
    EXPECT_EQ(lines[4], "path 2 of 2:");
}

TEST(Draw, ShowsSuperfluousCertificatesApart)
{
    const auto lines = drawn(chain({pki().www, pki().intermediate, pki().other_intermediate}), pin_set({}));
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_EQ(lines[2], "sent, but on no path (clients ignore them):");
    EXPECT_EQ(lines[3], pinned_line("Intermediate B ", pki().other_intermediate_key.pin()));
}

TEST(Draw, ManyPathsAreCutShort)
{
    std::vector<Certificate> sent = {pki().www};
    for (int i = 0; i < 20; i++) {
        const Entity root("Root " + std::to_string(i));
        sent.push_back(ca(pki().intermediate_key, root));
        sent.push_back(ca(root, root));
    }
    const Chain many = chain(sent);
    EXPECT_EQ(lines_of(many).paths.size(), 20U);
    const auto lines = drawn(many, pin_set({}));
    ASSERT_EQ(lines.size(), 33U) << "eight paths of three, each with its number, and how many more there are";
    EXPECT_EQ(lines.back(), "and 12 more");
}

TEST(Draw, EightPathsAreShownWhole)
{
    std::vector<Certificate> sent = {pki().www};
    for (int i = 0; i < 8; i++) {
        const Entity root("Root " + std::to_string(i));
        sent.push_back(ca(pki().intermediate_key, root));
        sent.push_back(ca(root, root));
    }
    EXPECT_EQ(drawn(chain(sent), pin_set({})).size(), 32U);
}

TEST(Draw, OfManyPathsThoseWithoutAPinComeFirst)
{
    std::vector<Path> paths;
    std::vector<Pin> pins;
    for (int i = 0; i < 10; i++) {
        const Entity root("Root " + std::to_string(i));
        paths.push_back(path_of({pki().www, ca(pki().intermediate_key, root), ca(root, root)}, {"a"}));
        if (i != 4 && i != 9) {
            pins.push_back(root.pin());
        }
    }
    const auto roots = [&](std::size_t shown) {
        const std::vector<Path> some(paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(shown));
        const auto lines = draw(pki().www_chain, trusted(some), pin_set(pins));
        std::string numbers;
        for (const std::string& line : lines) {
            numbers += line.rfind("Root ", 0) == 0 ? line.substr(5, 1) : "";
        }
        return numbers;
    };
    EXPECT_EQ(roots(10), "49012356");
    EXPECT_EQ(roots(9), "40123567");
    EXPECT_EQ(roots(8), "01234567") << "where all are shown, in their order";
}

TEST(Draw, NamesTheStoresOfAPathsRoot)
{
    EXPECT_EQ(draw(pki().www_chain, trusted({usual({"mozilla"})}), pin_set({})),
              headed("the path, to a root in mozilla:"));
    EXPECT_EQ(draw(pki().www_chain, trusted({usual({"android", "mozilla"})}), pin_set({})),
              headed("the path, to a root in android, mozilla:"));
}

TEST(Draw, NumbersAnchoredPathsToo)
{
    const Path other = path_of({pki().other, pki().other_intermediate, pki().other_root}, {"b"});
    const auto lines = draw(pki().www_chain, trusted({usual({"a"}), other}), pin_set({}));
    ASSERT_EQ(lines.size(), 8U);
    EXPECT_EQ(lines[0], "path 1 of 2, to a root in a:");
    EXPECT_EQ(lines[4], "path 2 of 2, to a root in b:");
    EXPECT_EQ(lines[5], pinned_line("stranger       ", pki().other_key.pin()));
}

TEST(Draw, PathsWithTheSameKeysAreOne)
{
    const Path again = path_of({pki().www, pki().intermediate, ca(pki().root_key, pki().root_key)}, {"b", "a"});
    const Path more = path_of({pki().www, pki().intermediate, ca(pki().root_key, pki().root_key)}, {"c"});
    EXPECT_EQ(draw(pki().www_chain, trusted({usual({"a"}), again, more}), pin_set({})),
              headed("the path (3 with the same keys), to roots in a, b, c:"));
}

TEST(Draw, SaysWhyAPathThatCountsIsOutdated)
{
    TrustPaths paths =
        trusted({failed(usual({"mozilla"}), Path::State::outdated, "www.example.com: certificate has expired")});
    paths.basis = TrustPaths::Basis::outdated;
    EXPECT_EQ(draw(pki().www_chain, paths, pin_set({})),
              headed("the path, to a root in mozilla, outdated (www.example.com: certificate has expired):"));
}

TEST(Draw, SaysWhyAPathDoesNotCount)
{
    const Certificate cross = ca(pki().intermediate_key, pki().other_root_key);
    const Path rejected = failed(path_of({pki().www, cross, pki().other_root}, {"b"}), Path::State::invalid,
                                 "Intermediate A: permitted subtree violation");
    EXPECT_EQ(draw(chain({pki().www, pki().intermediate, cross}), trusted({usual({"a"})}, {rejected}), pin_set({})),
              headed("the path, to a root in a:",
                     {"sent, but on no path (clients ignore them):",
                      pinned_line("Intermediate A ", pki().intermediate_key.pin()), "these paths do not count:",
                      "www.example.com > Intermediate A > Root B (b): Intermediate A: permitted subtree violation"}));
}

TEST(Draw, WithoutAPathShowsWhatIsSent)
{
    TrustPaths none;
    EXPECT_EQ(draw(pki().www_chain, none, pin_set({pki().www_key.pin()})),
              (Strings{"sent:", pinned_line("www.example.com", pki().www_key.pin(), "  <- pinned"),
                       pinned_line("Intermediate A ", pki().intermediate_key.pin())}));
    none.rejected.push_back(failed(usual({"a", "b"}), Path::State::invalid, "Root A: certificate rejected"));
    const auto lines = draw(pki().www_chain, none, pin_set({}));
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_EQ(lines[0], "sent:");
    EXPECT_EQ(lines[3], "these paths do not count:");
    EXPECT_EQ(lines[4], "www.example.com > Intermediate A > Root A (a, b): Root A: certificate rejected");
}

TEST(Draw, ManySuperfluousCertificatesAreCutShort)
{
    std::vector<Certificate> sent = pki().www_chain.sent;
    for (int i = 0; i < 20; i++) {
        sent.push_back(ca(Entity("CA " + std::to_string(i)), pki().other_root_key));
    }
    EXPECT_EQ(drawn(chain(sent), pin_set({})).size(), 23U);
    sent.push_back(pki().other_root);
    const auto lines = drawn(chain(sent), pin_set({}));
    EXPECT_EQ(lines.size(), 24U);
    EXPECT_EQ(lines.back(), "and 1 more");
}

TEST(Draw, ManyPathsThatDoNotCountAreCutShort)
{
    TrustPaths paths = trusted({usual({"a"})});
    for (int i = 0; i < 8; i++) {
        paths.rejected.push_back(failed(usual({"a"}), Path::State::invalid, "reason " + std::to_string(i)));
    }
    EXPECT_EQ(draw(pki().www_chain, paths, pin_set({})).size(), 13U);
    paths.rejected.insert(paths.rejected.end(), 3, paths.rejected.front());
    const auto lines = draw(pki().www_chain, paths, pin_set({}));
    EXPECT_EQ(lines.size(), 14U);
    EXPECT_EQ(lines.back(), "and 3 more");
}

TEST(Superfluous, CertificatesAreOnNoPath)
{
    const Chain sent = chain({pki().www, pki().other_intermediate, pki().intermediate});
    const auto off = superfluous(sent, lines_of(sent));
    ASSERT_EQ(off.size(), 1U);
    EXPECT_TRUE(off.front() == pki().other_intermediate);
    EXPECT_TRUE(superfluous(pki().www_chain, lines_of(pki().www_chain)).empty());
}

TEST(Superfluous, ARejectedPathIsNone)
{
    const Certificate cross = ca(pki().intermediate_key, pki().other_root_key);
    const auto off = superfluous(chain({pki().www, pki().intermediate, cross}),
                                 trusted({usual({"a"})}, {path_of({pki().www, cross, pki().other_root}, {"b"})}));
    ASSERT_EQ(off.size(), 1U);
    EXPECT_TRUE(off.front() == cross);
}

TEST(GroupedByPins, KeysAndTheirOrderCount)
{
    const Certificate cross = ca(pki().intermediate_key, pki().other_root_key);
    const std::vector<Path> paths = {
        usual({"a"}),
        path_of({pki().www, cross, pki().other_root}, {"a"}),
        path_of({pki().www, pki().intermediate}, {"a"}),
        path_of({pki().www, ca(pki().intermediate_key, pki().root_key), pki().root}, {"b"}),
        path_of({pki().www, pki().root, pki().intermediate}, {"a"}),
    };
    const auto groups = grouped_by_pins(paths);
    ASSERT_EQ(groups.size(), 4U);
    EXPECT_EQ(groups[0], (PathGroup{&paths[0], &paths[3]}));
    EXPECT_EQ(groups[1], PathGroup{&paths[1]});
    EXPECT_EQ(groups[2], PathGroup{&paths[2]});
    EXPECT_EQ(groups[3], PathGroup{&paths[4]});
    EXPECT_TRUE(grouped_by_pins({}).empty());
}

}  // namespace
