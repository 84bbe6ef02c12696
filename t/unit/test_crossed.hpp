// A PKI whose authorities have signed each other, with everything that can be wrong with a path.
#pragma once

#include "test_paths.hpp"
#include "test_pki.hpp"

#include <map>
#include <string>
#include <vector>

namespace hpkp::test {

/// Roots A and B, each of which has certified the other's key too; intermediate I under both; leaves under I. A label
/// says whose certificate it is, by whom, and what is odd about it.
struct Crossed {
    Crossed();

    /// The certificates with these labels, in this order.
    std::vector<Certificate> of(const std::vector<std::string>& wanted) const;

    std::map<std::string, Certificate> certificates;
    Labels labels;
};

const Crossed& crossed();

}  // namespace hpkp::test
