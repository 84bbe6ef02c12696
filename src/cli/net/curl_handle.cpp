#include "curl_handle.hpp"

#include "../input.hpp"
#include "../output.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace hpkp::cli {

namespace {

/// OpenSSL asks this whether it should go on with a server's certificates. It is to go on whatever they are, and this
/// is the one moment at which they are seen whole, TLS 1.2 or 1.3, also where the handshake fails afterwards.
int keep_chain(X509_STORE_CTX* store, void* kept) noexcept
{
    try {
        Handshake& handshake = *static_cast<Handshake*>(kept);
        STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
        handshake.chain.reset();
        for (int i = 0; i < sk_X509_num(sent); i++) {
            Chain& chain = handshake.chain ? *handshake.chain : handshake.chain.emplace();
            chain.sent.emplace_back(sk_X509_value(sent, i));
        }
        const auto* ssl =
            static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
        handshake.version = ssl == nullptr ? "" : SSL_get_version(ssl);
        return 1;
    }
    catch (...) {
        return 0;
    }
}

/// What OpenSSL says of an answer that is no TLS record, by its version.
bool is_plain_text(const std::string& error)
{
    for (const char* words :
         {"wrong version number", "packet length too long", "record layer failure", "http request"}) {
        if (error.find(words) != std::string::npos) {
            return true;
        }
    }
    return false;
}

std::string tls_error(const std::string& error)
{
    if (is_plain_text(error)) {
        return "speaks no TLS: it answers in plain text";
    }
    return "fails the TLS handshake: " + (error.empty() ? "it closes the connection" : error);
}

/// Whether libcurl, which says where it could not connect to, speaks of another place, or of a way there. It has its
/// own spelling of addresses.
bool by_proxy(const std::string& where, const std::string& error)
{
    constexpr const char* kVariables[] = {"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"};
    if (std::none_of(std::begin(kVariables), std::end(kVariables), [](const char* name) {
            const char* value = std::getenv(name);
            return value != nullptr && *value != '\0';
        })) {
        return false;
    }
    const std::size_t colon = where.rfind(':');
    std::string host = where.substr(0, colon);
    if (!host.empty() && host.front() == '[') {
        host = host.substr(1, host.size() - 2);
    }
    const bool there = error.find("connect to " + host + " port " + where.substr(colon + 1) + " ") != std::string::npos;
    return error.find("Failed to connect to ") == 0 && (!there || error.find(" via ") != std::string::npos);
}

}  // namespace

CurlHandle::CurlHandle(const std::string& url, const std::optional<HostPort>& connect, int seconds) : seconds_(seconds)
{
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    must(ready);
    handle_.reset(curl_easy_init());
    if (!handle_) {
        throw std::bad_alloc();
    }
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT, static_cast<long>(seconds));
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(seconds));
#if LIBCURL_VERSION_NUM >= 0x075700
    set(CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer is not waited for
#endif
#if LIBCURL_VERSION_NUM >= 0x075500
    set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    set(CURLOPT_SSL_CTX_FUNCTION, &CurlHandle::watch);
    set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));
    if (connect) {
        connect_to_.reset(curl_slist_append(nullptr, ("::" + connect->text()).c_str()));
        set(CURLOPT_CONNECT_TO, connect_to_.get());
        set(CURLOPT_PROXY, "");
    }
}

void CurlHandle::must(CURLcode code)
{
    if (code != CURLE_OK) {
        throw std::runtime_error(std::string("libcurl: ") + curl_easy_strerror(code));
    }
}

CURLcode CurlHandle::watch(CURL* /*handle*/, void* context, void* self)
{
    SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(context), keep_chain,
                                     &static_cast<CurlHandle*>(self)->handshake_);
    return CURLE_OK;
}

void CurlHandle::fail(CURLcode code, const std::string& where) const
{
    const std::string error = printable(error_.data(), 300);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        throw InputError(where + ": no host of this name is found");
    case CURLE_COULDNT_RESOLVE_PROXY:
        throw InputError(where + ": the proxy's name is not found (https_proxy, all_proxy)");
    case CURLE_COULDNT_CONNECT: {
        long number = 0;
        curl_easy_getinfo(handle_.get(), CURLINFO_OS_ERRNO, &number);
        if (!connect_to_ && by_proxy(where, error)) {
            throw InputError(where + " cannot be reached by the proxy that the environment names (https_proxy, "
                             + "all_proxy): " + error);
        }
        if (number == ECONNREFUSED) {
            throw InputError(where + " refuses the connection: nothing listens there");
        }
        throw InputError(where
                         + " cannot be reached: " + (number != 0 ? std::strerror(static_cast<int>(number)) : error));
    }
    case CURLE_OPERATION_TIMEDOUT:
        throw InputError(where + " gives no answer within " + std::to_string(seconds_)
                         + (seconds_ == 1 ? " second" : " seconds"));
    case CURLE_SSL_CONNECT_ERROR:
        throw InputError(where + " " + tls_error(error));
    default:
        throw InputError(where + ": " + (error.empty() ? curl_easy_strerror(code) : error));
    }
}

}  // namespace hpkp::cli
