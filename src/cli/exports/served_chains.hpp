// The chains of --chain, and where the pins stand in them.
#pragma once

#include "export.hpp"

#include "paths/trust_paths.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace hpkp::cli {

class ServedChains {
public:
    /// Reads PEM files, leaf first, and finds their paths in the stores of the policy, which must outlive the object.
    /// `now` in seconds since the epoch. Throws InputError.
    ServedChains(const std::vector<std::string>& files, const Policy& policy, std::int64_t now);

    /// Of several chains the first in which the key is.
    PinLevel level_of(const Pin& pin) const;

    bool empty() const { return chains_.empty(); }

    /// Says of each chain that clients would refuse, comparing the pins exported as they do, that they would.
    void check(const Export& exported, Remarks& remarks) const;

private:
    struct Served {
        Chain chain;
        const TrustPaths* paths = nullptr;
    };

    TrustPathFinder finder_;
    std::deque<Served> chains_;
};

}  // namespace hpkp::cli
