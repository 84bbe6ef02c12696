// A step of a key change, and steps in order.
#pragma once

#include "policy.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hpkp::cli::rollover {

struct Step {
    enum class Kind { add_backup, reload, serve, retire, drop };

    Kind kind;
    const PolicyPin* pin = nullptr;                // of serve, retire and drop; null: that of no pin here
    std::string chain = {};                        // of serve: the file of --new-chain
    std::optional<std::int64_t> earliest = {};     // empty: cannot be said
    std::optional<std::int64_t> same_issuer = {};  // of serve: with a certificate of the issuers served now
    std::string after = {};                        // the step that comes first; empty: none
    bool next = false;                             // due, or the first one to wait for
    std::string what = {};                         // one sentence
    std::vector<std::string> why = {};
    std::vector<std::string> commands = {};

    /// "serve backup A"
    std::string text() const;
};

/// The stable name: "add-backup", "reload", "serve", "retire", "drop".
const char* kind_text(Step::Kind kind);

struct Plan {
    std::vector<Step> steps;  // in order
    std::vector<std::string> notes;

    const Step* next() const;
};

/// What to type for a request with all names of a server, to be signed by an authority.
std::string request_command(const std::vector<std::string>& hosts);

}  // namespace hpkp::cli::rollover
