#include "connection.hpp"

#include "curl_handle.hpp"

namespace hpkp::cli {

Chain served_chain(const std::string& host, unsigned port, const std::string& sni, int seconds)
{
    const HostPort there{host, port};
    const bool other_name = !sni.empty() && sni != host;
    CurlHandle handle("https://" + HostPort{other_name ? sni : host, port}.text() + "/",
                      other_name ? std::optional(there) : std::nullopt, seconds);
    handle.set(CURLOPT_CONNECT_ONLY, 1L);
    const CURLcode code = handle.perform();
    if (!handle.handshake().chain) {
        handle.fail(code == CURLE_OK ? CURLE_SSL_CONNECT_ERROR : code, there.text());
    }
    return *handle.handshake().chain;
}

}  // namespace hpkp::cli
