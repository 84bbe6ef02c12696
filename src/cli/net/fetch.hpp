// One request, and all of its answer that a client of pins looks at.
#pragma once

#include "chain.hpp"
#include "host_port.hpp"

#include "../clients/observation.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hpkp::cli {

struct Url {
    std::string scheme;  // "http" or "https"
    std::string host;    // lower case, A-labels, no brackets, no final dot
    unsigned port;
    std::string text;  // the whole, without user, password and fragment
};

/// "https://www.example.com/path"; without a scheme it is https. Throws InputError for anything but http and https.
Url parse_url(const std::string& text);

struct Response {
    int status = 0;
    std::string http_version;         // "HTTP/1.1", "HTTP/2"
    std::string address;              // where it came from: "192.0.2.1:443"; empty where a proxy knows that alone
    std::string redirect;             // the whole URL of a redirect's Location, else empty
    std::vector<HeaderField> fields;  // of the final response: not of 1xx, a proxy's or trailers
    std::optional<Chain> chain;       // with TLS
    std::string tls_version;          // "TLSv1.3"
};

/// GETs the URL and ends as soon as the headers are there; follows no redirect, and verifies nothing. With `connect` it
/// connects there and still asks for the URL's host. libcurl's proxies (https_proxy, ...) are used without `connect`,
/// TLS goes through them to the host. Throws InputError, as served_chain() does.
Response fetch(const Url& url, const std::optional<HostPort>& connect, int seconds);

}  // namespace hpkp::cli
