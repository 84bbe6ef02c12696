// Edits of the pin lists of a policy file, as text: comments, order, indentation and line ends stay as they are.
#pragma once

#include "finding.hpp"
#include "pin.hpp"

#include <string>
#include <vector>

namespace hpkp::cli::rollover {

/// A list of pins in a policy file: that of a policy, or of its report-only section.
struct PinListName {
    std::string policy;
    bool report_only = false;
};

/// A pin to be added, written as pin-sha256.
struct NewPin {
    std::string name;  // UTF-8 without control characters
    Pin pin;
};

/// A policy file's text, edited in memory. Each edit is read again and must mean what was meant and nothing else; where
/// it does not (YAML can be written in stranger ways than anybody writes it), InputError says what to write by hand,
/// and the text is as before.
class PolicyEditor {
public:
    /// `file` is for places and messages. Throws InputError if the text has no such list.
    PolicyEditor(std::string file, std::string text, PinListName list);

    /// Adds pins at the end of the list, in the style of the last one.
    void add(const std::vector<NewPin>& pins);

    /// Sets "retired: true" in the pins at these places (PolicyPin::place).
    void retire(const std::vector<Place>& pins);

    /// Removes the pins at these places, with the comments in their lines; comments on lines of their own stay.
    void drop(const std::vector<Place>& pins);

    const std::string& text() const { return text_; }

private:
    std::vector<std::size_t> indices_of(const std::vector<Place>& pins) const;

    std::string file_;
    std::string text_;
    PinListName list_;
};

}  // namespace hpkp::cli::rollover
