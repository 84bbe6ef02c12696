// What the ledger remembers: policies that this server may have sent, and to which hosts' clients.
#pragma once

#include "../host_name.hpp"
#include "../max_age.hpp"
#include "../pin.hpp"
#include "../policy.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace hpkp {

/// A clock that is further behind the ledger than this is wrong, or the ledger's was: two loads at once are not.
constexpr std::int64_t kClockTolerance = 300;

/// No time or max-age in a ledger is beyond this (the year 36812): sums of a few of them are times still.
constexpr std::int64_t kLatestTime = std::int64_t{1} << 40;

inline bool clock_is_behind(std::int64_t clock, std::int64_t newest)
{
    return clock + kClockTolerance < newest;
}

/// A policy's name as the ledger has it: its text has no control characters.
std::string recorded_name(const std::string& policy);

/// Old workers go on sending for a while after a reload. They see to it that it is no longer: NGX_HTTP_HPKP_DRAIN,
/// which has to be the lesser of the two (src/nginx/ngx_http_hpkp_drain.c).
constexpr std::int64_t kDrainSeconds = 300;

/// What was sent, apart from when and where to.
struct SentPolicy {
    enum class Kind {
        enforced,  // Public-Key-Pins
        guarded,   // a guard with "until": clients have the pins by other means
        reported,  // Public-Key-Pins-Report-Only: known to have been sent, held by nobody
    };

    Kind kind = Kind::enforced;
    std::string name;
    bool include_subdomains = false;
    PinSet pins;  // pins and their names; nothing else of it is kept
    Clients clients;
    TrustStores stores;      // empty: the system's bundle
    MaxAge max_age;          // of an enforced one
    std::int64_t until = 0;  // of a guard: the first second after its last day, since the epoch

    /// The same text for the same content, in a form of its own version: how the ledger keeps it. Throws
    /// std::bad_alloc.
    std::string to_text() const;
    /// Empty if this is no such text.
    static std::shared_ptr<const SentPolicy> from_text(const std::string& text);
};

/// Of a wildcard host: names below it that another server answered to all the while. There may be ten thousand, and as
/// many hosts to ask about, so they are parsed once.
class Exceptions {
public:
    Exceptions() = default;
    explicit Exceptions(std::vector<std::string> names);

    const std::vector<std::string>& names() const { return names_; }
    bool cover(const std::string& host) const;

private:
    std::vector<std::string> names_;  // as they are kept
    std::unordered_set<std::string> hosts_;
    std::unordered_set<std::string> domains_;  // of wildcards
};

/// One policy for the clients of one host, from when it was first sent to when it was last sent.
struct Entry {
    std::string id;  // 16 hex digits: the same in every ledger that the entry is imported into
    HostPattern host;
    Exceptions exceptions;
    std::shared_ptr<const SentPolicy> policy;
    std::string instance;         // the nginx that sends it: configuration file and prefix
    std::int64_t anchor = 0;      // when a policy of this name was first enforced for this host: a ramp's begin
    std::int64_t first_sent = 0;  // seconds since the epoch, as all times here
    std::int64_t last_sent = 0;
    std::int64_t reached = 0;  // of a ramp: the latest time by which a max-age was chosen, by a clock that may be back
    bool open = false;         // it may be sent at this moment: nothing has said otherwise

    /// The highest max-age that clients may have got by `time`.
    std::int64_t max_age_at(std::int64_t time) const
    {
        return policy->max_age.at((time > reached ? time : reached) - anchor);
    }

    /// From when on no client holds it, if it is sent no more after `now`. An open entry counts as sent now.
    std::int64_t held_until(std::int64_t now) const;

    /// Whether clients of this host (a name without wildcards) hold it: RFC 7469 2.3.3 and 4.2 in the strictest
    /// reading, since clients differ on which entry is the nearest.
    bool reaches(const std::string& host) const;
};

/// What was sent before to the clients of one host under one policy name, entries or not.
struct History {
    std::string name;
    bool enforced = false;
    std::int64_t first_sent = 0;
    std::int64_t last_sent = 0;
    std::int64_t last_max_age = 0;
};

/// The host of an entry as the ledger keeps it: labels from the last to the first, a dot after each, so that what is
/// below a domain stands beside it. "*" is a wildcard's first label, "+" that of one that covers a single label.
std::string host_key(const HostPattern& host);
HostPattern host_from_key(const std::string& key);
/// What the keys of all that is below a domain begin with.
std::string key_prefix(std::string_view domain);

}  // namespace hpkp
