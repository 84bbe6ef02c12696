#include "report_uri.hpp"

#include <uriparser/Uri.h>

#include <algorithm>
#include <cctype>

namespace hpkp {

namespace {

std::string lower(const UriTextRangeA& range)
{
    std::string text(range.first, range.afterLast);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

class Uri {
public:
    explicit Uri(const std::string& text)
    {
        const char* error_at = nullptr;
        parsed_ = uriParseSingleUriExA(&uri_, text.data(), text.data() + text.size(), &error_at) == URI_SUCCESS;
    }
    ~Uri()
    {
        if (parsed_) {
            uriFreeUriMembersA(&uri_);
        }
    }
    Uri(const Uri&) = delete;
    Uri& operator=(const Uri&) = delete;

    bool parsed() const { return parsed_; }
    const UriUriA& get() const { return uri_; }

private:
    UriUriA uri_{};
    bool parsed_ = false;
};

}  // namespace

std::optional<ReportUri> parse_report_uri(const std::string& text, std::string& error)
{
    const auto stray =
        std::find_if(text.begin(), text.end(), [](char c) { return c <= ' ' || c >= 0x7f || c == '"' || c == '\\'; });
    if (stray != text.end()) {
        error = "has a character that cannot stand in a header's quoted string";
        return std::nullopt;
    }

    const Uri uri(text);
    if (!uri.parsed()) {
        error = "is no URI";
        return std::nullopt;
    }
    ReportUri result{text, "", "", {}};
    if (uri.get().scheme.first != nullptr) {
        result.scheme = lower(uri.get().scheme);
    }
    if (result.scheme != "http" && result.scheme != "https") {
        error = "is no absolute http or https URI";
        return std::nullopt;
    }
    if (uri.get().hostText.first != nullptr) {
        // "%65xample.com" is example.com (RFC 3986 3.2.2).
        result.host = lower(uri.get().hostText);
        result.host.resize(static_cast<std::size_t>(uriUnescapeInPlaceA(result.host.data()) - result.host.data()));
        std::transform(result.host.begin(), result.host.end(), result.host.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    }
    if (!result.host.empty() && result.host.back() == '.') {
        result.host.pop_back();  // the same host, written as an absolute name
    }
    if (result.host.empty()) {
        error = "names no host";
        return std::nullopt;
    }
    return result;
}

}  // namespace hpkp
