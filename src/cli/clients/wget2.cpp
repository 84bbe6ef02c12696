// GNU Wget2, which takes nearly anything: its reader of parameters is used for every header, and it asks neither for a
// live pin nor for a backup. It compares pins with the certificates that the server sends.
#include "rules.hpp"

#include "match.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace hpkp::cli {

namespace {

struct Header {
    std::int64_t max_age = 0;
    bool include_subdomains = false;
    bool any_pin = false;
    std::vector<Pin> pins;  // those that it can ever match
};

struct Parameter {
    std::string name;
    std::optional<std::string> value;
};

bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool is_token(char c)
{
    return c > ' ' && c <= '~' && std::string("()<>@,;:\\\"/[]?={}").find(c) == std::string::npos;
}

class Reader {
public:
    explicit Reader(const std::string& text) : text_(text) {}

    bool at_end() const { return at_ >= text_.size(); }
    Parameter next();

private:
    char here() const { return at_end() ? '\0' : text_[at_]; }
    void skip_blanks()
    {
        while (is_blank(here())) {
            at_++;
        }
    }
    std::string token()
    {
        const std::size_t from = at_;
        while (is_token(here())) {
            at_++;
        }
        return text_.substr(from, at_ - from);
    }
    std::string quoted();

    const std::string& text_;
    std::size_t at_ = 0;
};

/// Behind the opening quote: to the closing one or to the end; backslashes stay in it.
std::string Reader::quoted()
{
    const std::size_t from = ++at_;
    while (!at_end() && here() != '"') {
        at_ += here() == '\\' && at_ + 1 < text_.size() ? 2 : 1;
    }
    std::string text = text_.substr(from, at_ - from);
    at_ += at_end() ? 0 : 1;
    return text;
}

/// One byte at least is read, any byte separates.
Parameter Reader::next()
{
    Parameter parameter;
    skip_blanks();
    if (here() == ';') {
        at_++;
        skip_blanks();
    }
    if (at_end()) {
        return parameter;
    }
    parameter.name = token();
    skip_blanks();
    if (!at_end() && text_[at_++] == '=') {
        skip_blanks();
        parameter.value = here() == '"' ? quoted() : token();
    }
    return parameter;
}

/// As atoll() reads it, and 0 for what cannot be added to a time.
std::int64_t age_of(const std::string& text)
{
    const long long seconds = std::strtoll(text.c_str(), nullptr, 10);
    return seconds <= 0 || seconds >= std::numeric_limits<long long>::max() / 2 ? 0 : seconds;
}

/// Blanks before it do no harm, nor does padding that is missing.
std::optional<Pin> decoded(std::string text)
{
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    if (text.size() == Pin::kBase64Length - 1) {
        text += '=';
    }
    return Pin::from_base64(text);
}

Header read(const std::string& text)
{
    Header header;
    for (Reader reader(text); !reader.at_end();) {
        const Parameter parameter = reader.next();
        if (!parameter.value) {
            header.include_subdomains = header.include_subdomains || same_name(parameter.name, "includeSubDomains");
        } else if (same_name(parameter.name, "max-age")) {
            header.max_age = age_of(*parameter.value);
        } else if (same_name(parameter.name.substr(0, 4), "pin-")) {
            header.any_pin = header.any_pin || !parameter.value->empty();
            // The name of the hash is compared letter by letter.
            if (const auto pin = decoded(*parameter.value); pin && parameter.name.substr(4) == "sha256") {
                header.pins.push_back(*pin);
            }
        }
    }
    return header;
}

/// It compares a header's name with as many letters of "Public-Key-Pins" as that has: "Public" is one too.
const HeaderField* first_field(const Observation& seen)
{
    const auto found = std::find_if(seen.fields.begin(), seen.fields.end(), [](const HeaderField& field) {
        const std::string whole = kPinsHeader;
        return !field.name.empty() && field.name.size() <= whole.size()
               && same_name(field.name, whole.substr(0, field.name.size()));
    });
    return found == seen.fields.end() ? nullptr : &*found;
}

Verdict forgotten(std::string why)
{
    Verdict verdict;
    verdict.action = Action::forget;
    verdict.why = std::move(why);
    return verdict;
}

Verdict enforced(const Observation& seen)
{
    const HeaderField* field = first_field(seen);
    if (field == nullptr) {
        return {};
    }
    if (std::string why = barrier(seen); !why.empty()) {
        return ignored(std::move(why));
    }
    const Header header = read(field->value);
    const std::string as =
        same_name(field->name, kPinsHeader) ? "" : "it takes the header \"" + field->name + "\" for Public-Key-Pins; ";
    if (header.max_age == 0) {
        return forgotten(as + "it reads no max-age over 0");
    }
    if (!header.any_pin) {
        return forgotten(as + "it reads no pin");
    }
    Verdict verdict;
    verdict.max_age = header.max_age;
    verdict.include_subdomains = header.include_subdomains;
    PinSet pins;
    for (const Pin& pin : header.pins) {
        pins.pins.push_back({pin, "", false, false, {}});
    }
    if (matches_sent(*seen.chain, pins)) {
        verdict.action = Action::note;
        verdict.why = as + "a pin is among the certificates sent; it asks for no backup and has no cap";
    } else {
        verdict.action = Action::locked_out;
        verdict.why = as + "it notes pins without a look at the chain, and none is among the certificates sent";
    }
    return verdict;
}

}  // namespace

Verdict judge_as_wget2(const Observation& seen)
{
    Verdict verdict = enforced(seen);
    if (!seen.values(kReportOnlyHeader).empty()) {
        verdict.report_only = "ignored: it does not read this header";
    }
    return verdict;
}

}  // namespace hpkp::cli
