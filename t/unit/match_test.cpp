#include "test_paths.hpp"
#include "test_site.hpp"

#include "match.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;

namespace {

Chain crossed()
{
    return chain({pki().www, pki().intermediate, ca(pki().intermediate_key, pki().other_root_key), pki().root,
                  pki().other_root});
}

TEST(Match, MatchingPinIsTheFirstOfTheSet)
{
    const Path path = lines_of(pki().www_chain_with_root).paths.front();
    const PinSet set = pin_set({pki().backup_1.pin(), pki().root_key.pin(), pki().www_key.pin()});
    const PolicyPin* pin = matching_pin(path, set);
    ASSERT_NE(pin, nullptr);
    EXPECT_EQ(pin->pin, pki().root_key.pin());
    EXPECT_EQ(matching_pin(path, pin_set({pki().backup_1.pin()})), nullptr);
    EXPECT_EQ(matching_pin(path, pin_set({})), nullptr);
}

TEST(Match, EveryPathHasToMatch)
{
    const TrustPaths paths = lines_of(crossed());
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
    const PinSet pins = pin_set({pki().www_key.pin()});
    EXPECT_FALSE(accepted_by({true, false, false}, pki().www_chain, {}, pins));
    EXPECT_TRUE(accepted_by({false, true, true}, pki().www_chain, {}, pins));
}

TEST(Match, WithoutAnyPathWhatIsSentStandsThere)
{
    EXPECT_TRUE(stands_in(pki().www_chain, {}, pki().www_key.pin()));
    EXPECT_TRUE(stands_in(pki().www_chain, {}, pki().intermediate_key.pin()));
    EXPECT_FALSE(stands_in(pki().www_chain, {}, pki().root_key.pin()));
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
    const Chain sent = chain({pki().www, pki().intermediate, pki().other_intermediate});
    const TrustPaths paths = lines_of(sent);
    const PinSet by_leaf = pin_set({pki().www_key.pin()});
    const PinSet by_issuer = pin_set({pki().intermediate_key.pin()});
    const PinSet by_superfluous = pin_set({pki().other_intermediate_key.pin()});
    for (int kinds = 1; kinds < 8; kinds++) {
        const Clients clients{(kinds & 1) != 0, (kinds & 2) != 0, (kinds & 4) != 0};
        EXPECT_TRUE(accepted_by(clients, sent, paths, by_leaf)) << kinds;
        EXPECT_EQ(accepted_by(clients, sent, paths, by_issuer), !clients.leaf) << kinds;
        EXPECT_EQ(accepted_by(clients, sent, paths, by_superfluous), !clients.leaf && !clients.chain) << kinds;
        EXPECT_FALSE(accepted_by(clients, sent, paths, pin_set({pki().backup_1.pin()}))) << kinds;
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

}  // namespace
