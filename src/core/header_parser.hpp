// The value of a Public-Key-Pins or Public-Key-Pins-Report-Only header, read by the letter of RFC 7469 2.1. What a
// client does with it is not decided here.
#pragma once

#include "pin.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpkp {

/// Longer values are not read: no server sends, and no client keeps, that many pins.
constexpr std::size_t kMaxHeaderValue = std::size_t{64} << 10;

/// Where a value is not what the grammar allows.
struct HeaderFault {
    enum class Kind {
        syntax,           // no directive can be read there
        value,            // a directive's value is missing, too much, or not what it must be
        duplicate,        // a directive that may stand once stands twice (2.1, rule 2)
        space,            // blanks around "=", which the grammar has no place for
        empty_directive,  // ";;", or ";" at an end: not in the grammar either, and taken by every client known
    };

    Kind kind;
    std::size_t offset;  // into the value, in bytes from 0
    std::string what;    // a clause without full stop, such as "max-age is not a number"
};

/// A pin directive; hashes that nobody knows too.
struct HeaderPin {
    std::string hash;        // lower case: "sha256"
    std::string text;        // as written, without the quotes
    std::optional<Pin> pin;  // of a sha256 in the canonical base64 of 32 bytes; else empty
    std::size_t offset;
};

struct ParsedHeader {
    std::optional<std::int64_t> max_age;  // seconds; what is too large for the type is its largest value
    bool include_subdomains = false;
    std::optional<std::string> report_uri;  // as written, without the quotes: any text
    std::vector<HeaderPin> pins;            // in their order, repeated ones too
    std::vector<std::string> unknown;       // names of directives that clients must ignore (2.1, rule 5)
    std::vector<HeaderFault> faults;        // in their order, at most 20

    /// Without a fault for which clients must ignore the whole header (2.1, rule 4): any but an empty directive.
    bool conforms() const;
    /// The first of those faults; null if it conforms.
    const HeaderFault* worst() const;
    /// The pins that clients can compare.
    std::vector<Pin> sha256() const;
    /// The first sha256 pin that is no SHA-256; null if there is none.
    const HeaderPin* bad_pin() const;
};

/// Reads any bytes, in time and memory that grow with their number. After a fault it goes on behind the next ";", so
/// that one look shows what there is to mend; of a directive that stands twice, the first counts.
ParsedHeader parse_pins_header(std::string_view value);

}  // namespace hpkp
