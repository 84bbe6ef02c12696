// From a policy and what the user asked for to what is exported, and whether that is safe.
#pragma once

#include "export.hpp"
#include "served_chains.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace hpkp::cli {

/// What the user asked for; texts are as typed, empty where left out.
struct ExportRequest {
    std::string mode;
    std::vector<std::string> hosts;
    std::string level;
    std::string expiration;
    std::string platform;
    std::string ledger;  // where a ramp's begin is looked up; empty: nowhere
    unsigned port = 443;
    std::int64_t now = 0;  // seconds since the epoch
};

/// Throws InputError where the policy has no such mode, or the format wants something else.
Export make_export(const Policy& policy, const ExportRequest& request, const ExportFormat& format,
                   const ServedChains& chains, Remarks& remarks);

/// Says whether these clients would lock themselves out, and what the format cannot say of the policy. Leaves out pins
/// that the clients do not compare, where nginx sees to it that they do not need them; else that is an error. Then the
/// text; none where the remarks have an error.
std::string judged_text(const ExportFormat& format, const ServedChains& chains, Export& exported, Remarks& remarks);

}  // namespace hpkp::cli
