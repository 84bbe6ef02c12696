#include "header_parser.hpp"

#include <algorithm>
#include <limits>

namespace hpkp {

namespace {

using Kind = HeaderFault::Kind;

constexpr std::size_t kMostFaults = 20;
constexpr std::size_t kNameShown = 40;

bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/// RFC 7230 3.2.6.
bool is_token(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

/// What may stand in a quoted string, after a backslash or not: no control character.
bool is_quotable(char c)
{
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f);
}

std::string lower(std::string_view text)
{
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return result;
}

/// Digits to seconds; too large for the type: its largest value.
std::int64_t saturated(const std::string& digits)
{
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
    std::int64_t seconds = 0;
    for (const char c : digits) {
        const int digit = c - '0';
        if (seconds > (kLargest - digit) / 10) {
            return kLargest;
        }
        seconds = seconds * 10 + digit;
    }
    return seconds;
}

struct Value {
    std::string text;
    bool quoted = false;
};

struct Directive {
    std::string name;  // lower case
    std::size_t offset = 0;
    std::optional<Value> value;
};

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    ParsedHeader parse();

private:
    bool at_end() const { return at_ == text_.size(); }
    bool at(char c) const { return !at_end() && text_[at_] == c; }
    std::size_t skip_blanks();
    void skip_directive(bool quoted = false);
    std::string_view token();

    void read_directive();
    bool read_value(Directive& directive);
    bool read_quoted(std::string& text);

    void take(const Directive& directive);
    void take_max_age(const Directive& directive);
    void take_include_subdomains(const Directive& directive);
    void take_report_uri(const Directive& directive);
    void take_pin(const Directive& directive);
    /// Whether a directive that may stand once stands here for the first time.
    bool first(bool& seen, const Directive& directive);
    void fault(Kind kind, std::size_t offset, std::string what);

    std::string_view text_;
    std::size_t at_ = 0;
    bool seen_max_age_ = false;
    bool seen_include_subdomains_ = false;
    bool seen_report_uri_ = false;
    ParsedHeader header_;
};

ParsedHeader Parser::parse()
{
    if (text_.size() > kMaxHeaderValue) {
        fault(Kind::syntax, kMaxHeaderValue, "the value is longer than 64 KiB, and no more of it is read here");
        return std::move(header_);
    }
    skip_blanks();
    for (bool more = !at_end(); more;) {
        read_directive();
        more = at(';');
        at_ += more ? 1 : 0;
        skip_blanks();
        if (more && at_end()) {
            fault(Kind::empty_directive, at_, "nothing follows the last \";\"");
            break;
        }
    }
    return std::move(header_);
}

std::size_t Parser::skip_blanks()
{
    const std::size_t from = at_;
    while (!at_end() && is_blank(text_[at_])) {
        at_++;
    }
    return at_ - from;
}

/// To the next ";" that stands in no quoted string; `quoted`: one is open here.
void Parser::skip_directive(bool quoted)
{
    for (; !at_end() && (quoted || text_[at_] != ';'); at_++) {
        quoted = quoted != (text_[at_] == '"');
    }
}

std::string_view Parser::token()
{
    const std::size_t from = at_;
    while (!at_end() && is_token(text_[at_])) {
        at_++;
    }
    return text_.substr(from, at_ - from);
}

/// Leaves the reader at the ";" behind the directive, or at the end.
void Parser::read_directive()
{
    Directive directive;
    directive.offset = at_;
    directive.name = lower(token());
    if (directive.name.empty()) {
        if (at(';')) {
            fault(Kind::empty_directive, at_, "there is no directive before this \";\"");
        } else {
            fault(Kind::syntax, at_, "no directive can begin like this");
            skip_directive();
        }
        return;
    }
    const std::size_t end_of_name = at_;
    const bool blanks = skip_blanks() != 0;
    if (at('=')) {
        at_++;
        if (skip_blanks() != 0 || blanks) {
            fault(Kind::space, end_of_name,
                  "there are blanks around the \"=\" of " + directive.name.substr(0, kNameShown));
        }
        if (!read_value(directive)) {
            return;
        }
        skip_blanks();
    }
    if (!at_end() && !at(';')) {
        fault(Kind::syntax, at_, "only \";\" can follow " + directive.name.substr(0, kNameShown) + " here");
        skip_directive();
        return;
    }
    take(directive);
}

/// Where there is none, leaves the reader behind the directive.
bool Parser::read_value(Directive& directive)
{
    const std::size_t from = at_;
    const std::string name = directive.name.substr(0, kNameShown);
    Value value;
    if (at('"')) {
        value.quoted = true;
        if (!read_quoted(value.text)) {
            const bool open = at_end();
            fault(Kind::syntax, open ? from : at_,
                  open ? "the quoted string of " + name + " has no end"
                       : "a control character stands in the quoted string of " + name);
            skip_directive(true);
            return false;
        }
    } else {
        value.text = std::string(token());
        if (value.text.empty()) {
            fault(Kind::syntax, from, "no value of " + name + " can begin like this");
            skip_directive();
            return false;
        }
    }
    directive.value = std::move(value);
    return true;
}

/// Leaves the reader behind the closing quote, or at what cannot stand there.
bool Parser::read_quoted(std::string& text)
{
    for (at_++; !at_end(); at_++) {
        if (text_[at_] == '"') {
            at_++;
            return true;
        }
        at_ += text_[at_] == '\\' ? 1 : 0;
        if (at_end() || !is_quotable(text_[at_])) {
            return false;
        }
        text += text_[at_];
    }
    return false;
}

void Parser::take(const Directive& directive)
{
    constexpr std::string_view kPin = "pin-";
    if (directive.name == "max-age") {
        take_max_age(directive);
    } else if (directive.name == "includesubdomains") {
        take_include_subdomains(directive);
    } else if (directive.name == "report-uri") {
        take_report_uri(directive);
    } else if (directive.name.size() > kPin.size() && directive.name.compare(0, kPin.size(), kPin) == 0) {
        take_pin(directive);
    } else {
        header_.unknown.push_back(directive.name);
    }
}

void Parser::take_max_age(const Directive& directive)
{
    if (!first(seen_max_age_, directive)) {
        return;
    }
    const std::string digits = directive.value ? directive.value->text : "";
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) {
        fault(Kind::value, directive.offset, "max-age is not a number of seconds");
        return;
    }
    header_.max_age = saturated(digits);
}

void Parser::take_include_subdomains(const Directive& directive)
{
    if (!first(seen_include_subdomains_, directive)) {
        return;
    }
    if (directive.value) {
        fault(Kind::value, directive.offset, "includeSubDomains has a value, and takes none");
        return;
    }
    header_.include_subdomains = true;
}

void Parser::take_report_uri(const Directive& directive)
{
    if (!first(seen_report_uri_, directive)) {
        return;
    }
    if (!directive.value || !directive.value->quoted) {
        fault(Kind::value, directive.offset, "report-uri has no quoted string");
        return;
    }
    header_.report_uri = directive.value->text;
}

void Parser::take_pin(const Directive& directive)
{
    HeaderPin pin{directive.name.substr(4), directive.value ? directive.value->text : "", {}, directive.offset};
    if (pin.hash == "sha256") {
        if (!directive.value || !directive.value->quoted) {
            fault(Kind::value, directive.offset, "pin-sha256 has no quoted string");
            return;
        }
        pin.pin = Pin::from_base64(pin.text);
    }
    header_.pins.push_back(std::move(pin));
}

bool Parser::first(bool& seen, const Directive& directive)
{
    if (seen) {
        fault(Kind::duplicate, directive.offset, directive.name + " stands there twice");
        return false;
    }
    seen = true;
    return true;
}

void Parser::fault(Kind kind, std::size_t offset, std::string what)
{
    if (header_.faults.size() < kMostFaults) {
        header_.faults.push_back({kind, offset, std::move(what)});
    } else if (kind != Kind::empty_directive && header_.conforms()) {
        // The first fault that counts is always kept, whatever came before it.
        header_.faults.back() = {kind, offset, std::move(what)};
    }
}

}  // namespace

bool ParsedHeader::conforms() const
{
    return worst() == nullptr;
}

const HeaderFault* ParsedHeader::worst() const
{
    const auto found = std::find_if(faults.begin(), faults.end(),
                                    [](const HeaderFault& f) { return f.kind != Kind::empty_directive; });
    return found == faults.end() ? nullptr : &*found;
}

std::vector<Pin> ParsedHeader::sha256() const
{
    std::vector<Pin> result;
    for (const HeaderPin& pin : pins) {
        if (pin.pin) {
            result.push_back(*pin.pin);
        }
    }
    return result;
}

const HeaderPin* ParsedHeader::bad_pin() const
{
    const auto found =
        std::find_if(pins.begin(), pins.end(), [](const HeaderPin& p) { return p.hash == "sha256" && !p.pin; });
    return found == pins.end() ? nullptr : &*found;
}

ParsedHeader parse_pins_header(std::string_view value)
{
    return Parser(value).parse();
}

}  // namespace hpkp
