#include "fetch.hpp"

#include "curl_handle.hpp"

#include "host_name.hpp"

#include "../input.hpp"
#include "../output.hpp"

#include <algorithm>

namespace hpkp::cli {

namespace {

constexpr std::size_t kMostHeaderBytes = std::size_t{256} << 10;  // libcurl itself takes 300 KiB at most
constexpr std::size_t kLongestUrl = 8000;

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using UrlPtr = std::unique_ptr<CURLU, FreeUrl>;

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0)
{
    char* text = nullptr;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) {
        return "";
    }
    std::string result(text);
    curl_free(text);
    return result;
}

unsigned punycode()
{
#ifdef CURLU_PUNYCODE
    return CURLU_PUNYCODE;
#else
    return 0;
#endif
}

std::string canonical(std::string host)
{
    if (!host.empty() && host.front() == '[') {
        host = host.substr(1, host.find(']') - 1);
    }
    std::transform(host.begin(), host.end(), host.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (!host.empty() && host.back() == '.') {
        host.pop_back();  // the same host, written as an absolute name
    }
    return host;
}

bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

std::string trimmed(std::string text)
{
    text.erase(std::find_if_not(text.rbegin(), text.rend(), is_blank).base(), text.end());
    text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_blank));
    return text;
}

/// The headers as they come, one callback a line.
class HeaderReader {
public:
    /// False: too much of it, go on no further.
    bool read(std::string line);

    std::vector<HeaderField> fields;
    std::string status_line;

private:
    std::size_t bytes_ = 0;
    bool over_ = true;  // no header of a response is expected: what comes is a trailer
};

bool HeaderReader::read(std::string line)
{
    bytes_ += line.size();
    if (bytes_ > kMostHeaderBytes) {
        return false;
    }
    while (!line.empty() && is_line_end(line.back())) {
        line.pop_back();
    }
    const std::size_t colon = line.find(':');
    if (line.compare(0, 5, "HTTP/") == 0 && (over_ || colon == std::string::npos)) {
        fields.clear();  // what came before was a 1xx or a proxy's
        status_line = line;
        over_ = false;
    } else if (line.empty()) {
        over_ = true;
    } else if (over_) {
        return true;
    } else if (is_blank(line.front())) {
        if (!fields.empty()) {
            fields.back().value += " " + trimmed(line);  // a folded line
        }
    } else if (colon != std::string::npos) {
        fields.push_back({trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1))});
    }
    return true;
}

std::size_t on_header(const char* bytes, std::size_t size, std::size_t count, void* reader) noexcept
{
    try {
        return static_cast<HeaderReader*>(reader)->read(std::string(bytes, size * count)) ? size * count : 0;
    }
    catch (...) {
        return 0;
    }
}

/// Nobody reads the body: its first byte ends the transfer.
std::size_t on_body(const char*, std::size_t, std::size_t, void* body_came) noexcept
{
    *static_cast<bool*>(body_came) = true;
    return 0;
}

std::string address_of(CURL* handle, bool connects_itself)
{
    char* address = nullptr;
    long port = 0;
    curl_easy_getinfo(handle, CURLINFO_PRIMARY_IP, &address);
    curl_easy_getinfo(handle, CURLINFO_PRIMARY_PORT, &port);
    if (!connects_itself || address == nullptr || *address == '\0') {
        return "";
    }
    return HostPort{address, static_cast<unsigned>(port)}.text();
}

std::string version_of(CURL* handle)
{
    long version = 0;
    curl_easy_getinfo(handle, CURLINFO_HTTP_VERSION, &version);
    switch (version) {
    case CURL_HTTP_VERSION_1_0:
        return "HTTP/1.0";
    case CURL_HTTP_VERSION_1_1:
        return "HTTP/1.1";
    case CURL_HTTP_VERSION_2_0:
        return "HTTP/2";
    case CURL_HTTP_VERSION_3:
        return "HTTP/3";
    default:
        return "HTTP";
    }
}

/// Where a redirect leads, as seen from the URL that was asked for. libcurl says so only of a transfer that it ends.
std::string redirect_of(const Url& url, const Response& response)
{
    const auto location = std::find_if(response.fields.begin(), response.fields.end(), [](const HeaderField& field) {
        return curl_strequal(field.name.c_str(), "location") != 0;
    });
    const UrlPtr there(curl_url());
    if (response.status / 100 != 3 || location == response.fields.end() || !there
        || curl_url_set(there.get(), CURLUPART_URL, url.text.c_str(), 0) != CURLUE_OK
        || curl_url_set(there.get(), CURLUPART_URL, location->value.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
        return "";
    }
    return part_of(there.get(), CURLUPART_URL);
}

bool by_proxy(CURL* handle)
{
    long code = 0;
    curl_easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &code);
    return code != 0;
}

}  // namespace

Url parse_url(const std::string& text)
{
    const auto refuse = [&](const std::string& why) {
        throw InputError("\"" + printable(text, 200) + "\" " + why + ": write https://HOST/ or HOST");
    };
    if (text.size() > kLongestUrl
        || std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; })) {
        refuse("is no URL");
    }
    const std::string whole = text.find("://") == std::string::npos ? "https://" + text : text;
    const UrlPtr url(curl_url());
    if (!url) {
        throw std::bad_alloc();
    }
    if (curl_url_set(url.get(), CURLUPART_URL, whole.c_str(), 0) != CURLUE_OK) {
        refuse("is no http or https URL");
    }
    const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https") {
        refuse("is no http or https URL");
    }
    for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_FRAGMENT}) {
        curl_url_set(url.get(), part, nullptr, 0);
    }
    const std::string host = canonical(part_of(url.get(), CURLUPART_HOST, punycode()));
    if (host.empty()) {
        refuse("names no host");
    }
    if (!is_ip_address(host)) {
        curl_url_set(url.get(), CURLUPART_HOST, host.c_str(), 0);
    }
    const std::string port = part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
    return {scheme, host, static_cast<unsigned>(std::stoul(port)), part_of(url.get(), CURLUPART_URL)};
}

Response fetch(const Url& url, const std::optional<HostPort>& connect, int seconds)
{
    CurlHandle handle(url.text, connect, seconds);
    HeaderReader reader;
    bool body_came = false;
    handle.set(CURLOPT_HEADERFUNCTION, on_header);
    handle.set(CURLOPT_HEADERDATA, static_cast<void*>(&reader));
    handle.set(CURLOPT_WRITEFUNCTION, on_body);
    handle.set(CURLOPT_WRITEDATA, static_cast<void*>(&body_came));
    handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    handle.set(CURLOPT_USERAGENT, "hpkp/" HPKP_VERSION);

    const std::string where = connect ? connect->text() : HostPort{url.host, url.port}.text();
    const CURLcode code = handle.perform();
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && body_came)) {
        if (code == CURLE_WRITE_ERROR) {
            throw InputError(where + " sends more than 256 KiB of headers");
        }
        if (code == CURLE_OUT_OF_MEMORY) {  // libcurl's word for its limit, 100 KiB
            throw InputError(where + " sends a header line that is too long");
        }
        handle.fail(code, where);
    }

    Response response;
    response.status = static_cast<int>(status);
    response.http_version = version_of(handle.get());
    response.address = address_of(handle.get(), !by_proxy(handle.get()));
    response.fields = std::move(reader.fields);
    response.redirect = redirect_of(url, response);
    if (url.scheme == "https") {
        response.chain = handle.handshake().chain;
        response.tls_version = handle.handshake().version;
        if (!response.chain) {
            handle.fail(CURLE_SSL_CONNECT_ERROR, where);
        }
    }
    return response;
}

}  // namespace hpkp::cli
