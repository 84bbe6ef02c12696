// Does a key belong to a policy? Asked before it goes into use, so that nobody serves a key that is not pinned.
#pragma once

#include "objects.hpp"

#include "chain.hpp"
#include "policy.hpp"

#include <nlohmann/json.hpp>

#include <ostream>
#include <string>
#include <vector>

namespace hpkp::cli {

struct KeyProof {
    struct InPolicy {
        const Policy* policy;
        const PolicyPin* pin;  // null: the key is none of its pins
    };

    std::string file;
    Pin pin;
    std::vector<InPolicy> policies;
    std::vector<std::string> leaves;  // the chains whose leaf has the key: "the chain of NAME"

    /// It is a pin of every policy.
    bool pinned() const;
};

/// The one public or private key in a file. Throws InputError if there is none, or are several.
Pin read_key(const std::string& file, PassPhrase& pass_phrase);

/// Looks for the key of this file in the policies, which must outlive the answer, and in the leaves of the chains.
KeyProof prove_key(const std::string& file, const Pin& key, const std::vector<const Policy*>& policies,
                   const std::vector<Chain>& chains);

/// A line for each policy, and one for the chains.
void print_text(std::ostream& out, const KeyProof& proof);

/// {"file", "pin-sha256", "pinned", "policies": [{"policy", "pin": its label or null}], "leaf": of one of the chains or
/// not}
nlohmann::json json_of(const KeyProof& proof);

}  // namespace hpkp::cli
