// The state that a plan is made from: from files, and held against the core's own judgement.
#include "rollover/plan.hpp"
#include "rollover/state.hpp"
#include "test_ledger.hpp"

#include "duration.hpp"

#include <gtest/gtest.h>

using namespace hpkp;
using namespace hpkp::test;
using namespace hpkp::cli::rollover;

namespace {

const Pin kLeaf = pki().www_key.pin();
const Pin kA = pki().backup_1.pin();
const Pin kB = pki().backup_2.pin();
const Pin kC = pki().backup_3.pin();
constexpr std::int64_t kMaxAge = 14 * kDay;

struct RolloverState : testing::Test {
    RolloverState()
    {
        question.policy = dir / "pins.yaml";
        question.chains = {dir.write("www.pem", pem(pki().www_chain.sent))};
        question.hosts = {"www.example.com"};
        question.ledger = dir / "ledger";
        question.now = kNow;
        question.trust = {{"test", dir.write("roots.pem", pem({pki().root, pki().other_root}))}};
    }
    Sending of(const std::vector<Pin>& pins, std::int64_t max_age = kMaxAge)
    {
        SentPolicy policy = enforced(max_age);
        policy.pins = pin_set(pins);
        return sending(host("www.example.com"), policy);
    }
    void write(const std::vector<std::string>& pins)
    {
        dir.write("pins.yaml", policy_file({{"www", pins, {"enforce: {max-age: 14d}"}}}));
    }
    std::string roles(const Answer& answer)
    {
        std::string all;
        for (const KnownPin& pin : answer.state.pins) {
            all += (all.empty() ? "" : ", ") + std::string(role_text(pin.role));
        }
        return all;
    }
    /// What the finding locks-out-clients says of a chain, if there is one.
    std::string accepted_from(const std::string& chain_file, const std::string& time)
    {
        LoadOptions options;
        options.now = *parse_time(time);
        options.trust = question.trust;
        options.ledger = question.ledger;
        options.asks_only = true;
        std::string error;
        std::vector<ServerBlock> blocks(2);
        blocks[0].names = {{"www.example.com", false}};
        blocks[0].listens = blocks[1].listens = {{0, true, 1}};
        blocks[1].reject_handshake = true;
        blocks[0].certificates = read_chain_file(chain_file, error);
        blocks[0].policies = {{question.policy, std::nullopt, true}};
        for (const Finding& finding : judge(blocks, options).findings) {
            if (finding.id == FindingId::locks_out_clients) {
                const std::size_t at = finding.remedy.find("accepted from ") + 14;
                return finding.remedy.substr(at, 23);
            }
        }
        return "";
    }

    TempDir dir;
    Question question;
    LedgerFile ledger{dir / "ledger"};
};

}  // namespace

TEST_F(RolloverState, TellsWhatEachPinIs)
{
    write({written(kLeaf), written(kA), hpkp::test::retired(kB), written(kC)});
    Answer answer = read_state(question);
    ASSERT_TRUE(answer.plannable);
    EXPECT_EQ(roles(answer), "in use, backup, retired, backup");
    EXPECT_FALSE(answer.state.ledger_known);

    // A key that was served before the one in use is old; one that came later and went again is not.
    ledger.take({of({kLeaf, kA})}, kNow - 9 * kDay, "/nginx.conf", {{host("www.example.com"), {kA}}});
    ledger.take({of({kLeaf, kA})}, kNow - 8 * kDay, "/nginx.conf", {{host("www.example.com"), {kLeaf}}});
    ledger.take({of({kLeaf, kA})}, kNow - 7 * kDay, "/nginx.conf", {{host("www.example.com"), {kC}}});
    answer = read_state(question);
    EXPECT_EQ(roles(answer), "in use, old, retired, backup");
    EXPECT_TRUE(answer.state.ledger_known);
}

TEST_F(RolloverState, TellsWhatIsSent)
{
    const auto told = [&] {
        const State state = read_state(question).state;
        return std::string(state.sent ? "sent" : "not sent") + ", stale " + std::to_string(state.stale.size());
    };
    write({written(kLeaf), written(kA)});
    ledger.take({of({kLeaf, kA})}, kNow - 9 * kDay);
    EXPECT_EQ(told(), "sent, stale 0");
    write({written(kA), written(kLeaf)});
    EXPECT_EQ(told(), "sent, stale 0");
    write({written(kA), written(kLeaf), written(kB)});
    EXPECT_EQ(told(), "not sent, stale 1");
    ledger.take({of({kLeaf, kA, kB})}, kNow - 8 * kDay, "/other.conf");
    EXPECT_EQ(told(), "sent, stale 1");
    ledger.take({of({kLeaf, kA, kB})}, kNow - 7 * kDay);
    EXPECT_EQ(told(), "sent, stale 0");
    ledger.take({of({kLeaf, kA, kB}, 60)}, kNow - 6 * kDay);
    EXPECT_EQ(told(), "sent, stale 1");

    // Report-only is sent, and is to be enforced too; and the other way round.
    SentPolicy reporting = reported();
    reporting.pins = pin_set({kLeaf, kA, kB});
    const Sending report_only = sending(host("www.example.com"), reporting);
    ledger.take({}, kNow - 5 * kDay, "/other.conf");
    ledger.take({report_only}, kNow - 5 * kDay);
    dir.write("pins.yaml",
              policy_file({{"www",
                            {written(kLeaf), written(kA), written(kB)},
                            {"enforce: {max-age: 14d}", "report-only: {report-uri: \"https://r.example.net/\"}"}}}));
    EXPECT_EQ(told(), "not sent, stale 0");
    ledger.take({report_only, of({kLeaf, kA, kB})}, kNow - 4 * kDay);
    EXPECT_EQ(told(), "sent, stale 0");
    write({written(kLeaf), written(kA), written(kB)});
    EXPECT_EQ(told(), "sent, stale 1");
}

TEST_F(RolloverState, AgreesWithTheCoreToTheSecond)
{
    write({written(kLeaf), written(kA), written(kB)});
    const Entity key = pki().backup_2;
    question.new_chains = {dir.write("new.pem", pem({leaf(key, pki().intermediate_key), pki().intermediate}))};
    ledger.take({of({kLeaf, kA})}, kNow - 9 * kDay);
    ledger.take({of({kLeaf, kA, kB})}, kNow - 5 * kDay - 12345);

    Answer answer = read_state(question);
    const Wait wait = wait_for(answer.state, kB, false);
    EXPECT_EQ(wait.until, kNow - 5 * kDay - 12345 + kDrainSeconds + kMaxAge);
    const Plan plan = make_plan(answer.state);
    EXPECT_EQ(plan.steps.front().earliest, wait.until);
    EXPECT_TRUE(answer.new_chain_findings.empty());
    EXPECT_EQ(accepted_from(question.new_chains[0], time_text(kNow)), time_text(wait.until));
    EXPECT_EQ(accepted_from(question.new_chains[0], time_text(wait.until - 1)), time_text(wait.until));
    EXPECT_EQ(accepted_from(question.new_chains[0], time_text(wait.until)), "");

    // Not sent yet: both count from now.
    ledger.take({of({kLeaf, kA})}, kNow - 60);
    answer = read_state(question);
    EXPECT_EQ(wait_for(answer.state, kB, false).until, kNow + kDrainSeconds + kMaxAge);
    EXPECT_EQ(make_plan(answer.state).steps[1].earliest, kNow + kDrainSeconds + kMaxAge);
    EXPECT_EQ(accepted_from(question.new_chains[0], time_text(kNow)), time_text(kNow + kDrainSeconds + kMaxAge));
}

TEST_F(RolloverState, AgreesWithTheCoreAfterAClockThatWasAhead)
{
    write({written(kLeaf), written(kA), written(kB)});
    const Entity key = pki().backup_2;
    question.new_chains = {dir.write("new.pem", pem({leaf(key, pki().intermediate_key), pki().intermediate}))};
    ledger.take({of({kLeaf, kA})}, kNow - 9 * kDay);
    ledger.take({of({kLeaf, kA, kB})}, kNow - 5 * kDay);
    ledger.take({of({kLeaf, kA, kB}), sending(host("new.test"), enforced(60))}, kNow + 300 * kDay);

    const std::int64_t until = kNow - 5 * kDay + kDrainSeconds + kMaxAge;
    EXPECT_EQ(make_plan(read_state(question).state).steps.front().earliest, until);
    EXPECT_EQ(accepted_from(question.new_chains[0], time_text(kNow)), time_text(until));
}

TEST_F(RolloverState, TakesIssuersIntoAccount)
{
    const Pin issuer = pki().intermediate_key.pin();
    write({written(issuer), written(kA), written(kB)});
    ledger.take({of({issuer, kA})}, kNow - 9 * kDay);
    Answer answer = read_state(question);
    ASSERT_EQ(answer.state.held.size(), 1U);
    EXPECT_TRUE(answer.state.held[0].by_issuers);
    EXPECT_EQ(wait_for(answer.state, kB, true).until, kNow);
    EXPECT_GT(wait_for(answer.state, kB, false).until, kNow);

    // Clients that look at the leaf alone do not.
    SentPolicy policy = enforced(kMaxAge);
    policy.pins = pin_set({issuer, kA});
    policy.clients.leaf = true;
    ledger.take({sending(host("www.example.com"), policy)}, kNow - 8 * kDay);
    answer = read_state(question);
    EXPECT_FALSE(answer.state.held.back().by_issuers);
}

TEST_F(RolloverState, TakesParentsIntoAccount)
{
    write({written(kLeaf), written(kA), written(kB)});
    SentPolicy policy = enforced(30 * kDay, true);
    policy.pins = pin_set({kLeaf, kA});
    ledger.take({sending(host("example.com"), policy), of({kLeaf, kA, kB})}, kNow - 5 * kDay);
    const Answer answer = read_state(question);
    EXPECT_EQ(wait_for(answer.state, kA, false).until, kNow);
    EXPECT_EQ(wait_for(answer.state, kB, false).until, kNow + kDrainSeconds + 30 * kDay);
    EXPECT_TRUE(answer.state.stale.empty());
}

TEST_F(RolloverState, HasNoPlanForWhatCannotBeRead)
{
    dir.write("pins.yaml", "version: 1\npolicies:\n  www:\n    pins: [{csr: none.csr}, {pin-sha256: \"" + kA.base64()
                               + "\"}]\n    enforce: {max-age: 1d}\n");
    EXPECT_FALSE(read_state(question).readable);
    write({written(kA), written(kB)});
    EXPECT_FALSE(read_state(question).plannable) << "no pin in the chain";
    dir.write("pins.yaml", "{");
    EXPECT_FALSE(read_state(question).readable);
    write({written(kLeaf)});
    EXPECT_TRUE(read_state(question).plannable) << "backups are what a plan is for";
}
