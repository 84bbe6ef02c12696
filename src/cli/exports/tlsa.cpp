// TLSA records (RFC 6698, RFC 7671): the digest of a pin, in hexadecimal.
#include "export.hpp"

#include "text.hpp"

namespace hpkp::cli {

namespace {

std::string hex(const Pin& pin)
{
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : pin.bytes()) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

/// Usages: DANE-EE (3) is compared with the leaf, DANE-TA (2) with the authorities' certificates that are sent. One
/// record that matches is enough: where it is not known what a key is of, it gets both.
std::vector<const char*> usages_of(const ExportPin& pin, const Clients& clients)
{
    switch (pin.level) {
    case PinLevel::leaf:
        return {"3"};
    case PinLevel::issuer:
    case PinLevel::root:
        return {"2"};
    case PinLevel::unknown:
        break;
    }
    // nginx sees to it that a leaf matches.
    return clients.leaf ? std::vector<const char*>{"3"} : std::vector<const char*>{"3", "2"};
}

}  // namespace

std::string write_tlsa(const Export& exported, Remarks& remarks)
{
    bool both = false;
    bool authority = false;
    bool leaf = false;
    std::string text = "; " + comment_text(made_from(exported)) + "\n";
    for (const std::string& host : exported.hosts) {
        const std::string name = "_" + std::to_string(exported.port) + "._tcp." + host + ". IN TLSA ";
        for (const ExportPin& pin : exported.pins) {
            const auto usages = usages_of(pin, exported.policy->clients);
            both = both || usages.size() > 1;
            for (const char* usage : usages) {
                authority = authority || usage[0] == '2';
                leaf = leaf || usage[0] == '3';
                text += name + usage + " 1 1 " + hex(pin.pin.pin);
                text += pin.pin.name.empty() ? "\n" : " ; " + comment_text(pin.pin.name) + "\n";
            }
        }
    }
    if (exported.policy->clients.leaf && !leaf) {
        remarks.errors.emplace_back("the policy's clients compare the leaf, and no pin is a leaf's: --level leaf, or "
                                    "--chain with the chain that "
                                    "is served");
    }
    if (both) {
        remarks.notes.emplace_back(
            "of some keys no --chain shows whether they are leaves' or authorities', so each has "
            "a record for either; --level leaf or --level ca says it");
    }
    if (authority) {
        remarks.notes.emplace_back(
            "for a record 2 1 1 the authority's certificate has to be among those sent, a root's "
            "too (RFC 7671 5.2.2)");
    }
    remarks.notes.emplace_back("usages 3 and 2 ask for the pin alone, not for a certificate that is valid besides");
    return text;
}

}  // namespace hpkp::cli
