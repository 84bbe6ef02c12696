// A first policy, as hpkp init writes it: the pins of a chain at one level, backups, and report-only.
#pragma once

#include "objects/objects.hpp"

#include "chain.hpp"
#include "paths/trust_paths.hpp"
#include "policy.hpp"

#include <string>
#include <vector>

namespace hpkp::cli {

/// Where on a path the pins are taken: the leaf, the certificate that signed the leaf, or the root.
enum class Level { leaf, intermediate, root };

const char* level_text(Level level);

struct FirstPin {
    std::string name;    // fit for a terminal
    std::string origin;  // where it comes from, for a comment and as fit for a terminal
    Pin pin;
};

struct FirstPolicy {
    std::string name;
    Level level;
    std::vector<FirstPin> pins;
    std::vector<FirstPin> backups;
    TrustStores trust;  // absolute paths
    std::string report_uri;
    bool example_uri = false;  // nobody gave one: it is an example's

    std::vector<std::string> chains;  // the files, as given, for the comments
    std::string file;                 // where the policy will lie, for the comments
};

/// Adds the keys at the level on every path of the chain, each once, in the order of the paths. Throws InputError where
/// a path has nothing at that level, or where no client would accept the chain.
void add_pins(Level level, const Chain& chain, const TrustPaths& paths, std::vector<FirstPin>& pins);

/// The backup that a file holds: one key, in any form. Throws InputError if there is none, or are several, or if it is
/// a CSR whose signature does not verify. `private_key` says that the file holds the private key itself.
FirstPin backup_of(const Objects& objects, const std::string& file, std::size_t number, bool& private_key);

/// The policy file, with comments that explain it and say what to do next.
std::string yaml_of(const FirstPolicy& policy);

}  // namespace hpkp::cli
