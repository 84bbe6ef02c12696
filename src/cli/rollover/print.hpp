// How a plan and an edit are printed.
#pragma once

#include "apply.hpp"
#include "plan.hpp"
#include "state.hpp"

#include <nlohmann/json.hpp>

#include <ostream>

namespace hpkp::cli::rollover {

/// Findings of error severity, the pins and what they are, what clients hold, the steps.
void print_text(std::ostream& out, const Question& question, const Answer& answer, const Plan& plan);

/// {"file", "policy", "now", "pins": [], "held": [], "sent", "steps": [], "notes": [], "findings": []}
nlohmann::json json_of(const Question& question, const Answer& answer, const Plan& plan);

/// What was changed, what nginx would say of it that it did not say before, and the step that is due now.
void print_text(std::ostream& out, const Edit& edit, const Applied& applied, const Answer& before,
                const std::string& written);

/// {"applied", "written", "file", "pins": [], "findings": [], "next"}
nlohmann::json json_of(const Edit& edit, const Applied& applied, const std::string& written);

}  // namespace hpkp::cli::rollover
