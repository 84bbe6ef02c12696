// What connection.cpp and fetch.cpp share: a libcurl handle that shows the chain it is sent.
#pragma once

#include "chain.hpp"
#include "host_port.hpp"

#include <curl/curl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace hpkp::cli {

/// What a handshake showed; of the last one, if there was a proxy's before it.
struct Handshake {
    std::optional<Chain> chain;
    std::string version;  // "TLSv1.3"
};

/// A transfer that verifies nothing, keeps no session and ends within its time limit. Not to be moved: libcurl holds
/// its address.
class CurlHandle {
public:
    /// For `url`; with `connect` the connection goes there, by no proxy, and the URL's host is still the one asked for.
    /// Throws std::runtime_error.
    CurlHandle(const std::string& url, const std::optional<HostPort>& connect, int seconds);
    CurlHandle(const CurlHandle&) = delete;
    CurlHandle& operator=(const CurlHandle&) = delete;

    CURL* get() const { return handle_.get(); }
    template <typename Value>
    void set(CURLoption option, Value value)
    {
        must(curl_easy_setopt(handle_.get(), option, value));
    }

    CURLcode perform() { return curl_easy_perform(handle_.get()); }
    const Handshake& handshake() const { return handshake_; }

    /// Throws InputError with what went wrong at `where` ("www.example.com:443"), in words.
    [[noreturn]] void fail(CURLcode code, const std::string& where) const;

private:
    struct Cleanup {
        void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    };
    struct FreeList {
        void operator()(curl_slist* list) const { curl_slist_free_all(list); }
    };

    static void must(CURLcode code);
    static CURLcode watch(CURL* handle, void* context, void* self);

    std::unique_ptr<curl_slist, FreeList> connect_to_;
    std::array<char, CURL_ERROR_SIZE> error_{};
    Handshake handshake_;
    int seconds_;
    std::unique_ptr<CURL, Cleanup> handle_;  // goes first
};

}  // namespace hpkp::cli
