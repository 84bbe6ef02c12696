// What each kind of client would do with what it saw. One file a client; to add one: its file, its line here and in
// client.cpp.
//
// Sources: RFC 7469; Chromium and Firefox as they were before they removed header pins (both in version 72); GNU Wget2
// 1.99.1 to 2.2.0 built with GnuTLS.
#pragma once

#include "observation.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hpkp::cli {

enum class Action {
    nothing,     // there is no header to do anything with
    note,        // it remembers the pins, and accepts no other keys until max-age has run
    ignore,      // the header is as good as absent; what it remembers stays
    forget,      // it forgets what it remembers
    locked_out,  // it remembers pins that the chain of this very connection does not have: its next visit fails
};

/// "note", "locked-out": for JSON.
std::string action_text(Action action);

struct Verdict {
    Action action = Action::nothing;
    std::string why;                      // a sentence without full stop
    std::optional<std::int64_t> max_age;  // seconds, as the client caps it; where it notes something
    bool include_subdomains = false;
    std::string report_only;  // what it does with Public-Key-Pins-Report-Only, the same way; empty: there is none

    friend bool operator==(const Verdict& a, const Verdict& b)
    {
        return a.action == b.action && a.why == b.why && a.max_age == b.max_age
               && a.include_subdomains == b.include_subdomains && a.report_only == b.report_only;
    }
};

struct Client {
    const char* id;     // for JSON
    const char* title;  // for people
    Verdict (*judge)(const Observation& seen);
};

/// All of them, in the order to print them in.
const std::vector<Client>& all_clients();

Verdict judge_as_rfc(const Observation& seen);
Verdict judge_as_chromium(const Observation& seen);
Verdict judge_as_firefox(const Observation& seen);
Verdict judge_as_wget2(const Observation& seen);

}  // namespace hpkp::cli
