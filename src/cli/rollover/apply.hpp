// --apply STEP: the edits of the policy file that the plan's steps ask for.
#pragma once

#include "state.hpp"

namespace hpkp::cli::rollover {

struct Edit {
    Step::Kind kind = Step::Kind::drop;
    std::string pin;                   // --pin: which, or of a new backup its name; empty: those that the plan names
    std::vector<std::string> backups;  // files: CSRs, certificates, public keys
};

struct Applied {
    std::string text;               // of the file after the edit
    std::vector<std::string> pins;  // those added, retired or dropped, by name
    Findings new_errors;            // what nginx would say of it, and did not say before: then it must not be written
    Findings new_warnings;
    std::optional<Answer> after;  // the state of the edited file; empty: there was no place beside it to judge it
};

/// The step of this name. Throws InputError if no edit belongs to it.
Step::Kind edit_of(const std::string& step);

/// Edits the policy file of the question, whose content is `text`, in memory. Throws InputError where there is nothing
/// to edit or it cannot be done.
Applied apply(const Edit& edit, const Question& question, const Answer& answer, const std::string& text);

}  // namespace hpkp::cli::rollover
