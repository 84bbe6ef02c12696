#include "key_proof.hpp"

#include "input.hpp"
#include "output.hpp"

#include <algorithm>

namespace hpkp::cli {

namespace {

bool binds(const PinSet& set)
{
    return set.enforced || set.guarded;
}

/// The key's pin in every list that binds clients; where none does, in those of report-only.
const PolicyPin* pin_of(const Policy& policy, const Pin& key)
{
    const bool any_binds = std::any_of(policy.pin_sets.begin(), policy.pin_sets.end(), binds);
    const PolicyPin* found = nullptr;
    for (const PinSet& set : policy.pin_sets) {
        if (any_binds && !binds(set)) {
            continue;
        }
        const PolicyPin* pin = set.find(key);
        if (pin == nullptr) {
            return nullptr;
        }
        found = found == nullptr ? pin : found;
    }
    return found;
}

std::string labels_of(const Policy& policy)
{
    std::string labels;
    for (const PinSet& set : policy.pin_sets) {
        const bool only_reported = !binds(set) && policy.pin_sets.size() > 1;
        for (const PolicyPin& pin : set.pins) {
            if (only_reported) {
                continue;
            }
            labels += (labels.empty() ? "\"" : ", \"") + printable(pin.label()) + "\"";
        }
    }
    return labels.empty() ? "none" : labels;
}

}  // namespace

bool KeyProof::pinned() const
{
    return !policies.empty()
           && std::all_of(policies.begin(), policies.end(), [](const InPolicy& p) { return p.pin != nullptr; });
}

Pin read_key(const std::string& file, PassPhrase& pass_phrase)
{
    if (file == "-" && pass_phrase.from_stdin()) {
        throw InputError("--key - and --passin stdin cannot both be standard input");
    }
    const std::string named = printable(file == "-" ? "standard input" : file);
    const Objects objects = read_objects(read_input(file), named, pass_phrase);
    std::vector<Pin> keys;
    for (const Object& object : objects.found) {
        const bool is_key = object.kind == Object::Kind::private_key || object.kind == Object::Kind::public_key;
        if (is_key && std::find(keys.begin(), keys.end(), object.pin) == keys.end()) {
            keys.push_back(object.pin);
        }
    }
    if (keys.empty()) {
        throw InputError(named + " " + (objects.errors.empty() ? "holds no key" : objects.errors.front()));
    }
    if (keys.size() > 1) {
        throw InputError(named + " holds several keys: --key takes one");
    }
    return keys.front();
}

KeyProof prove_key(const std::string& file, const Pin& key, const std::vector<const Policy*>& policies,
                   const std::vector<Chain>& chains)
{
    KeyProof proof{file, key, {}, {}};
    for (const Policy* policy : policies) {
        proof.policies.push_back({policy, pin_of(*policy, key)});
    }
    for (const Chain& chain : chains) {
        if (chain.leaf().pin() == key) {
            proof.leaves.push_back(chain.text());
        }
    }
    return proof;
}

void print_text(std::ostream& out, const KeyProof& proof)
{
    const std::string key = "the key in " + printable(proof.file);
    for (const auto& [policy, pin] : proof.policies) {
        const std::string of = "of policy \"" + printable(policy->name) + "\"";
        if (pin == nullptr) {
            out << coloured(Severity::error, "error") << ": " << key << " is no pin " << of << ": pin-sha256=\""
                << proof.pin.base64() << "\"; the policy has: " << labels_of(*policy) << '\n';
        } else {
            out << key << " is the pin \"" << printable(pin->label()) << "\" " << of
                << (pin->retired ? ", which is retired" : "") << '\n';
        }
    }
    for (const std::string& leaf : proof.leaves) {
        out << key << " is that of the leaf in " << printable(leaf) << '\n';
    }
    if (proof.leaves.empty()) {
        out << key << " is that of no leaf of the chains\n";
    }
}

nlohmann::json json_of(const KeyProof& proof)
{
    nlohmann::json policies = nlohmann::json::array();
    for (const auto& [policy, pin] : proof.policies) {
        policies.push_back(
            {{"policy", policy->name}, {"pin", pin == nullptr ? nlohmann::json() : nlohmann::json(pin->label())}});
    }
    return {{"file", proof.file},
            {"pin-sha256", proof.pin.base64()},
            {"pinned", proof.pinned()},
            {"policies", policies},
            {"leaf", !proof.leaves.empty()}};
}

}  // namespace hpkp::cli
