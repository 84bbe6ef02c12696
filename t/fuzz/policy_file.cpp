// A policy file of any bytes. Each finding names a place in the file and prints; what was read as a policy renders to a
// header that reads back to the same.
#include "../unit/test_pki.hpp"
#include "check.hpp"

#include "finding.hpp"
#include "header.hpp"
#include "header_parser.hpp"
#include "policy_reader.hpp"
#include "utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>

using namespace hpkp;
using namespace hpkp::test;

namespace {

/// A directory with the files that the examples' policies name. On tmpfs if run.sh says so.
struct Files {
    Files()
    {
        const Entity key("www.example.com");
        const Entity issuer("CA");
        dir.write("a.der", der(leaf(key, issuer)));
        dir.write("pki/www.pem", pem(leaf(key, issuer)));
        dir.write("pki/intermediate-a.pem", pem(ca(issuer, issuer)));
        dir.write("pki/www.pub", public_key(key));
        dir.write("pki/backup-1.csr", csr(Entity("backup 1")));
        dir.write("pki/backup-2.csr", csr(Entity("backup 2")));
    }
    TempDir dir;
    std::string policy = dir / "policy.yaml";
};

const Files& files()
{
    static const Files made;
    return made;
}

struct Lines {
    explicit Lines(std::string_view text)
    {
        if (text.substr(0, 3) == "\xef\xbb\xbf") {
            text.remove_prefix(3);
        }
        for (std::size_t begin = 0; begin <= text.size();) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            columns.push_back(utf8_count(text.substr(begin, end - begin)) + 1);
            begin = end + 1;
        }
    }
    /// A place behind the last character is where something is missing.
    bool have(const Place& place) const
    {
        if (place.line == 0) {
            return place.column == 0;
        }
        return place.line <= columns.size() && place.column >= 1 && place.column <= columns[place.line - 1];
    }
    std::vector<std::size_t> columns;
};

void check_finding(const Finding& finding, const Lines& lines)
{
    FUZZ_CHECK(!finding.what.empty() && !finding.remedy.empty());
    FUZZ_CHECK(finding.place && finding.place->file == files().policy);
    FUZZ_CHECK_SHOWN(lines.have(*finding.place), finding.place->text() + ": " + finding.what);
    for (const Line& line : render(finding)) {
        FUZZ_CHECK(line.text.size() <= kMaxLine);
        FUZZ_CHECK_SHOWN(hpkp::fuzz::is_printable(line.text), line.text);
    }
}

void check_header(const std::string& text, const PinSet& pins, std::optional<std::int64_t> max_age, bool subdomains,
                  const std::optional<ReportUri>& uri)
{
    const ParsedHeader header = parse_pins_header(text);
    FUZZ_CHECK_SHOWN(header.faults.empty(), text);
    FUZZ_CHECK_SHOWN(header.max_age == max_age, text);
    FUZZ_CHECK_SHOWN(header.include_subdomains == subdomains, text);
    FUZZ_CHECK_SHOWN(header.report_uri.has_value() == uri.has_value() && (!uri || *header.report_uri == uri->text),
                     text);
    std::vector<Pin> expected;
    for (const PolicyPin& pin : pins.pins) {
        expected.push_back(pin.pin);
    }
    FUZZ_CHECK_SHOWN(header.sha256() == expected, text);
    FUZZ_CHECK_SHOWN(header.pins.size() == expected.size() && header.unknown.empty(), text);
}

/// `good`: the file is without an error.
void check_policy(const Policy& policy, const Lines& lines, bool good)
{
    FUZZ_CHECK(lines.have(policy.place));
    for (const PinSet& set : policy.pin_sets) {
        FUZZ_CHECK(lines.have(set.place));
        for (const PolicyPin& pin : set.pins) {
            FUZZ_CHECK(lines.have(pin.place));
            FUZZ_CHECK(set.find(pin.pin) == &pin);
        }
        if (policy.enforce && set.enforced) {
            for (const std::int64_t age : {std::int64_t{0}, std::int64_t{86400}, std::int64_t{1} << 40}) {
                const std::int64_t seconds = policy.enforce->max_age.at(age);
                FUZZ_CHECK(seconds >= 0 && (!good || seconds <= policy.enforce->max_age.highest()));
                check_header(enforce_header(*policy.enforce, seconds, set), set, seconds,
                             policy.enforce->include_subdomains, policy.enforce->report_uri);
            }
        }
        if (policy.report_only && set.reported) {
            check_header(report_only_header(*policy.report_only, set), set, std::nullopt,
                         policy.report_only->include_subdomains, policy.report_only->report_uri);
        }
    }
}

PolicyFile read(std::string_view text, Findings& findings)
{
    std::ofstream(files().policy, std::ios::binary) << text;
    return read_policy_file(files().policy, kNow, findings);
}

/// A byte order mark and CRLF, as some editors write them, change nothing: not even where a finding is.
void check_other_editor(std::string_view text, const Findings& findings)
{
    std::string other = "\xef\xbb\xbf";
    for (const char c : text) {
        other += c == '\n' ? std::string("\r\n") : std::string(1, c);
    }
    Findings again;
    read(other, again);
    FUZZ_CHECK(again.size() == findings.size());
    for (std::size_t i = 0; i < again.size(); i++) {
        // Where lines end in the middle of "\\U0001", yaml-cpp has read a byte more or less of it, and so perhaps a
        // line.
        if (findings[i].id == FindingId::policy_syntax && again[i].place && findings[i].place) {
            const bool hex = findings[i].what.find("hex number") != std::string::npos;
            again[i].place->line = hex ? findings[i].place->line : again[i].place->line;
            again[i].place->column = findings[i].place->column;
        }
        FUZZ_CHECK_SHOWN(again[i].id == findings[i].id && again[i].place == findings[i].place,
                         findings[i].place->text() + ": " + findings[i].what + "\nbut " + again[i].place->text() + ": "
                             + again[i].what);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Findings findings;
    const PolicyFile file = read(text, findings);

    const Lines lines(text);
    for (const Finding& finding : findings) {
        check_finding(finding, lines);
    }
    const bool good = count(findings, Severity::error) == 0;
    FUZZ_CHECK(file.parsed || !good);
    for (const Policy& policy : file.policies) {
        check_policy(policy, lines, good);
        FUZZ_CHECK(file.find(policy.name) != nullptr);
    }
    for (const StoreRef& store : file.trust) {
        FUZZ_CHECK(lines.have(store.place));
    }
    // It costs as much again, so not every time.
    if (size % 8 == 0 && text.find_first_of("\r\xef") == std::string_view::npos) {
        check_other_editor(text, findings);
    }
    return 0;
}
