// Pieces of SQL that the ledger's files share.
#pragma once

#include <string>
#include <vector>

#define HPKP_ENTRY_COLUMNS                                                                                             \
    "entries.id, host, exceptions, policy, instance, anchor, first_sent, last_sent, held_until IS NULL, reached"

// Nobody has vouched for it. Who does so for an open entry vouches for what is sent until a load ends it, which has to
// come within the hour: it may be sent for weeks otherwise. A word from the future is of a clock that was wrong.
#define HPKP_NOT_FORGOTTEN                                                                                             \
    " AND NOT EXISTS (SELECT 1 FROM forgotten WHERE entry = entries.id AND "                                           \
    "CASE WHEN held_until IS NULL THEN at BETWEEN ?2 - 3600 AND ?2 + 3600 ELSE at + 3600 >= last_sent END)"

// What somebody says here and now counts; of what is imported, the latest.
#define HPKP_VOUCH                                                                                                     \
    "INSERT INTO forgotten VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET at = ?2, who = ?3, reason = ?4"
#define HPKP_VOUCH_IF_LATER HPKP_VOUCH " WHERE (?2, ?3, ?4) > (at, who, reason)"

// Held at ?2.
#define HPKP_HELD " AND (held_until IS NULL OR held_until > ?2)" HPKP_NOT_FORGOTTEN

// A load that goes on sending what somebody vouched for opens a new entry.
#define HPKP_OPEN " AND held_until IS NULL AND NOT EXISTS (SELECT 1 FROM forgotten WHERE entry = entries.id)"

// In the place of the load that ends an entry: somebody said that another machine's nginx is gone.
#define HPKP_BY_HAND "by hand"

// The same of an open entry: its nginx has stopped, and the clock was behind, so that nobody knows when.
#define HPKP_STOPPED "stopped"

namespace hpkp {

/// An nginx of this machine is known by the path of its configuration; others by their machine before that.
bool is_own(const std::string& instance);

/// Names of an entry's exceptions as one text, and back.
std::string joined(const std::vector<std::string>& names);
std::vector<std::string> split(const std::string& text);

}  // namespace hpkp
