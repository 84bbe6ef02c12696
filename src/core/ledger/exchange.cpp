// A ledger as lines of JSON, and back. Version 1, one object a line, times in seconds since the epoch:
//
//     {"type": "entry", "id", "host", "one-label", "exceptions", "instance", "own", "anchor", "first-sent",
//     "last-sent", "reached", "open", "by-hand", "policy": {...}}
//                                 own: sent by the machine that exports; by-hand: somebody ended it for another
//                                 machine, and may be wrong; policy: as SentPolicy::to_text() writes it. Without
//                                 reached it is 0, without by-hand false
//     {"type": "history", "host", "one-label", "policy", "enforced", "first-sent", "last-sent", "last-max-age"}
//     {"type": "key", "host", "one-label", "pin-sha256", "first-seen"}
//     {"type": "forgotten", "entry", "at", "who", "reason"}
//
// Two ledgers are united by taking of each entry the later last-sent, and closed before open: an entry opens and ends
// once. What was ended by hand is open where it was sent later. So the order of imports, and how often a line comes, do
// not matter.
#include "ledger.hpp"

#include "memory.hpp"
#include "sql.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hpkp {

namespace {

using nlohmann::json;

constexpr int kVersion = 1;

/// Empty where no entry can be of such a host.
HostPattern host_of(const json& line)
{
    const auto patterns = parse_server_name(line.at("host").get<std::string>(), false);
    HostPattern host = patterns.size() != 1 || !can_be_recorded(patterns.front()) ? HostPattern{} : patterns.front();
    host.one_label = line.at("one-label").get<bool>();
    return host;
}

/// A time or a span of it. Only whole numbers: what get() makes of 1e30 is for each machine to say.
std::int64_t seconds(const json& value)
{
    // One beyond 2^63 wraps: it is less than 0 here.
    if (!value.is_number_integer() || value < 0 || value > kLatestTime) {
        throw std::out_of_range("seconds");
    }
    return value.get<std::int64_t>();
}

json line_of(const char* type, const HostPattern& host)
{
    return {{"version", kVersion}, {"type", type}, {"host", host.text}, {"one-label", host.one_label}};
}

std::string text_of(const json& line)
{
    return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

bool is_own(const std::string& instance)
{
    return instance.rfind('/', 0) == 0;
}

bool Ledger::ended_by_hand(const std::string& id)
{
    Statement& row = statement("SELECT 1 FROM entries WHERE id = ?1 AND closing = '" HPKP_BY_HAND "'");
    return row.bind(1, id).next();
}

void Ledger::export_lines(const std::string& machine, std::int64_t now,
                          const std::function<void(const std::string&)>& write)
{
    const std::string prefix = machine + "/" + own_id() + ": ";
    for_each([&](const Entry& entry) {
        json line = line_of("entry", entry.host);
        line["id"] = entry.id;
        line["exceptions"] = entry.exceptions.names();
        line["instance"] = is_own(entry.instance) ? prefix + entry.instance : entry.instance;
        line["own"] = is_own(entry.instance);
        line["anchor"] = entry.anchor;
        line["first-sent"] = entry.first_sent;
        // What is open here is sent until now, as this machine knows: whoever took it for dead hears otherwise.
        const bool sent_now = entry.open && is_own(entry.instance);
        line["last-sent"] = sent_now ? std::max(now, entry.last_sent) : entry.last_sent;
        line["reached"] = entry.reached;
        line["open"] = entry.open;
        if (ended_by_hand(entry.id)) {
            line["by-hand"] = true;
        }
        line["policy"] = json::parse(entry.policy->to_text());
        write(text_of(line));
    });
    Statement history =
        database_.prepare("SELECT host, name, enforced, first_sent, last_sent, last_max_age FROM history");
    while (history.next()) {
        json line = line_of("history", host_from_key(history.text(0)));
        line["policy"] = history.text(1);
        line["enforced"] = history.number(2) != 0;
        line["first-sent"] = history.number(3);
        line["last-sent"] = history.number(4);
        line["last-max-age"] = history.number(5);
        write(text_of(line));
    }
    Statement keys = database_.prepare("SELECT host, pin, first_seen FROM keys");
    while (keys.next()) {
        json line = line_of("key", host_from_key(keys.text(0)));
        line["pin-sha256"] = keys.text(1);
        line["first-seen"] = keys.number(2);
        write(text_of(line));
    }
    Statement forgotten = database_.prepare("SELECT entry, at, who, reason FROM forgotten");
    while (forgotten.next()) {
        write(text_of({{"version", kVersion},
                       {"type", "forgotten"},
                       {"entry", forgotten.text(0)},
                       {"at", forgotten.number(1)},
                       {"who", forgotten.text(2)},
                       {"reason", forgotten.text(3)}}));
    }
}

bool Ledger::import_line(const std::string& text, bool own, std::int64_t latest, const std::string& importer)
{
    try {
        const json line = json::parse(text);
        const auto time = [&](const char* key) {
            return std::min(seconds(line.at(key)), latest);
        };
        if (line.at("version") != kVersion) {
            return false;
        }
        const auto type = line.at("type").get<std::string>();
        if (type == "forgotten") {
            statement(HPKP_VOUCH_IF_LATER)
                .bind(1, line.at("entry").get<std::string>())
                .bind(2, time("at"))
                .bind(3, line.at("who").get<std::string>())
                .bind(4, line.at("reason").get<std::string>())
                .run();
            return true;
        }
        const HostPattern host = host_of(line);
        if (host.domain.empty()) {
            return false;
        }
        if (type == "history") {
            statement("INSERT INTO history VALUES(?1, ?2, ?3, ?4, ?5, ?6, NULL) ON CONFLICT DO UPDATE SET "
                      "first_sent = min(first_sent, ?4), last_max_age = CASE WHEN last_sent > ?5 THEN last_max_age "
                      "WHEN last_sent < ?5 THEN ?6 ELSE max(last_max_age, ?6) END, last_sent = max(last_sent, ?5)")
                .bind(1, host_key(host))
                .bind(2, line.at("policy").get<std::string>())
                .bind(3, line.at("enforced").get<bool>() ? 1 : 0)
                .bind(4, time("first-sent"))
                .bind(5, time("last-sent"))
                .bind(6, seconds(line.at("last-max-age")))
                .run();
            return true;
        }
        if (type == "key") {
            const auto pin = Pin::from_base64(line.at("pin-sha256").get<std::string>());
            if (!pin) {
                return false;
            }
            statement("INSERT INTO keys VALUES(?1, ?2, ?3, NULL) "
                      "ON CONFLICT DO UPDATE SET first_seen = min(first_seen, ?3)")
                .bind(1, host_key(host))
                .bind(2, pin->base64())
                .bind(3, time("first-seen"))
                .run();
            return true;
        }
        if (type != "entry") {
            return false;
        }
        Entry entry;
        entry.id = line.at("id").get<std::string>();
        entry.host = host;
        entry.exceptions = Exceptions(line.at("exceptions").get<std::vector<std::string>>());
        entry.instance = line.at("instance").get<std::string>();
        const std::size_t machine = entry.instance.find(": ");
        const bool backup = own && line.value("own", true);
        if (backup && machine != std::string::npos) {
            require_one_machine(entry.instance.substr(0, machine));
        }
        const bool ours = backup || entry.instance.rfind(importer + "/" + own_id() + ": ", 0) == 0;
        if (ours && machine != std::string::npos) {
            entry.instance.erase(0, machine + 2);
        }
        entry.anchor = time("anchor");
        entry.first_sent = time("first-sent");
        entry.last_sent = time("last-sent");
        // Not by `latest`: what was sent by a clock that was ahead was sent.
        entry.reached =
            std::max(line.contains("reached") ? seconds(line["reached"]) : 0, seconds(line.at("last-sent")));
        entry.open = line.at("open").get<bool>();
        entry.policy = SentPolicy::from_text(text_of(line.at("policy")));
        const bool is_id = !entry.id.empty() && entry.id.find_first_not_of("0123456789abcdef") == std::string::npos;
        if (entry.policy == nullptr || !is_id || entry.instance.empty()) {
            return false;
        }
        import_entry(std::move(entry), line.value("by-hand", false));
        return true;
    }
    catch (const json::exception&) {
        return false;
    }
    catch (const std::out_of_range&) {
        return false;
    }
}

void Ledger::require_one_machine(const std::string& machine)
{
    if (own_machine_.empty()) {
        own_machine_ = machine;
    }
    if (own_machine_ != machine) {
        throw LedgerError(FindingId::ledger_unreadable,
                          "these are exports of several machines, " + own_machine_ + " and " + machine,
                          "import this machine's with --own, and the others without");
    }
}

std::string Ledger::own_id()
{
    Statement& row = statement("SELECT id FROM ledger");
    return row.next() ? row.text(0) : "";
}

void Ledger::import_entry(Entry entry, bool by_hand)
{
    std::int64_t held_until = entry.open ? 0 : entry.held_until(entry.last_sent);
    Statement& row =
        statement("SELECT held_until, held_until IS NULL, last_sent, anchor, reached, closing IS NOT NULL, name "
                  "FROM entries JOIN instances ON instance = instances.id WHERE entries.id = ?1");
    if (row.bind(1, entry.id).next()) {
        const bool known_open = row.number(1) != 0;
        const std::int64_t known_last = row.number(2);
        const bool known_by_hand = !known_open && row.number(5) != 0;
        if (known_open && is_own(row.text(6))) {
            entry.open = true;
        } else if (known_open != entry.open) {
            // Whoever ended another machine's entry by hand may have been wrong: what is known later counts.
            const bool ended_by_hand = known_open ? by_hand : known_by_hand;
            const std::int64_t ended = known_open ? entry.last_sent : known_last;
            const std::int64_t sent = known_open ? known_last : entry.last_sent;
            entry.open = ended_by_hand && sent > ended;
            by_hand = ended_by_hand;
        } else {
            by_hand = by_hand && known_by_hand;
        }
        held_until = std::max(held_until, row.number(0));
        entry.last_sent = std::max(entry.last_sent, known_last);
        entry.anchor = std::min(entry.anchor, row.number(3));
        entry.reached = std::max(entry.reached, row.number(4));
    }
    Statement& write = statement(
        "INSERT INTO entries VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, ?10, ?11) ON CONFLICT DO UPDATE SET "
        "anchor = ?6, last_sent = ?8, held_until = ?9, closing = iif(?9 IS NULL, closing, ?10), reached = ?11");
    write.bind(1, entry.id)
        .bind(2, host_key(entry.host))
        .bind(3, joined(entry.exceptions.names()))
        .bind(4, policy_id(entry.policy->to_text()))
        .bind(5, instance_id(entry.instance))
        .bind(6, entry.anchor)
        .bind(7, entry.first_sent)
        .bind(8, entry.last_sent)
        .bind(11, entry.reached);
    if (!entry.open) {
        write.bind(9, held_until);
        if (by_hand) {
            write.bind(10, HPKP_BY_HAND);
        }
    }
    write.run();
    // The clocks of other machines are no measure of this one's.
    if (is_own(entry.instance)) {
        note_time(entry.last_sent);
    }
    at_key_.clear();
}

}  // namespace hpkp
