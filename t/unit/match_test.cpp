#include "test_site.hpp"

#include "match.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

ServedChain served(const Chain& chain)
{
    return {chain, find_trust_paths(chain)};
}

Chain crossed()
{
    return chain({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key), pki().root,
                  pki().other_root});
}

TEST(Match, MatchingPinIsTheFirstOfTheSet)
{
    const Path path = find_trust_paths(pki().www_chain_with_root).paths.front();
    const PinSet set = pin_set({pki().backup_1.pin(), pki().root_key.pin(), pki().www_key.pin()});
    const PolicyPin* pin = matching_pin(path, set);
    ASSERT_NE(pin, nullptr);
    EXPECT_EQ(pin->pin, pki().root_key.pin());
    EXPECT_EQ(matching_pin(path, pin_set({pki().backup_1.pin()})), nullptr);
    EXPECT_EQ(matching_pin(path, pin_set({})), nullptr);
}

TEST(Match, EveryPathHasToMatch)
{
    const TrustPaths paths = find_trust_paths(crossed());
    ASSERT_EQ(paths.paths.size(), 2U);
    EXPECT_TRUE(matches_every_path(paths, pin_set({pki().intermediate_key.pin()})));
    EXPECT_TRUE(matches_every_path(paths, pin_set({pki().root_key.pin(), pki().other_root_key.pin()})));
    EXPECT_FALSE(matches_every_path(paths, pin_set({pki().root_key.pin()})));
    EXPECT_FALSE(matches_every_path(paths, pin_set({pki().other_root_key.pin()})));
    EXPECT_FALSE(matches_every_path(paths, pin_set({pki().backup_1.pin()})));
}

TEST(Match, AChainWithoutAnyPathMatchesNothing)
{
    EXPECT_FALSE(matches_every_path(TrustPaths{}, pin_set({pki().www_key.pin()})));
    ServedChain without{pki().www_chain, {}};
    EXPECT_FALSE(accepted_by({true, false, false}, without, pin_set({pki().www_key.pin()})));
    EXPECT_TRUE(accepted_by({false, true, true}, without, pin_set({pki().www_key.pin()})));
}

TEST(Match, SentIsAnyCertificate)
{
    const Chain sent = chain({pki().www, pki().intermediate, pki().other_intermediate});
    EXPECT_TRUE(matches_sent(sent, pin_set({pki().www_key.pin()})));
    EXPECT_TRUE(matches_sent(sent, pin_set({pki().other_intermediate_key.pin(), pki().backup_1.pin()})));
    EXPECT_FALSE(matches_sent(sent, pin_set({pki().root_key.pin()})));
}

TEST(Match, LeafIsTheFirstCertificate)
{
    EXPECT_TRUE(matches_leaf(pki().www_chain, pin_set({pki().backup_1.pin(), pki().www_key.pin()})));
    EXPECT_FALSE(matches_leaf(pki().www_chain, pin_set({pki().intermediate_key.pin()})));
}

TEST(Match, EveryKindOfClientsHasToAccept)
{
    const ServedChain chain_of = served(chain({pki().www, pki().intermediate, pki().other_intermediate}));
    const PinSet by_leaf = pin_set({pki().www_key.pin()});
    const PinSet by_issuer = pin_set({pki().intermediate_key.pin()});
    const PinSet by_superfluous = pin_set({pki().other_intermediate_key.pin()});
    for (int kinds = 1; kinds < 8; kinds++) {
        const Clients clients{(kinds & 1) != 0, (kinds & 2) != 0, (kinds & 4) != 0};
        EXPECT_TRUE(accepted_by(clients, chain_of, by_leaf)) << kinds;
        EXPECT_EQ(accepted_by(clients, chain_of, by_issuer), !clients.leaf) << kinds;
        EXPECT_EQ(accepted_by(clients, chain_of, by_superfluous), !clients.leaf && !clients.chain) << kinds;
        EXPECT_FALSE(accepted_by(clients, chain_of, pin_set({pki().backup_1.pin()}))) << kinds;
    }
}

TEST(MayBeNoted, NeedsAPinOnTheLineAndOneOffIt)
{
    std::size_t matched = 99;
    EXPECT_TRUE(may_be_noted(pki().www_chain, {pki().backup_1.pin(), pki().www_key.pin()}, matched));
    EXPECT_EQ(matched, 1U);
    EXPECT_TRUE(may_be_noted(pki().www_chain, {pki().intermediate_key.pin(), pki().backup_1.pin()}, matched));
    EXPECT_EQ(matched, 0U);
    EXPECT_FALSE(may_be_noted(pki().www_chain, {pki().backup_1.pin(), pki().backup_2.pin()}, matched));
    EXPECT_FALSE(may_be_noted(pki().www_chain, {pki().www_key.pin(), pki().intermediate_key.pin()}, matched));
    EXPECT_FALSE(may_be_noted(pki().www_chain, {pki().www_key.pin()}, matched));
    EXPECT_FALSE(may_be_noted(pki().www_chain, {}, matched));
}

TEST(MayBeNoted, ASuperfluousCertificateIsOffTheLine)
{
    const Chain sent = chain({pki().www, pki().intermediate, pki().other_intermediate});
    std::size_t matched = 99;
    EXPECT_FALSE(may_be_noted(sent, {pki().other_intermediate_key.pin(), pki().backup_1.pin()}, matched));
    EXPECT_TRUE(may_be_noted(sent, {pki().other_intermediate_key.pin(), pki().www_key.pin()}, matched));
    EXPECT_EQ(matched, 1U);
}

TEST(MayBeNoted, HoldsOnEveryPath)
{
    std::size_t matched = 99;
    EXPECT_TRUE(may_be_noted(crossed(), {pki().www_key.pin(), pki().backup_1.pin()}, matched));
    EXPECT_FALSE(may_be_noted(crossed(), {pki().root_key.pin(), pki().backup_1.pin()}, matched));
    EXPECT_FALSE(may_be_noted(crossed(), {pki().other_root_key.pin(), pki().backup_1.pin()}, matched));
    EXPECT_FALSE(may_be_noted(crossed(), {pki().www_key.pin(), pki().root_key.pin()}, matched))
        << "no backup by root A";
}

TEST(Draw, ShowsTheLineAndMarksWhatIsPinned)
{
    PinSet set = pin_set({pki().intermediate_key.pin()});
    set.pins.front().name = "our CA";
    const auto lines = draw(served(pki().www_chain), set);
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_NE(lines[0].find("www.example.com"), std::string::npos);
    EXPECT_NE(lines[0].find("pin-sha256=\"" + pki().www_key.pin().base64() + "\""), std::string::npos);
    EXPECT_EQ(lines[0].find("pinned"), std::string::npos);
    EXPECT_NE(lines[1].find("Intermediate A"), std::string::npos);
    EXPECT_NE(lines[1].find("pinned as \"our CA\""), std::string::npos);
}

TEST(Draw, NumbersThePathsWhereThereAreSeveral)
{
    const auto lines = draw(served(crossed()), pin_set({}));
    ASSERT_EQ(lines.size(), 8U);
    EXPECT_NE(lines[0].find("path 1 of 2"), std::string::npos);
    EXPECT_NE(lines[4].find("path 2 of 2"), std::string::npos);
}

TEST(Draw, ShowsSuperfluousCertificatesApart)
{
    const auto lines = draw(served(chain({pki().www, pki().intermediate, pki().other_intermediate})), pin_set({}));
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_NE(lines[2].find("on no path"), std::string::npos);
    EXPECT_NE(lines[3].find("Intermediate B"), std::string::npos);
}

TEST(Draw, ManyPathsAreCutShort)
{
    Entity subject = pki().www_key;
    std::vector<Certificate> sent = {pki().www};
    for (int i = 0; i < 20; i++) {
        sent.push_back(ca(pki().intermediate_key, Entity("Root " + std::to_string(i))));
    }
    const ServedChain many = served(chain(sent));
    EXPECT_EQ(many.trust_paths.paths.size(), 20U);
    const std::size_t lines = draw(many, pin_set({})).size();
    EXPECT_GE(lines, 24U) << "eight paths of two, each with its number";
    EXPECT_LE(lines, 25U);
}

}  // namespace
