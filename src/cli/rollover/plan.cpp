#include "plan.hpp"

#include "../output.hpp"

#include "duration.hpp"

#include <algorithm>

namespace hpkp::cli::rollover {

namespace {

using Role = KnownPin::Role;
using Kind = Step::Kind;

/// Two backups, kept apart, are the advice (the finding single-backup).
constexpr std::size_t kAdvisedBackups = 2;
/// Of the policies that a step waits for; more say nothing new.
constexpr std::size_t kShown = 3;

std::string quoted(const std::string& text)
{
    return "\"" + text + "\"";
}

/// "policy "www" without it, last sent on ..., is held until ... by clients of ..."
std::string wait_text(const HeldPolicy& held, std::int64_t now)
{
    const Entry& entry = *held.entry;
    const bool guard = entry.policy->kind == SentPolicy::Kind::guarded;
    const std::string sent = guard        ? "a guard"
                             : entry.open ? "sent until now"
                                          : "last sent on " + time_text(entry.last_sent);
    return entry.policy->pins.owner + " without it, " + sent + ", is held until "
           + date_text(entry.held_until(now), now) + " by clients of " + hosts_text(held);
}

class Planner {
public:
    explicit Planner(const State& state) : state_(state) {}

    Plan run();

private:
    std::size_t count(Role role) const
    {
        return static_cast<std::size_t>(
            std::count_if(state_.pins.begin(), state_.pins.end(), [&](const KnownPin& pin) { return pin.is(role); }));
    }
    std::string apply_command(const std::string& step, const PolicyPin* pin = nullptr) const;
    std::int64_t date_of_new_pin() const;

    void add_backup();
    void retire_old();
    void reload();
    void drop_retired();
    void serve_backups();
    void serve_new_chains();
    void after_serving();
    void finish_serving(Step& step, const Wait& wait);
    void mark_next();
    void notes();

    const State& state_;
    Plan plan_;
};

std::string Planner::apply_command(const std::string& step, const PolicyPin* pin) const
{
    return "hpkp rollover " + state_.arguments + " --apply " + step
           + (pin == nullptr ? "" : " --pin " + shell_word(pin->label()));
}

/// From when on a key can be served whose pin is added and sent now.
std::int64_t Planner::date_of_new_pin() const
{
    std::int64_t until = state_.now;
    for (const HeldPolicy& held : state_.held) {
        until = std::max(until, held.entry->held_until(state_.now));
    }
    return until;
}

void Planner::add_backup()
{
    const std::size_t backups = count(Role::backup);
    if (backups >= kAdvisedBackups) {
        return;
    }
    Step step{Kind::add_backup};
    step.earliest = state_.now;
    step.what = std::string("make a key that is kept offline, and pin it: ")
                + (backups == 0 ? "there is no backup" : "there is a single backup");
    step.why.emplace_back("a pin may be added at any time; two backups, kept apart, are the advice");
    if (state_.ledger_known && !state_.bare_guard) {
        step.why.push_back("its key can be served from " + date_text(date_of_new_pin(), state_.now)
                           + " on at the earliest, if its pin is sent from now on");
    }
    step.commands = {"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -out backup.key",
                     "openssl req -new -key backup.key -subj /CN=backup -out backup.csr",
                     apply_command("add-backup") + " --backup backup.csr"};
    plan_.steps.push_back(std::move(step));
}

void Planner::retire_old()
{
    for (const KnownPin& known : state_.pins) {
        if (!known.is(Role::old)) {
            continue;
        }
        Step step{Kind::retire, &known.pin};
        step.earliest = state_.now;
        step.after = count(Role::backup) == 0 ? "add-backup" : "";
        step.what = "mark " + quoted(known.pin.label()) + " as retired: still sent, never taken for a backup";
        step.why.emplace_back("another key has taken its place, and it has been online");
        step.commands = {apply_command("retire", &known.pin)};
        plan_.steps.push_back(std::move(step));
    }
}

void Planner::reload()
{
    if (!state_.ledger_on || !state_.sends || (state_.sent && state_.stale.empty())) {
        return;
    }
    Step step{Kind::reload};
    step.earliest = state_.now;
    step.what = "load what stands in the file: dates of pins that were added count from there";
    if (state_.stale.empty()) {
        step.why.emplace_back(state_.ledger_known
                                  ? "the ledger knows no nginx that sends all of this policy"
                                  : "there is no such ledger yet: nginx makes it as it loads the policy");
    }
    for (const std::string& instance : state_.stale) {
        step.why.push_back("the nginx " + instance
                           + " sends it in another version (if that nginx is gone: hpkp ledger "
                             "close INSTANCE)");
    }
    step.commands = {"nginx -t && nginx -s reload"};
    plan_.steps.push_back(std::move(step));
}

void Planner::drop_retired()
{
    for (const KnownPin& known : state_.pins) {
        if (!known.is(Role::retired)) {
            continue;
        }
        Step step{Kind::drop, &known.pin};
        step.earliest = state_.now;
        step.what = "remove the pin " + quoted(known.pin.label());
        step.why.emplace_back(
            "safe at once: no chain served now needs it; but not before its certificate can no longer "
            "come back, since the way back is lost");
        step.commands = {apply_command("drop", &known.pin)};
        plan_.steps.push_back(std::move(step));
    }
}

void Planner::finish_serving(Step& step, const Wait& wait)
{
    if (!state_.ledger_known) {
        step.why.emplace_back(
            "without a ledger nobody knows from when on: once every policy that a client may hold has "
            "its pin");
        return;
    }
    if (state_.bare_guard) {
        step.why.emplace_back("the policy guards clients that have its pins by other means, without an end: once every "
                              "one in use has this pin, which you alone know");
        return;
    }
    step.earliest = wait.until;
    for (std::size_t i = 0; i < wait.held.size() && i < kShown; i++) {
        step.why.push_back(wait_text(*wait.held[i], state_.now));
    }
    if (wait.held.size() > kShown) {
        step.why.push_back("and " + std::to_string(wait.held.size() - kShown) + " more such policies");
    }
    if (wait.held.empty()) {
        step.why.push_back(state_.held.empty() ? "no client holds a policy of these hosts"
                                               : "every policy that a client may hold accepts it");
    }
    for (const HeldPolicy* held : wait.held) {
        const bool other = held->entry->open && held->entry->policy->name != state_.name
                           && held->entry->policy->kind == SentPolicy::Kind::enforced;
        if (other) {
            step.why.push_back(held->entry->policy->pins.owner
                               + " is not this one: the date moves on until it has "
                                 "the pin too");
        }
    }
    if (wait.open()) {
        step.why.emplace_back("the date counts from a reload now: later, if that comes later");
    }
}

void Planner::serve_backups()
{
    for (const KnownPin& known : state_.pins) {
        const bool by_chain = std::any_of(state_.new_chains.begin(), state_.new_chains.end(),
                                          [&](const NewChain& chain) { return chain.pin == &known.pin; });
        if (!known.is(Role::backup) || by_chain) {
            continue;
        }
        Step step{Kind::serve, &known.pin};
        step.what = "serve a certificate for the key of " + quoted(known.pin.label())
                    + ", or if it is an authority's, a chain that has it";
        finish_serving(step, wait_for(state_, known.pin.pin, false));
        const Wait same = wait_for(state_, known.pin.pin, true);
        if (step.earliest && same.until < *step.earliest) {
            step.same_issuer = same.until;
        }
        step.commands = {request_command(state_.hosts), "hpkp check " + state_.check_arguments + " --chain NEW.pem"};
        plan_.steps.push_back(std::move(step));
    }
}

void Planner::serve_new_chains()
{
    for (const NewChain& chain : state_.new_chains) {
        Step step{Kind::serve, chain.pin, chain.file};
        step.what = "serve " + chain.text + " (" + chain.file + ")";
        Wait wait{state_.now, {}};
        for (const HeldPolicy& held : chain.not_accepted_by) {
            wait.until = std::max(wait.until, held.entry->held_until(state_.now));
            wait.held.push_back(&held);
        }
        finish_serving(step, wait);
        step.commands = {"nginx -t && nginx -s reload   # with the new chain for ssl_certificate"};
        plan_.steps.push_back(std::move(step));
    }
}

/// What a change of the leaf's key brings: the same steps for the key that is in use now.
void Planner::after_serving()
{
    const bool serves =
        std::any_of(plan_.steps.begin(), plan_.steps.end(), [](const Step& step) { return step.kind == Kind::serve; });
    bool leaf = false;
    for (const KnownPin& known : state_.pins) {
        if (!serves || !known.leaf || !known.is(Role::in_use)) {
            continue;
        }
        leaf = true;
        if (!known.pin.retired) {
            Step step{Kind::retire, &known.pin};
            step.after = "serve";
            step.what = "mark " + quoted(known.pin.label()) + " as retired, once another key is served";
            plan_.steps.push_back(std::move(step));
        }
        Step step{Kind::drop, &known.pin};
        step.after = known.pin.retired ? "serve" : "retire";
        step.what = "remove its pin, once its certificate can no longer come back";
        plan_.steps.push_back(std::move(step));
    }
    if (leaf && count(Role::backup) >= kAdvisedBackups) {
        Step step{Kind::add_backup};
        step.after = "serve";
        step.what = "pin a new backup in the place of the one that is served then, and reload";
        plan_.steps.push_back(std::move(step));
    }
}

void Planner::mark_next()
{
    Step* next = nullptr;
    for (Step& step : plan_.steps) {
        if (step.after.empty() && step.kind != Kind::serve) {
            next = &step;
            break;
        }
    }
    // Of the keys that can be served: the chain that was asked about, or else the one that needs the shortest wait.
    for (Step& step : plan_.steps) {
        if (step.kind != Kind::serve || !step.earliest) {
            continue;
        }
        const bool better = next == nullptr
                            || (next->kind == Kind::serve && (next->chain.empty() || !step.chain.empty())
                                && *step.earliest < *next->earliest);
        if (better) {
            next = &step;
        }
    }
    if (next != nullptr) {
        next->next = true;
    }
}

void Planner::notes()
{
    if (!state_.ledger_known) {
        plan_.notes.emplace_back("there is no ledger: what clients hold is not known, so no date can be given");
    }
    if (state_.bare_guard) {
        plan_.notes.push_back(state_.owner
                              + " is a guard without \"until\": its clients have the pins by other means, "
                                "so add a pin only once every client in use has it");
    }
    if (state_.other_pins) {
        plan_.notes.push_back("report-only of " + state_.owner + " has pins of its own, which are not in this plan");
    }
    const bool by_issuers =
        std::all_of(state_.held.begin(), state_.held.end(), [](const HeldPolicy& held) { return held.by_issuers; });
    const bool issuer_pinned = std::any_of(state_.pins.begin(), state_.pins.end(),
                                           [](const KnownPin& known) { return known.is(Role::in_use) && !known.leaf; });
    if (state_.ledger_known && issuer_pinned && by_issuers) {
        plan_.notes.emplace_back(
            "issuers are pinned: a renewal by the same issuers, whatever its key, is accepted at any "
            "time");
    }
    for (const KnownPin& known : state_.pins) {
        if (known.is(Role::in_use) && known.pin.retired) {
            plan_.notes.push_back(quoted(known.pin.label()) + " is retired and in use: change to another key");
        }
    }
    const bool changing = std::any_of(plan_.steps.begin(), plan_.steps.end(),
                                      [](const Step& step) { return step.next && step.kind == Kind::serve; });
    if (changing) {
        plan_.notes.emplace_back("nothing is due: to serve a backup's key begins a change of keys, when you want one");
    }
}

Plan Planner::run()
{
    if (count(Role::backup) == 0) {
        add_backup();
        retire_old();
    } else {
        retire_old();
        add_backup();
    }
    reload();
    drop_retired();
    serve_new_chains();
    serve_backups();
    after_serving();
    mark_next();
    notes();
    return std::move(plan_);
}

}  // namespace

std::string hosts_text(const HeldPolicy& held)
{
    std::string text;
    std::size_t shown = 0;
    for (const std::string& host : held.hosts) {
        if (shown == kShown) {
            return text + " and " + std::to_string(held.hosts.size() - kShown) + " more";
        }
        text += (shown++ == 0 ? "" : ", ") + host;
    }
    return text.empty() ? held.entry->host.text : text;
}

const char* role_text(KnownPin::Role role)
{
    return role == Role::in_use ? "in use" : role == Role::backup ? "backup" : role == Role::old ? "old" : "retired";
}

bool Wait::open() const
{
    return std::any_of(held.begin(), held.end(), [](const HeldPolicy* policy) {
        return policy->entry->open && policy->entry->policy->kind == SentPolicy::Kind::enforced;
    });
}

Wait wait_for(const State& state, const Pin& pin, bool same_issuers)
{
    Wait wait{state.now, {}};
    for (const HeldPolicy& held : state.held) {
        const bool accepts = held.entry->policy->pins.find(pin) != nullptr || (same_issuers && held.by_issuers);
        if (!accepts) {
            wait.until = std::max(wait.until, held.entry->held_until(state.now));
            wait.held.push_back(&held);
        }
    }
    return wait;
}

Plan make_plan(const State& state)
{
    return Planner(state).run();
}

}  // namespace hpkp::cli::rollover
