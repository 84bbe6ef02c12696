// One configuration load, from facts to findings and headers: gather, find the paths, check, render.
#pragma once

#include "emission.hpp"
#include "finding.hpp"
#include "gather.hpp"
#include "server.hpp"

#include <vector>

namespace hpkp {

struct LoadResult {
    Findings findings;
    std::vector<Line> lines;  // the findings as text; a last line says what follows, where the load is refused
    bool refused = false;
    Emissions emissions;              // empty where refused
    std::vector<std::string> proofs;  // the same, proofs_of() it
    bool recorded = false;            // the ledger was written: settle() or withdraw() it
};

/// Judges a configuration.
LoadResult judge(std::vector<ServerBlock> blocks, const LoadOptions& options);

}  // namespace hpkp
