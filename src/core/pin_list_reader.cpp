#include "pin_list_reader.hpp"

#include "file.hpp"
#include "map_reader.hpp"
#include "pin_source.hpp"

#include <algorithm>
#include <map>

namespace hpkp {

namespace {

struct SourceKey {
    std::string_view key;
    PinSourceKind kind;
};

constexpr SourceKey kSourceKeys[] = {
    {"certificate", PinSourceKind::certificate},
    {"csr", PinSourceKind::csr},
    {"public-key", PinSourceKind::public_key},
};

class PinListReader {
public:
    PinListReader(const std::string& subject, PinSet& set, PolicyFile& file, Findings& findings)
        : subject_(subject), set_(set), file_(file), findings_(findings)
    {
    }

    void read_pin(const YamlNode& item);

private:
    std::optional<Pin> written_pin(const MapReader& reader, const YamlNode& value);
    std::optional<Pin> computed_pin(const MapReader& reader, const YamlNode& value, const SourceKey& source);
    void check_placeholder(const Pin& pin, const Place& place);
    void add_pin(PolicyPin pin);

    void add(FindingId id, const Place& place, std::string what, std::string remedy)
    {
        findings_.emplace_back(id, place, std::move(what), std::move(remedy));
    }

    const std::string& subject_;
    PinSet& set_;
    PolicyFile& file_;
    Findings& findings_;
    std::map<Pin, std::size_t> by_pin_;  // to the index in set_.pins
};

void PinListReader::read_pin(const YamlNode& item)
{
    if (item.kind != YamlNode::Kind::map) {
        set_.unreadable++;
        add(FindingId::bad_value, item.place, "a pin of " + subject_ + " is no mapping",
            "write it as - pin-sha256: \"...\", or with certificate:, csr: or public-key: and a file");
        return;
    }
    const MapReader reader(item, "a pin of " + subject_,
                           {"name", "pin-sha256", "certificate", "csr", "public-key", "retired"}, findings_);

    std::string name;
    if (const YamlNode* value = reader.optional("name")) {
        name = reader.string(*value, "name").value_or("");
    }
    const bool retired = reader.boolean_or("retired", false);

    const YamlNode* written = reader.optional("pin-sha256");
    const YamlNode* file_name = nullptr;
    const SourceKey* source = nullptr;
    std::size_t sources = written != nullptr ? 1 : 0;
    for (const SourceKey& candidate : kSourceKeys) {
        if (const YamlNode* value = reader.optional(candidate.key)) {
            sources++;
            source = &candidate;
            file_name = value;
        }
    }
    if (sources != 1) {
        set_.unreadable++;
        add(sources == 0 ? FindingId::missing_key : FindingId::bad_value, item.place,
            "a pin of " + subject_ + (sources == 0 ? " says nothing of its key" : " has more than one source"),
            "give it one of pin-sha256, certificate, csr and public-key");
        return;
    }

    const std::optional<Pin> pin =
        written != nullptr ? written_pin(reader, *written) : computed_pin(reader, *file_name, *source);
    if (!pin) {
        set_.unreadable++;
        return;
    }
    add_pin({*pin, name, retired, written == nullptr, written != nullptr ? written->place : file_name->place});
}

std::optional<Pin> PinListReader::written_pin(const MapReader& reader, const YamlNode& value)
{
    const auto text = reader.string(value, "pin-sha256");
    if (!text) {
        return std::nullopt;
    }
    const auto pin = Pin::from_base64(*text);
    if (!pin) {
        add(FindingId::bad_pin, value.place,
            "\"" + *text + "\" (" + std::to_string(text->size()) + " characters) is not the base64 of a SHA-256",
            "write 44 characters of A-Z a-z 0-9 + /, the last one \"=\"; or name the file: certificate:, csr: or "
            "public-key:");
        return std::nullopt;
    }
    check_placeholder(*pin, value.place);
    return pin;
}

void PinListReader::check_placeholder(const Pin& pin, const Place& place)
{
    const std::string_view why = pin.placeholder();
    if (why.empty()) {
        return;
    }
    add(FindingId::placeholder_pin, place, pin.base64() + " " + std::string(why) + ": nobody has its key",
        "put the pin of a key of your own there");
}

std::optional<Pin> PinListReader::computed_pin(const MapReader& reader, const YamlNode& value, const SourceKey& source)
{
    const auto name = reader.string(value, source.key);
    if (!name) {
        return std::nullopt;
    }
    const std::string path = relative_to(file_.path, *name);
    PinSource read = read_pin_source(source.kind, path);
    if (!read.pin) {
        add(FindingId::pin_source, value.place, read.error, read.remedy);
        return std::nullopt;
    }
    file_.sources.push_back({path, read.mode, value.place});
    return read.pin;
}

void PinListReader::add_pin(PolicyPin pin)
{
    const auto [known, is_new] = by_pin_.emplace(pin.pin, set_.pins.size());
    if (is_new) {
        set_.pins.push_back(std::move(pin));
        return;
    }
    const PolicyPin& first = set_.pins[known->second];
    Finding finding(FindingId::duplicate_pin, pin.place,
                    "the pin " + pin.pin.base64() + " stands at " + first.place.text() + " already",
                    "remove one of the two, and see that as many backups are left");
    if (pin.computed || first.computed) {
        finding.severity = Severity::warning;
        finding.remedy = "remove one of the two when convenient: the pin is sent and counted once";
    }
    findings_.push_back(std::move(finding));
}

}  // namespace

void read_pin_list(const YamlNode& list, const std::string& subject, PinSet& set, PolicyFile& file, Findings& findings)
{
    PinListReader reader(subject, set, file, findings);
    for (const YamlNode& item : list.items) {
        reader.read_pin(item);
    }
}

}  // namespace hpkp
