#include "rollover/plan.hpp"
#include "test_ledger.hpp"

#include "duration.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;
using namespace hpkp::cli::rollover;
using Role = KnownPin::Role;

namespace {

const Pin kLeaf = pki().www_key.pin();
const Pin kA = pki().backup_1.pin();
const Pin kB = pki().backup_2.pin();
const Pin kC = pki().backup_3.pin();
constexpr std::int64_t kMaxAge = 14 * kDay;

KnownPin known(const Pin& pin, const std::string& name, Role role, bool leaf = false)
{
    return {{pin, name, role == Role::retired, false, {}}, role, leaf};
}

/// An enforced policy "www" with these pins; open, if it was sent until now.
HeldPolicy held(const std::vector<Pin>& pins, std::int64_t last_sent, bool open = false, std::int64_t max_age = kMaxAge)
{
    SentPolicy policy = enforced(max_age);
    policy.pins = pin_set(pins);
    policy.pins.owner = "policy \"www\"";
    return {std::make_shared<const Entry>(entry("www.example.com", policy, kNow - 100 * kDay, last_sent, open)),
            {"www.example.com"},
            false};
}

/// A leaf in use and two backups, sent, and held by everybody.
State steady()
{
    State state;
    state.owner = "policy \"www\"";
    state.name = "www";
    state.now = kNow;
    state.ledger_on = state.ledger_known = state.sent = true;
    state.pins = {known(kLeaf, "leaf", Role::in_use, true), known(kA, "A", Role::backup), known(kB, "B", Role::backup)};
    state.held = {held({kLeaf, kA, kB}, kNow, true)};
    return state;
}

/// "reload; serve A 3d; > serve B now; retire leaf after serve": ">" before the next one, dates from now.
std::string said(const State& state)
{
    const Plan plan = make_plan(state);
    std::string text;
    for (const Step& step : plan.steps) {
        text += std::string(text.empty() ? "" : "; ") + (step.next ? "> " : "") + step.text();
        if (!step.after.empty()) {
            text += " after " + step.after;
        } else if (!step.earliest) {
            text += " ?";
        } else if (*step.earliest != state.now) {
            text += " +" + std::to_string(*step.earliest - state.now);
        }
        EXPECT_FALSE(step.what.empty());
    }
    return text;
}

const std::string kThen = "; retire leaf after serve; drop leaf after retire; add-backup after serve";
const std::string kWait = " +" + std::to_string(kMaxAge + kDrainSeconds);

}  // namespace

TEST(RolloverPlan, OffersEveryBackupThatAllClientsKnow)
{
    EXPECT_EQ(said(steady()), "> serve A; serve B" + kThen);
}

TEST(RolloverPlan, WaitsForClientsThatDoNotKnowTheKey)
{
    State state = steady();
    state.held.insert(state.held.begin(), held({kLeaf, kA}, kNow - 4 * kDay));
    const std::int64_t gone = kMaxAge + kDrainSeconds - 4 * kDay;
    EXPECT_EQ(said(state), "> serve A; serve B +" + std::to_string(gone) + kThen);
    // The one to wait for is the one that comes first.
    state.held.push_back(held({kLeaf, kB}, kNow - 3 * kDay));
    EXPECT_EQ(said(state), "serve A +" + std::to_string(gone + kDay) + "; > serve B +" + std::to_string(gone) + kThen);
    // The longest counts.
    state.held.push_back(held({kLeaf, kC}, kNow - 30 * kDay, false, 60 * kDay));
    const std::string longest = " +" + std::to_string(30 * kDay + kDrainSeconds);
    EXPECT_EQ(said(state), "> serve A" + longest + "; serve B" + longest + kThen);
}

TEST(RolloverPlan, CountsFromAReloadWhereThePinIsNotSentYet)
{
    State state = steady();
    state.held = {held({kLeaf, kA}, kNow - kDay, true)};
    state.stale = {"/etc/nginx/nginx.conf"};
    EXPECT_EQ(said(state), "> reload; serve A; serve B" + kWait + kThen);
    const Wait wait = wait_for(state, kB, false);
    EXPECT_EQ(wait.until, kNow + kMaxAge + kDrainSeconds);
    EXPECT_TRUE(wait.open());
    state.stale.clear();
    state.sent = false;
    EXPECT_EQ(said(state), "> reload; serve A; serve B" + kWait + kThen);
}

TEST(RolloverPlan, CountsRampsByTheValueOfTheDay)
{
    State state = steady();
    SentPolicy policy = ramped({{kDay, 300}, {0, kMaxAge}});
    policy.pins = pin_set({kLeaf, kB});
    const auto sent_for = [&](std::int64_t seconds) {
        state.held = {
            {std::make_shared<const Entry>(entry("www.example.com", policy, kNow - seconds, kNow, true)), {}, false}};
        return wait_for(state, kA, false).until - kNow;
    };
    EXPECT_EQ(sent_for(3600), kDrainSeconds + 300);
    EXPECT_EQ(sent_for(2 * kDay), kDrainSeconds + kMaxAge);
    // An old worker climbs on while it drains.
    EXPECT_EQ(sent_for(kDay - kDrainSeconds), kDrainSeconds + kMaxAge);
    EXPECT_EQ(sent_for(kDay - kDrainSeconds - 1), kDrainSeconds + 300);
}

TEST(RolloverPlan, WaitsForTheEndOfAGuard)
{
    State state = steady();
    state.held.push_back(
        {std::make_shared<const Entry>(entry("www.example.com", guarded(kNow + 40 * kDay), 0, kNow, true)),
         {"www.example.com"},
         false});
    EXPECT_EQ(said(state), "> serve A; serve B +" + std::to_string(40 * kDay) + kThen);
    // A reload of ours does not shorten it.
    EXPECT_FALSE(wait_for(state, kB, false).open());
}

TEST(RolloverPlan, SaysThatAnotherPolicyMovesTheDate)
{
    State state = steady();
    HeldPolicy parent = held({kLeaf, kA}, kNow, true);
    SentPolicy policy = *parent.entry->policy;
    policy.name = "parent";
    policy.pins.owner = "policy \"parent\"";
    state.held.push_back(
        {std::make_shared<const Entry>(entry("example.com", policy, kNow - kDay, kNow, true)), {}, false});
    const Plan plan = make_plan(state);
    ASSERT_EQ(plan.steps[1].text(), "serve B");
    EXPECT_EQ(plan.steps[1].earliest, kNow + kMaxAge + kDrainSeconds);
    bool says = false;
    for (const std::string& why : plan.steps[1].why) {
        says = says || why.find("policy \"parent\" is not this one: the date moves on") == 0;
    }
    EXPECT_TRUE(says);
}

TEST(RolloverPlan, ALeafOfTheSameIssuersNeedsNoWait)
{
    State state = steady();
    state.pins = {known(pki().intermediate_key.pin(), "int", Role::in_use), known(kA, "A", Role::backup),
                  known(kB, "B", Role::backup)};
    state.held = {held({pki().intermediate_key.pin(), kA}, kNow, true)};
    state.held.front().by_issuers = true;
    const Plan plan = make_plan(state);
    // No leaf is pinned: nothing follows a change of its key.
    EXPECT_EQ(said(state), "> serve A; serve B" + kWait);
    EXPECT_EQ(plan.steps[1].same_issuer, kNow);
    EXPECT_FALSE(plan.steps[0].same_issuer);
    ASSERT_EQ(plan.notes.size(), 2U);
    EXPECT_NE(plan.notes[0].find("issuers are pinned"), std::string::npos);
}

TEST(RolloverPlan, AsksForBackups)
{
    State state = steady();
    state.pins.pop_back();
    EXPECT_EQ(said(state), "> add-backup; serve A; retire leaf after serve; drop leaf after retire");
    state.pins.pop_back();
    EXPECT_EQ(said(state), "> add-backup");
    // When the key that is made now can be served.
    const Plan plan = make_plan(state);
    EXPECT_NE(plan.steps[0].why[1].find(time_text(kNow + kMaxAge + kDrainSeconds)), std::string::npos);
}

TEST(RolloverPlan, RetiresAndDropsTheOldKey)
{
    State state = steady();
    state.pins = {known(kLeaf, "leaf", Role::old), known(kA, "A", Role::in_use, true), known(kB, "B", Role::backup)};
    EXPECT_EQ(said(state), "> retire leaf; add-backup; serve B; retire A after serve; drop A after retire");
    // Not before there is a backup: clients would ignore the policy.
    state.pins.pop_back();
    EXPECT_EQ(said(state), "> add-backup; retire leaf after add-backup");
    state.pins = {known(kLeaf, "leaf", Role::retired), known(kA, "A", Role::in_use, true), known(kB, "B", Role::backup),
                  known(kC, "C", Role::backup)};
    state.held = {held({kLeaf, kA, kB, kC}, kNow, true)};
    EXPECT_EQ(said(state),
              "> drop leaf; serve B; serve C; retire A after serve; drop A after retire; add-backup after serve");
    state.sent = false;
    EXPECT_EQ(said(state).find("> reload; drop leaf"), 0U);
}

TEST(RolloverPlan, GivesNoDateWithoutALedger)
{
    State state = steady();
    state.ledger_known = state.sent = false;
    state.held.clear();
    EXPECT_EQ(said(state), "> reload; serve A ?; serve B ?" + kThen);
    state.ledger_on = false;
    EXPECT_EQ(said(state), "serve A ?; serve B ?" + kThen);
    EXPECT_NE(make_plan(state).notes[0].find("no ledger"), std::string::npos);
}

TEST(RolloverPlan, PutsTheChainToComeFirst)
{
    State state = steady();
    state.new_chains = {{"other.pem", "the chain of www.example.com", nullptr, {held({kB}, kNow - kDay)}}};
    EXPECT_EQ(said(state).find("> serve other.pem +"), 0U);
}

TEST(RolloverPlan, NamesTheChainToCome)
{
    State state = steady();
    state.new_chains = {{"new.pem", "the chain of www.example.com", &state.pins[1].pin, {}},
                        {"other.pem", "the chain of www.example.com", nullptr, {held({kB}, kNow - kDay)}}};
    EXPECT_EQ(said(state), "> serve new.pem; serve other.pem +" + std::to_string(kMaxAge + kDrainSeconds - kDay)
                               + "; serve B" + kThen);
}
