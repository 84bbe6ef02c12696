// The ledger: what clients may still hold, kept on disk across loads. All times in seconds since the epoch.
#pragma once

#include "database.hpp"
#include "entry.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace hpkp {

/// A policy that a load would send to the clients of a host.
struct Sending {
    HostPattern host;
    std::vector<std::string> exceptions;  // sorted
    std::shared_ptr<const SentPolicy> policy;
    std::shared_ptr<const std::string> content;  // policy->to_text(), one for all hosts
};

/// The leaf keys that a load would show to the clients of a host.
struct Showing {
    HostPattern host;
    std::vector<Pin> keys;
};

/// 16 random hex digits.
std::string new_ledger_id();

/// A configuration load, as the ledger tells it from others.
struct LedgerLoad {
    std::string id;        // random
    std::string instance;  // of this nginx: configuration file and prefix
    std::int64_t now = 0;
    bool may_close = true;     // no older master of this nginx may still send
    std::int64_t reached = 0;  // the latest time by which its workers chose a max-age; 0: none after `now`
};

class Ledger {
public:
    /// Throws LedgerError or std::bad_alloc, as every function here.
    Ledger(const std::string& path, Database::Access access) : database_(path, access) {}

    /// One view until commit() or the end of the object; what is not committed is not written. To write is to keep
    /// others from writing meanwhile, and brings a ledger of an earlier format up to date in the same transaction.
    /// Where the file cannot be written, record() will say why; one of an earlier format is refused here.
    void begin(bool write);
    void commit() { database_.execute("COMMIT"); }

    /// The newest time that was recorded; 0 in an empty ledger.
    std::int64_t newest();

    /// The time at which what clients hold is judged: the clock's. Only one that is `unset`, as something else shows,
    /// or that is behind all that the ledger knows, is not set yet (a machine that boots), and the newest time counts.
    /// Where just the newest times are ahead of it, the ledger was written by a clock that was wrong, and by those
    /// times everything would seem forgotten; what it has known for a month is believed.
    std::int64_t judged_at(std::int64_t clock, bool unset);

    /// Entries, held at `now` and not forgotten, that clients of this host may have, or clients of a host below it
    /// where it is a wildcard.
    std::vector<std::shared_ptr<const Entry>> around(const HostPattern& host, std::int64_t now);
    bool any_held(std::int64_t now);

    std::vector<History> history(const HostPattern& host);
    /// The leaf keys that clients of this host were shown, each with when it was first.
    std::vector<std::pair<Pin, std::int64_t>> keys(const HostPattern& host);
    /// A key was seen at this host later than another.
    bool key_changed(const HostPattern& host);

    /// What this nginx has open was sent with max-ages up to those of load.reached: a clock was ahead for a while.
    void note_reached(const LedgerLoad& load);

    /// Something that this nginx sent is open.
    bool sends(const std::string& instance);

    /// An open entry of this nginx already covers what would be sent from `now` on: the same pins and clients, no
    /// narrower scope, at no time a shorter max-age. Not one that waits for end_stopped(): it would end while it is
    /// sent.
    bool covers(const Sending& sending, const std::string& instance, std::int64_t now);

    /// Opens entries for what is sent and is not open yet, marks this nginx's other open ones as ending with this load,
    /// which is its last from now on. False if there was nothing to write: this nginx sends nothing, and sent nothing.
    bool record(const std::vector<Sending>& sent, const std::vector<Showing>& shown, const LedgerLoad& load);

    /// nginx has taken the load: what it ends was last sent now, and the values of ramps were chosen by this clock.
    void settle(const LedgerLoad& load);
    /// nginx has not taken it: nothing of it was sent.
    void withdraw(const LedgerLoad& load);
    /// The nginx of this load has stopped. Nothing ends if a later load of it has been recorded, which goes on sending.
    /// By a clock that is behind nobody knows when: it ends with end_stopped().
    void close(const LedgerLoad& load);
    /// What this nginx sent until it stopped while the clock was behind ends now, if the clock no longer is. Of another
    /// nginx only that one knows that it is not running. False if nothing ends.
    bool end_stopped(const LedgerLoad& load);
    /// This nginx (load.instance) is gone, as somebody knows. False if the clock is behind the ledger: nothing ends.
    bool close_all(const LedgerLoad& load);

    /// Every entry, by host.
    void for_each(const std::function<void(const Entry&)>& visit);
    /// Who vouched for it and why, as far as it lifts the entry at `now`; else empty.
    std::string vouched_for(const std::string& id, std::int64_t now);

    /// Somebody knows that no client holds the entry: it is judged by no more. False if there is no such entry.
    bool forget(const std::string& id, const std::string& who, const std::string& reason, std::int64_t now);
    /// Whether this nginx is known here.
    bool has_instance(const std::string& instance);

    /// The ledger as lines of JSON: entries, what is known of hosts and keys, and what somebody vouched for. The
    /// instances of this machine get its name and the ledger's id put before them; what they have open is sent `now`.
    void export_lines(const std::string& machine, std::int64_t now,
                      const std::function<void(const std::string&)>& write);
    /// Adds a line of an export: a union, whatever the order and however often; but what an nginx of this machine has
    /// open stays open. Under `own` the export is this machine's, from an older ledger. Times after `latest` are taken
    /// as `latest`. What a machine of the `importer`'s name exported from this very ledger is its own again: machines
    /// that were made from one image have ledgers of one id. False if it is no such line.
    bool import_line(const std::string& text, bool own, std::int64_t latest, const std::string& importer);

private:
    Entry entry_of(Statement& row);
    std::string own_id();
    void import_entry(Entry entry, bool by_hand);
    bool ended_by_hand(const std::string& id);
    /// Under `own`, every line of an export that its machine sent has to be of this one.
    void require_one_machine(const std::string& machine);
    bool close_instance(std::int64_t instance, std::int64_t now);
    void note_reached(std::int64_t instance, std::int64_t time);
    void note_ramps(const LedgerLoad& load);
    void note_shown(const std::vector<Showing>& shown, const LedgerLoad& load, std::int64_t time, bool& wrote);
    void note_in_history(const std::string& host, const Sending& sending, const LedgerLoad& load, std::int64_t time,
                         std::int64_t anchor);
    std::int64_t policy_id(const std::string& content);
    std::int64_t instance_id(const std::string& instance);
    /// When a policy of this name was first enforced for the host of this key.
    std::int64_t begin_of(const std::string& host, const std::string& name, std::int64_t otherwise);
    std::vector<Entry> entries_of(Statement& rows);
    void end_entries(std::vector<Entry> ended, std::int64_t now);
    void note_sent(const Entry& entry, std::int64_t time);
    void note_time(std::int64_t now);
    /// A statement that is prepared once, ready for its parameters. `sql` is a literal.
    Statement& statement(const char* sql);

    Database database_;
    std::string own_machine_;  // that of the own lines imported so far
    std::unordered_map<std::int64_t, std::shared_ptr<const SentPolicy>> policies_;
    std::unordered_map<std::int64_t, std::string> instances_;
    std::map<const char*, Statement> statements_;
    // What around() has read, held at at_key_time_.
    std::unordered_map<std::string, std::vector<std::shared_ptr<const Entry>>> at_key_;
    std::int64_t at_key_time_ = 0;
};

}  // namespace hpkp
