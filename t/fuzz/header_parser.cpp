// The bytes of a Public-Key-Pins header, as any server on the net may send it. Whatever is read of them can be written
// again and reads the same; and two good headers joined by ";" are what both say.
#include "check.hpp"

#include "header_parser.hpp"

#include <algorithm>
#include <cstdint>

using namespace hpkp;

namespace {

/// RFC 7230 3.2.6.
std::string quoted(const std::string& text)
{
    std::string result = "\"";
    for (const char c : text) {
        result += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return result + "\"";
}

std::string written(const ParsedHeader& header)
{
    std::string text;
    const auto add = [&](const std::string& directive) {
        text += (text.empty() ? "" : "; ") + directive;
    };
    if (header.max_age) {
        add("max-age=" + std::to_string(*header.max_age));
    }
    for (const HeaderPin& pin : header.pins) {
        add("pin-" + pin.hash + "=" + quoted(pin.text));
    }
    if (header.include_subdomains) {
        add("includeSubDomains");
    }
    if (header.report_uri) {
        add("report-uri=" + quoted(*header.report_uri));
    }
    for (const std::string& name : header.unknown) {
        add(name);
    }
    return text;
}

void check_offsets(const ParsedHeader& header, std::size_t size)
{
    bool conforms = true;
    for (const HeaderFault& fault : header.faults) {
        FUZZ_CHECK(fault.offset <= size);
        FUZZ_CHECK_SHOWN(hpkp::fuzz::is_printable(fault.what), fault.what);
        FUZZ_CHECK(!fault.what.empty());
        conforms = conforms && fault.kind == HeaderFault::Kind::empty_directive;
    }
    FUZZ_CHECK(header.faults.size() <= 20);
    FUZZ_CHECK(header.conforms() == conforms);
    std::size_t last = 0;
    for (const HeaderPin& pin : header.pins) {
        FUZZ_CHECK(pin.offset >= last && pin.offset < size);
        FUZZ_CHECK(!pin.hash.empty());
        FUZZ_CHECK(!pin.pin || (pin.hash == "sha256" && pin.pin->base64() == pin.text));
        last = pin.offset;
    }
}

bool same_pins(const std::vector<HeaderPin>& a, const std::vector<HeaderPin>& b)
{
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto& one, const auto& other) {
               return one.hash == other.hash && one.text == other.text && one.pin == other.pin;
           });
}

void check_same(const ParsedHeader& a, const ParsedHeader& b, const std::string& text)
{
    FUZZ_CHECK_SHOWN(a.max_age == b.max_age, text);
    FUZZ_CHECK_SHOWN(a.include_subdomains == b.include_subdomains, text);
    FUZZ_CHECK_SHOWN(a.report_uri == b.report_uri, text);
    FUZZ_CHECK_SHOWN(same_pins(a.pins, b.pins), text);
    FUZZ_CHECK_SHOWN(a.unknown == b.unknown, text);
}

ParsedHeader read(const std::string& value)
{
    ParsedHeader header = parse_pins_header(value);
    check_offsets(header, value.size());

    const std::string again = written(header);
    if (again.size() <= kMaxHeaderValue) {
        const ParsedHeader reread = parse_pins_header(again);
        FUZZ_CHECK_SHOWN(reread.faults.empty(), again);
        check_same(header, reread, again);
    }
    return header;
}

template <typename T>
std::vector<T> joined(std::vector<T> first, const std::vector<T>& second)
{
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

/// A line feed can stand nowhere in a good header, so it can part two of them here.
void check_joined(const std::string& first, const std::string& second)
{
    const ParsedHeader a = read(first), b = read(second);
    if (!a.conforms() || !b.conforms() || first.size() + second.size() >= kMaxHeaderValue) {
        return;
    }
    ParsedHeader both;
    both.max_age = a.max_age ? a.max_age : b.max_age;
    both.include_subdomains = a.include_subdomains || b.include_subdomains;
    both.report_uri = a.report_uri ? a.report_uri : b.report_uri;
    both.pins = joined(a.pins, b.pins);
    both.unknown = joined(a.unknown, b.unknown);
    const bool twice =
        (a.max_age && b.max_age) || (a.include_subdomains && b.include_subdomains) || (a.report_uri && b.report_uri);

    const ParsedHeader found = parse_pins_header(first + ";" + second);
    check_same(found, both, first + ";" + second);
    FUZZ_CHECK(found.conforms() == !twice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string value(reinterpret_cast<const char*>(data), size);
    read(value);
    if (const std::size_t end = value.find('\n'); end != std::string::npos) {
        check_joined(value.substr(0, end), value.substr(end + 1));
    }
    return 0;
}
