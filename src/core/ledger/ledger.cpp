#include "ledger.hpp"

#include "sql.hpp"

#include <algorithm>
#include <random>
#include <set>

namespace hpkp {

namespace {

bool same_pins(const PinSet& a, const PinSet& b)
{
    const auto keys = [](const PinSet& pins) {
        std::set<Pin> set;
        for (const PolicyPin& pin : pins.pins) {
            set.insert(pin.pin);
        }
        return set;
    };
    return keys(a) == keys(b);
}

bool same_clients(const Clients& a, const Clients& b)
{
    return a.chain == b.chain && a.sent == b.sent && a.leaf == b.leaf;
}

}  // namespace

std::string joined(const std::vector<std::string>& names)
{
    std::string text;
    for (const std::string& name : names) {
        // No host has a name with a space, and split() must not take it for two.
        if (name.find(' ') == std::string::npos) {
            text += (text.empty() ? "" : " ") + name;
        }
    }
    return text;
}

std::vector<std::string> split(const std::string& text)
{
    std::vector<std::string> names;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        names.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return names;
}

std::string new_ledger_id()
{
    constexpr char kDigits[] = "0123456789abcdef";
    std::random_device random;
    std::string id;
    for (int word = 0; word < 2; word++) {
        unsigned value = random();
        for (int i = 0; i < 8; i++, value >>= 4) {
            id += kDigits[value & 15];
        }
    }
    return id;
}

Statement& Ledger::statement(const char* sql)
{
    const auto known = statements_.find(sql);
    if (known != statements_.end()) {
        known->second.reset();
        return known->second;
    }
    return statements_.emplace(sql, database_.prepare(sql)).first->second;
}

void Ledger::begin(bool write)
{
    database_.execute(write ? "BEGIN IMMEDIATE" : "BEGIN");
    if (write) {
        database_.bring_up_to_date();
    }
}

std::int64_t Ledger::newest()
{
    Statement& clock = statement("SELECT newest FROM ledger");
    const std::int64_t newest = clock.next() ? clock.number(0) : 0;
    // Who still reads after a commit does not wait for others when it begins anew.
    clock.reset();
    return newest;
}

std::int64_t Ledger::judged_at(std::int64_t clock, bool unset)
{
    Statement& known = statement("SELECT newest, last_mark FROM ledger");
    const bool any = known.next();
    const std::int64_t recorded = any ? known.number(0) : 0;
    const std::int64_t mark = any ? known.number(1) : 0;
    if (clock >= recorded) {
        return clock;
    }
    Statement& older = statement("SELECT 1 FROM entries WHERE first_sent <= ?1 LIMIT 1");
    return unset || !older.bind(1, clock).next() ? recorded : std::max(clock, mark);
}

std::vector<std::shared_ptr<const Entry>> Ledger::around(const HostPattern& host, std::int64_t now)
{
    if (now != at_key_time_) {
        at_key_.clear();
        at_key_time_ = now;
    }
    std::vector<std::shared_ptr<const Entry>> found;
    const auto at_key = [&](const std::string& key) {
        // Ten thousand hosts below one domain ask for its entries ten thousand times.
        const auto [known, is_new] = at_key_.try_emplace(key);
        if (is_new) {
            Statement& rows = statement("SELECT " HPKP_ENTRY_COLUMNS
                                        " FROM entries INDEXED BY entries_by_host WHERE host = ?1" HPKP_HELD);
            for (rows.bind(1, key).bind(2, now); rows.next();) {
                known->second.push_back(std::make_shared<const Entry>(entry_of(rows)));
            }
        }
        found.insert(found.end(), known->second.begin(), known->second.end());
    };
    const std::string example = host.example();
    for (std::string_view domain = example; !domain.empty(); domain = parent_domain(domain)) {
        const std::string prefix = key_prefix(domain);
        at_key(prefix);
        at_key(prefix + "*.");
        at_key(prefix + "+.");
    }
    if (host.kind == HostPattern::Kind::wildcard) {
        const std::string from = key_prefix(host.domain);
        std::string to = from;
        to.back()++;
        Statement& below =
            statement("SELECT " HPKP_ENTRY_COLUMNS " FROM entries INDEXED BY entries_by_host WHERE host > ?1 AND host "
                      "< ?3 AND host <> ?4 AND host <> ?5" HPKP_HELD);
        for (below.bind(1, from).bind(2, now).bind(3, to).bind(4, from + "*.").bind(5, from + "+."); below.next();) {
            found.push_back(std::make_shared<const Entry>(entry_of(below)));
        }
    }
    return found;
}

bool Ledger::any_held(std::int64_t now)
{
    Statement& open = statement("SELECT 1 FROM entries WHERE held_until IS NULL LIMIT 1");
    if (open.next()) {
        return true;
    }
    Statement& ended = statement("SELECT 1 FROM entries WHERE held_until > ?1 LIMIT 1");
    return ended.bind(1, now).next();
}

std::vector<History> Ledger::history(const HostPattern& host)
{
    std::vector<History> found;
    Statement& rows = statement("SELECT name, enforced, first_sent, last_sent, last_max_age FROM history WHERE host = "
                                "?1 ORDER BY name, enforced");
    rows.bind(1, host_key(host));
    while (rows.next()) {
        found.push_back({rows.text(0), rows.number(1) != 0, rows.number(2), rows.number(3), rows.number(4)});
    }
    return found;
}

std::vector<std::pair<Pin, std::int64_t>> Ledger::keys(const HostPattern& host)
{
    Statement& rows = statement("SELECT pin, first_seen FROM keys WHERE host = ?1 ORDER BY first_seen, pin");
    std::vector<std::pair<Pin, std::int64_t>> known;
    for (rows.bind(1, host_key(host)); rows.next();) {
        if (const auto pin = Pin::from_base64(rows.text(0))) {
            known.emplace_back(*pin, rows.number(1));
        }
    }
    return known;
}

bool Ledger::key_changed(const HostPattern& host)
{
    Statement& row = statement("SELECT min(first_seen) < max(first_seen) FROM keys WHERE host = ?1");
    return row.bind(1, host_key(host)).next() && row.number(0) != 0;
}

bool Ledger::sends(const std::string& instance)
{
    Statement& open = statement("SELECT 1 FROM entries JOIN instances ON instance = instances.id "
                                "WHERE name = ?1 AND held_until IS NULL LIMIT 1");
    return open.bind(1, instance).next();
}

namespace {

/// Whether clients of the one schedule hold a policy, from `now` on, at no time less long than those of the other.
bool lasts_as_long(const MaxAge& known, std::int64_t known_from, const MaxAge& wanted, std::int64_t wanted_from,
                   std::int64_t now)
{
    std::vector<std::int64_t> times = {now};
    for (const auto& [schedule, from] : {std::pair(&known, known_from), std::pair(&wanted, wanted_from)}) {
        std::int64_t at = from;
        for (const MaxAge::Step& step : schedule->steps) {
            at += step.duration;
            times.push_back(std::max(at, now));
        }
    }
    return std::all_of(times.begin(), times.end(),
                       [&](std::int64_t time) { return known.at(time - known_from) >= wanted.at(time - wanted_from); });
}

}  // namespace

bool Ledger::covers(const Sending& sending, const std::string& instance, std::int64_t now)
{
    Statement& rows = statement(
        "SELECT " HPKP_ENTRY_COLUMNS " FROM entries INDEXED BY entries_by_host WHERE host = ?1 AND instance = "
        "(SELECT id FROM instances WHERE name = ?2) AND closing IS NOT '" HPKP_STOPPED "'" HPKP_OPEN);
    rows.bind(1, host_key(sending.host)).bind(2, instance);
    const SentPolicy& wanted = *sending.policy;
    const std::int64_t begin = begin_of(host_key(sending.host), wanted.name, now);
    while (rows.next()) {
        const Entry entry = entry_of(rows);
        const SentPolicy& known = *entry.policy;
        const std::vector<std::string>& excepted = entry.exceptions.names();
        // A name that was an exception is a wider scope now, so the exceptions must be among those of the new one.
        const bool scope =
            (known.include_subdomains || !wanted.include_subdomains)
            && std::includes(sending.exceptions.begin(), sending.exceptions.end(), excepted.begin(), excepted.end());
        if (known.kind == wanted.kind && scope && same_pins(known.pins, wanted.pins)
            && same_clients(known.clients, wanted.clients) && known.stores == wanted.stores
            && lasts_as_long(known.max_age, entry.anchor, wanted.max_age, begin, now) && known.until >= wanted.until) {
            return true;
        }
    }
    return false;
}

void Ledger::for_each(const std::function<void(const Entry&)>& visit)
{
    Statement& rows =
        statement("SELECT " HPKP_ENTRY_COLUMNS " FROM entries ORDER BY host, first_sent, policy, entries.id");
    while (rows.next()) {
        visit(entry_of(rows));
    }
}

std::string Ledger::vouched_for(const std::string& id, std::int64_t now)
{
    Statement& row = statement("SELECT who, reason FROM forgotten JOIN entries ON entry = entries.id WHERE entry = ?1"
                               " AND NOT (1" HPKP_NOT_FORGOTTEN ")");
    return row.bind(1, id).bind(2, now).next() ? row.text(0) + ": " + row.text(1) : "";
}

bool Ledger::forget(const std::string& id, const std::string& who, const std::string& reason, std::int64_t now)
{
    Statement& known = statement("SELECT held_until IS NULL, last_sent FROM entries WHERE id = ?1");
    if (!known.bind(1, id).next()) {
        return false;
    }
    const bool open = known.number(0) != 0;
    const std::int64_t time = open ? judged_at(now, false) : std::max(now, known.number(1));
    at_key_.clear();
    statement(HPKP_VOUCH).bind(1, id).bind(2, time).bind(3, who).bind(4, reason).run();
    return true;
}

bool Ledger::has_instance(const std::string& instance)
{
    Statement& known = statement("SELECT 1 FROM instances WHERE name = ?1");
    return known.bind(1, instance).next();
}

Entry Ledger::entry_of(Statement& row)
{
    Entry entry;
    entry.id = row.text(0);
    entry.host = host_from_key(row.text(1));
    entry.exceptions = Exceptions(split(row.text(2)));
    entry.anchor = row.number(5);
    entry.first_sent = row.number(6);
    entry.last_sent = row.number(7);
    entry.open = row.number(8) != 0;
    entry.reached = row.number(9);

    auto& policy = policies_[row.number(3)];
    if (policy == nullptr) {
        Statement content = database_.prepare("SELECT content FROM policies WHERE id = ?1");
        if (content.bind(1, row.number(3)).next()) {
            policy = SentPolicy::from_text(content.text(0));
        }
    }
    auto& instance = instances_[row.number(4)];
    if (instance.empty()) {
        Statement name = database_.prepare("SELECT name FROM instances WHERE id = ?1");
        instance = name.bind(1, row.number(4)).next() ? name.text(0) : "";
    }
    if (policy == nullptr) {
        throw LedgerError(FindingId::ledger_corrupt,
                          "the ledger " + database_.path() + " has an entry, " + entry.id
                              + ", whose policy cannot be read",
                          "import a copy of it into a new ledger, or forget the entry: hpkp ledger forget " + entry.id);
    }
    entry.policy = policy;
    entry.instance = instance;
    return entry;
}

std::int64_t Ledger::policy_id(const std::string& content)
{
    statement("INSERT INTO policies(content) VALUES(?1) ON CONFLICT DO NOTHING").bind(1, content).run();
    Statement& known = statement("SELECT id FROM policies WHERE content = ?1");
    known.bind(1, content).next();
    return known.number(0);
}

std::int64_t Ledger::instance_id(const std::string& instance)
{
    statement("INSERT INTO instances(name) VALUES(?1) ON CONFLICT DO NOTHING").bind(1, instance).run();
    Statement& known = statement("SELECT id FROM instances WHERE name = ?1");
    known.bind(1, instance).next();
    return known.number(0);
}

}  // namespace hpkp
