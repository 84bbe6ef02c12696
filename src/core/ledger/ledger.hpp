// The ledger: what clients may still hold, kept on disk across loads. All times in seconds since the epoch.
#pragma once

#include "database.hpp"
#include "entry.hpp"

#include <functional>
#include <map>
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
    bool may_close = true;  // no older master of this nginx may still send
};

class Ledger {
public:
    /// Throws LedgerError or std::bad_alloc, as every function here.
    Ledger(const std::string& path, Database::Access access) : database_(path, access) {}

    /// One view until commit() or the end of the object; what is not committed is not written. To write is to keep
    /// others from writing meanwhile; where the file cannot be written, record() will say why.
    void begin(bool write);
    void commit() { database_.execute("COMMIT"); }

    /// The newest time that was recorded; 0 in an empty ledger.
    std::int64_t newest();

    /// Entries, held at `now` and not forgotten, that clients of this host may have, or clients of a host below it
    /// where it is a wildcard.
    std::vector<Entry> around(const HostPattern& host, std::int64_t now);
    bool any_held(std::int64_t now);

    std::vector<History> history(const HostPattern& host);
    /// A key was seen at this host later than another.
    bool key_changed(const HostPattern& host);

    /// An open entry of this nginx already covers what would be sent: the same pins and clients, no narrower scope, no
    /// shorter max-age.
    bool covers(const Sending& sending, const std::string& instance);

    /// Opens entries for what is sent and is not open yet, marks this nginx's other open ones as ending with this load.
    /// False if there was nothing to write.
    bool record(const std::vector<Sending>& sent, const std::vector<Showing>& shown, const LedgerLoad& load);

    /// nginx has taken the load: what it ends was last sent now.
    void settle(const LedgerLoad& load);
    /// nginx has not taken it: nothing of it was sent.
    void withdraw(const LedgerLoad& load);
    /// This nginx has stopped.
    void close_all(const LedgerLoad& load);

    /// Every entry, by host.
    void for_each(const std::function<void(const Entry&)>& visit);
    /// Why somebody vouched for it; empty if nobody did.
    std::string vouched_for(const std::string& id);

    /// Somebody knows that no client holds the entry: it is judged by no more. False if there is no such entry.
    bool forget(const std::string& id, const std::string& who, const std::string& reason, std::int64_t now);
    /// Whether this nginx is known here.
    bool has_instance(const std::string& instance);

    /// The ledger as lines of JSON: entries, what is known of hosts and keys, and what somebody vouched for. The
    /// instances of this machine get its name and the ledger's id put before them.
    void export_lines(const std::string& machine, const std::function<void(const std::string&)>& write);
    /// Adds a line of an export: a union, whatever the order and however often; but what an nginx of this machine has
    /// open stays open. Under `own` the export is this machine's, from an older ledger. Times after `latest` are taken
    /// as `latest`. False if it is no such line.
    bool import_line(const std::string& line, bool own, std::int64_t latest);

private:
    Entry entry_of(Statement& row);
    std::string own_id();
    void import_entry(const Entry& entry, const std::string& content);
    std::int64_t policy_id(const std::string& content);
    std::int64_t instance_id(const std::string& instance);
    /// When a policy of this name was first enforced for the host of this key.
    std::int64_t begin_of(const std::string& host, const std::string& name, std::int64_t otherwise);
    void end_entries(Statement& rows, std::int64_t now);
    void note_sent(const Entry& entry, std::int64_t time);
    void note_time(std::int64_t now);
    /// A statement that is prepared once, ready for its parameters. `sql` is a literal.
    Statement& statement(const char* sql);

    Database database_;
    std::unordered_map<std::int64_t, std::shared_ptr<const SentPolicy>> policies_;
    std::unordered_map<std::int64_t, std::string> instances_;
    std::map<const char*, Statement> statements_;
    std::unordered_map<std::string, std::vector<Entry>> at_key_;  // what around() has read
};

}  // namespace hpkp
