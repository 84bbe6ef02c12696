// Chromium and Chrome before 72. They had a reader of their own, more lenient than the grammar in most, stricter in the
// rest.
#include "rules.hpp"

#include "report_uri.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace hpkp::cli {

namespace {

struct Header {
    std::optional<std::int64_t> max_age;  // capped
    bool include_subdomains = false;
    std::optional<ReportUri> report_uri;
    std::vector<Pin> pins;
    std::string fault;  // why it ignored the header
};

bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

std::string trimmed(const std::string& text)
{
    const auto first = std::find_if_not(text.begin(), text.end(), is_blank);
    const auto last = std::find_if_not(text.rbegin(), std::make_reverse_iterator(first), is_blank).base();
    return {first, last};
}

/// At ";" outside quotes, single ones too; what is empty is left out.
std::vector<std::string> split(const std::string& text)
{
    std::vector<std::string> parts;
    std::string part;
    char quote = '\0';
    for (std::size_t i = 0; i <= text.size(); i++) {
        if (i == text.size() || (quote == '\0' && text[i] == ';')) {
            if (std::string one = trimmed(part); !one.empty()) {
                parts.push_back(std::move(one));
            }
            part.clear();
            continue;
        }
        const char c = text[i];
        part += c;
        if (quote != '\0' && c == '\\' && i + 1 < text.size()) {
            part += text[++i];
        } else if (quote == c) {
            quote = '\0';
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        }
    }
    return parts;
}

/// Takes the quotes off, if there is a pair of one kind.
bool unquote(std::string& text)
{
    if (text.size() < 2 || text.front() != text.back() || (text.front() != '"' && text.front() != '\'')) {
        return false;
    }
    std::string inner;
    for (std::size_t i = 1; i + 1 < text.size(); i++) {
        i += text[i] == '\\' && i + 2 < text.size() ? 1 : 0;
        inner += text[i];
    }
    text = inner;
    return true;
}

/// Any base64 of 32 bytes in the standard alphabet: the bits that are not used may be anything.
std::optional<Pin> decoded(const std::string& text)
{
    std::array<unsigned char, Pin::kBytes + 1> bytes{};
    if (text.size() != Pin::kBase64Length || text.back() != '=' || text[text.size() - 2] == '='
        || std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; })
        || EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                           static_cast<int>(text.size()))
               < 0) {
        return std::nullopt;
    }
    Pin::Bytes pin{};
    std::copy_n(bytes.begin(), pin.size(), pin.begin());
    return Pin(pin);
}

std::optional<std::int64_t> capped_age(const std::string& digits)
{
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        return std::nullopt;
    }
    std::int64_t seconds = 0;
    for (const char c : digits) {
        seconds = std::min(seconds * 10 + (c - '0'), kBrowserCap);
    }
    return seconds;
}

void take(Header& header, const std::string& name, const std::string& value, bool quoted)
{
    if (same_name(name, "max-age")) {
        header.max_age = capped_age(value);  // of two, the last
        header.fault = header.max_age ? "" : "its max-age is not a number of seconds";
    } else if (same_name(name, "pin-sha256")) {
        const auto pin = quoted ? decoded(value) : std::nullopt;
        if (pin) {
            header.pins.push_back(*pin);
        } else {
            header.fault = "a pin-sha256 is not quoted, or no base64 of a SHA-256";
        }
    } else if (same_name(name, "includeSubDomains")) {
        header.include_subdomains = true;  // whatever its value
    } else if (same_name(name, "report-uri")) {
        std::string error;
        header.report_uri = quoted ? parse_report_uri(value, error) : std::nullopt;
        header.fault = header.report_uri ? "" : "its report-uri is not quoted, or no absolute URI";
    }
}

Header read(const std::string& text)
{
    Header header;
    for (const std::string& part : split(text)) {
        const std::size_t equals = part.find_first_of("=\"'");
        const bool has_value = equals != std::string::npos && part[equals] == '=';
        const std::string name = trimmed(part.substr(0, has_value ? equals : std::string::npos));
        std::string value = has_value ? trimmed(part.substr(equals + 1)) : "";
        if (name.empty() || (has_value && value.empty())) {
            header.fault = "a directive has no name, or no value after its \"=\"";
        } else {
            const bool quoted = unquote(value);
            take(header, name, value, quoted);
        }
        if (!header.fault.empty()) {
            break;
        }
    }
    return header;
}

Verdict enforced(const Observation& seen)
{
    const auto values = seen.values(kPinsHeader);
    if (values.empty()) {
        return {};
    }
    if (std::string why = barrier(seen); !why.empty()) {
        return ignored(std::move(why));
    }
    const Header header = read(values.front());
    if (!header.fault.empty()) {
        return ignored(header.fault);
    }
    if (!header.max_age) {
        return ignored("it has no max-age");
    }
    if (header.pins.size() < 2) {
        return ignored("it has fewer than two pins");
    }
    // The pins count for max-age=0 too: without a live one and a backup, such a header forgets nothing.
    Verdict verdict = noted_if_valid(seen, header.pins, *header.max_age);
    if (verdict.action != Action::note) {
        return verdict;
    }
    if (*header.max_age == 0) {
        verdict = {};
        verdict.action = Action::forget;
        verdict.why = "max-age is 0, and the pins are valid";
        return verdict;
    }
    verdict.include_subdomains = header.include_subdomains;
    verdict.why += seen.built_in ? "" : "; it enforces nothing while the root is one that was installed by hand";
    return verdict;
}

std::string reported(const Observation& seen)
{
    const auto values = seen.values(kReportOnlyHeader);
    if (values.empty()) {
        return "";
    }
    const Header header = read(values.front());
    if (!header.fault.empty()) {
        return "ignored: " + header.fault;
    }
    std::string verdict = report_only_verdict(seen, header.pins, header.report_uri.has_value());
    if (verdict.rfind("reports ", 0) == 0 && header.report_uri->scheme == "https"
        && header.report_uri->host == seen.host) {
        return "no report: it sends none over https to the host itself";
    }
    return verdict;
}

}  // namespace

Verdict judge_as_chromium(const Observation& seen)
{
    Verdict verdict = enforced(seen);
    verdict.report_only = reported(seen);
    return verdict;
}

}  // namespace hpkp::cli
