// What a load writes: entries opened before anything is sent, settled once nginx has taken the load, or withdrawn.
#include "ledger.hpp"

#include "sql.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace hpkp {

namespace {

/// Entries that nobody holds any more are kept for a year, and some months, for whoever asks what was.
constexpr std::int64_t kKeptSeconds = std::int64_t{365} * 86400;
/// How old the ledger's mark gets.
constexpr std::int64_t kMarkSeconds = std::int64_t{30} * 86400;

}  // namespace

bool Ledger::record(const std::vector<Sending>& sent, const std::vector<Showing>& shown, const LedgerLoad& load)
{
    const std::int64_t before = newest();
    const std::int64_t time = std::max(load.now, before);
    std::set<std::string> open;
    Statement& ours = statement("SELECT entries.id FROM entries JOIN instances ON instance = instances.id "
                                "WHERE name = ?1 AND held_until IS NULL");
    for (ours.bind(1, load.instance); ours.next();) {
        open.insert(ours.text(0));
    }
    if (sent.empty() && shown.empty() && open.empty()) {
        return false;
    }
    const std::int64_t instance = instance_id(load.instance);
    statement("UPDATE instances SET previous = load, load = ?2 WHERE id = ?1").bind(1, instance).bind(2, load.id).run();

    bool wrote = false;
    std::unordered_map<const std::string*, std::int64_t> policies_of_content;
    for (const Sending& sending : sent) {
        const std::string host = host_key(sending.host);
        const std::string exceptions = joined(sending.exceptions);
        auto& known_policy = policies_of_content[sending.content.get()];
        if (known_policy == 0) {
            known_policy = policy_id(*sending.content);
        }
        const std::int64_t policy = known_policy;
        Statement& same = statement("SELECT id FROM entries INDEXED BY entries_by_host WHERE host = ?1 AND "
                                    "policy = ?2 AND instance = ?3 AND exceptions = ?4" HPKP_OPEN);
        if (same.bind(1, host).bind(2, policy).bind(3, instance).bind(4, exceptions).next()) {
            const std::string id = same.text(0);
            open.erase(id);
            // Another load of this nginx may have opened it, or be about to end it, and fail or be taken later.
            statement("UPDATE entries SET load = NULL, closing = NULL "
                      "WHERE id = ?1 AND (load IS NOT NULL OR closing IS NOT NULL)")
                .bind(1, id)
                .run();
            statement("UPDATE history SET load = NULL WHERE host = ?1 AND name = ?2 AND load IS NOT NULL")
                .bind(1, host)
                .bind(2, sending.policy->name)
                .run();
            if (sending.policy->max_age.is_ramp()) {
                // An import may have told of an earlier begin, and the ramp is rendered from that.
                statement("UPDATE entries SET anchor = ?2 WHERE id = ?1 AND anchor > ?2")
                    .bind(1, id)
                    .bind(2, begin_of(host, sending.policy->name, time))
                    .run();
            }
            continue;
        }
        wrote = true;
        const bool enforced = sending.policy->kind == SentPolicy::Kind::enforced;
        const std::int64_t anchor = enforced ? begin_of(host, sending.policy->name, time) : time;
        statement("INSERT INTO entries VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, NULL, ?8, NULL, 0)")
            .bind(1, new_ledger_id())
            .bind(2, host)
            .bind(3, exceptions)
            .bind(4, policy)
            .bind(5, instance)
            .bind(6, anchor)
            .bind(7, time)
            .bind(8, load.id)
            .run();
        note_in_history(host, sending, load, time, anchor);
    }
    note_shown(shown, load, time, wrote);
    // How long something was sent by a clock that is behind cannot be told: it goes on counting as sent.
    if (load.may_close && !clock_is_behind(load.now, before)) {
        for (const std::string& id : open) {
            wrote = true;
            statement("UPDATE entries SET closing = ?2 WHERE id = ?1").bind(1, id).bind(2, load.id).run();
        }
    }
    if (wrote) {
        // Nobody holds these any more, and no finding asks for them: history and keys are what is asked for. A clock
        // that is far ahead has to stay so for a month before anything goes by it.
        statement("DELETE FROM entries WHERE held_until <= (SELECT min(?1, last_mark) FROM ledger) - ?2")
            .bind(1, load.now)
            .bind(2, kKeptSeconds)
            .run();
        statement("DELETE FROM policies WHERE NOT EXISTS (SELECT 1 FROM entries WHERE policy = policies.id)").run();
        note_time(time);
    }
    at_key_.clear();
    return true;
}

// What another load wrote, which may yet be withdrawn, has happened by this one too.
void Ledger::note_in_history(const std::string& host, const Sending& sending, const LedgerLoad& load, std::int64_t time,
                             std::int64_t anchor)
{
    statement("INSERT INTO history VALUES(?1, ?2, ?3, ?4, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET load = NULL "
              "WHERE load IS NOT NULL")
        .bind(1, host)
        .bind(2, sending.policy->name)
        .bind(3, sending.policy->kind == SentPolicy::Kind::enforced ? 1 : 0)
        .bind(4, time)
        .bind(5, sending.policy->max_age.at(time - anchor))
        .bind(6, load.id)
        .run();
}

void Ledger::note_shown(const std::vector<Showing>& shown, const LedgerLoad& load, std::int64_t time, bool& wrote)
{
    for (const Showing& showing : shown) {
        const std::string host = host_key(showing.host);
        for (const Pin& key : showing.keys) {
            Statement& seen = statement("SELECT load IS NULL FROM keys WHERE host = ?1 AND pin = ?2");
            const bool known = seen.bind(1, host).bind(2, key.base64()).next();
            if (known && seen.number(0) != 0) {
                continue;
            }
            wrote = wrote || !known;
            statement("INSERT INTO keys VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET load = NULL")
                .bind(1, host)
                .bind(2, key.base64())
                .bind(3, time)
                .bind(4, load.id)
                .run();
        }
    }
}

std::int64_t Ledger::begin_of(const std::string& host, const std::string& name, std::int64_t otherwise)
{
    Statement& begun = statement("SELECT first_sent FROM history WHERE host = ?1 AND name = ?2 AND enforced = 1");
    return begun.bind(1, host).bind(2, name).next() ? begun.number(0) : otherwise;
}

void Ledger::settle(const LedgerLoad& load)
{
    note_ramps(load);

    Statement& rows = statement("SELECT " HPKP_ENTRY_COLUMNS " FROM entries WHERE closing = ?1 AND held_until IS NULL");
    rows.bind(1, load.id);
    end_entries(entries_of(rows), load.now);

    Statement& begun = statement("SELECT " HPKP_ENTRY_COLUMNS " FROM entries WHERE load = ?1 AND held_until IS NULL");
    begun.bind(1, load.id);
    for (const Entry& entry : entries_of(begun)) {
        note_sent(entry, entry.first_sent);
    }
}

// Should the clock be ahead, what a ramp sends by it, or did until now, would be forgotten once it is right again. Of a
// plain max-age there is nothing to note: ten thousand entries are not to be written anew at every load.
void Ledger::note_ramps(const LedgerLoad& load)
{
    at_key_.clear();
    Statement& known = statement("SELECT id FROM instances WHERE load = ?1 OR previous = ?1");
    if (!known.bind(1, load.id).next()) {
        return;
    }
    const std::int64_t instance = known.number(0);
    Statement& rows = statement("SELECT " HPKP_ENTRY_COLUMNS " FROM entries INDEXED BY entries_open "
                                "WHERE instance = ?1 AND held_until IS NULL GROUP BY policy");
    std::vector<std::int64_t> ramps;
    for (rows.bind(1, instance); rows.next();) {
        if (entry_of(rows).policy->max_age.is_ramp()) {
            ramps.push_back(rows.number(3));
        }
    }
    for (const std::int64_t policy : ramps) {
        statement("UPDATE entries INDEXED BY entries_open SET reached = ?3 "
                  "WHERE instance = ?1 AND policy = ?2 AND held_until IS NULL AND reached < ?3")
            .bind(1, instance)
            .bind(2, policy)
            .bind(3, load.now)
            .run();
    }
}

void Ledger::withdraw(const LedgerLoad& load)
{
    // A later load may have ended some of them: what it goes on sending is its own by now.
    statement("DELETE FROM entries WHERE load = ?1").bind(1, load.id).run();
    statement("DELETE FROM history WHERE load = ?1").bind(1, load.id).run();
    statement("DELETE FROM keys WHERE load = ?1").bind(1, load.id).run();
    statement("UPDATE entries SET closing = NULL WHERE closing = ?1").bind(1, load.id).run();
    statement("UPDATE instances SET load = previous WHERE load = ?1").bind(1, load.id).run();
}

void Ledger::note_reached(const LedgerLoad& load)
{
    Statement& known = statement("SELECT id FROM instances WHERE name = ?1");
    if (load.reached != 0 && known.bind(1, load.instance).next()) {
        note_reached(known.number(0), load.reached);
    }
    known.reset();
}

void Ledger::note_reached(std::int64_t instance, std::int64_t time)
{
    at_key_.clear();
    statement("UPDATE entries SET reached = ?2 WHERE instance = ?1 AND held_until IS NULL AND reached < ?2")
        .bind(1, instance)
        .bind(2, time)
        .run();
}

void Ledger::close(const LedgerLoad& load)
{
    Statement& last = statement("SELECT id FROM instances WHERE load = ?1");
    if (last.bind(1, load.id).next()) {
        const std::int64_t instance = last.number(0);
        note_reached(instance, load.reached);
        if (!close_instance(instance, load.now)) {
            statement("UPDATE entries SET closing = '" HPKP_STOPPED "' WHERE instance = ?1 AND held_until IS NULL")
                .bind(1, instance)
                .run();
        }
    }
}

bool Ledger::end_stopped(const LedgerLoad& load)
{
    if (!load.may_close || clock_is_behind(load.now, newest())) {
        return false;
    }
    Statement& rows = statement("SELECT " HPKP_ENTRY_COLUMNS " FROM entries WHERE closing = '" HPKP_STOPPED
                                "' AND instance = (SELECT id FROM instances WHERE name = ?1)");
    std::vector<Entry> stopped;
    for (rows.bind(1, load.instance); rows.next();) {
        try {
            stopped.push_back(entry_of(rows));
        }
        catch (const LedgerError&) {
            // It stays as it is, and whoever meets its host says so.
        }
    }
    end_entries(stopped, load.now);
    return !stopped.empty();
}

bool Ledger::close_all(const LedgerLoad& load)
{
    const std::int64_t instance = instance_id(load.instance);
    Statement& open = statement("SELECT id FROM entries WHERE instance = ?1 AND held_until IS NULL");
    std::vector<std::string> ended;
    for (open.bind(1, instance); open.next();) {
        ended.push_back(open.text(0));
    }
    if (!close_instance(instance, load.now)) {
        return false;
    }
    for (const std::string& id : is_own(load.instance) ? std::vector<std::string>() : ended) {
        statement("UPDATE entries SET closing = '" HPKP_BY_HAND "' WHERE id = ?1").bind(1, id).run();
    }
    return true;
}

bool Ledger::close_instance(std::int64_t instance, std::int64_t now)
{
    if (clock_is_behind(now, newest())) {
        return false;
    }
    Statement& rows =
        statement("SELECT " HPKP_ENTRY_COLUMNS " FROM entries WHERE instance = ?1 AND held_until IS NULL");
    rows.bind(1, instance);
    end_entries(entries_of(rows), now);
    return true;
}

std::vector<Entry> Ledger::entries_of(Statement& rows)
{
    std::vector<Entry> entries;
    while (rows.next()) {
        entries.push_back(entry_of(rows));
    }
    return entries;
}

void Ledger::end_entries(std::vector<Entry> ended, std::int64_t now)
{
    const std::int64_t time = std::max(now, newest());
    for (Entry& entry : ended) {
        entry.open = false;
        entry.last_sent = time;
        statement("UPDATE entries SET last_sent = ?2, held_until = ?3, closing = NULL WHERE id = ?1")
            .bind(1, entry.id)
            .bind(2, time)
            .bind(3, entry.held_until(time))
            .run();
        note_sent(entry, time);
    }
    if (!ended.empty()) {
        note_time(time);
    }
}

void Ledger::note_sent(const Entry& entry, std::int64_t time)
{
    statement("UPDATE history SET last_max_age = ?5, last_sent = ?4 "
              "WHERE host = ?1 AND name = ?2 AND enforced = ?3 AND last_sent <= ?4")
        .bind(1, host_key(entry.host))
        .bind(2, entry.policy->name)
        .bind(3, entry.policy->kind == SentPolicy::Kind::enforced ? 1 : 0)
        .bind(4, time)
        .bind(5, entry.max_age_at(time))
        .run();
}

void Ledger::note_time(std::int64_t now)
{
    statement("UPDATE ledger SET newest = max(newest, ?1)").bind(1, now).run();
    statement("UPDATE ledger SET last_mark = mark, mark = newest WHERE newest - mark >= ?1")
        .bind(1, kMarkSeconds)
        .run();
}

}  // namespace hpkp
