#include "chain.hpp"

#include "file.hpp"
#include "pem.hpp"

#include <algorithm>

namespace hpkp {

namespace {

Chain make_chain(X509* leaf, const STACK_OF(X509) * rest, CertificatePool& pool)
{
    Chain chain;
    chain.sent.reserve(1 + static_cast<std::size_t>(std::max(sk_X509_num(rest), 0)));
    chain.sent.emplace_back(leaf);
    for (int i = 0; i < sk_X509_num(rest); i++) {
        chain.sent.push_back(pool.get(sk_X509_value(rest, i)));
    }
    return chain;
}

}  // namespace

std::string Chain::text() const
{
    std::string text = "the chain of " + leaf().short_name();
    if (!file.empty()) {
        text += " in " + file;
    }
    return text;
}

std::vector<Chain> chains_of(SSL_CTX* context, CertificatePool& pool)
{
    std::vector<Chain> chains;
    X509* current = SSL_CTX_get0_certificate(context);

    for (int more = SSL_CTX_set_current_cert(context, SSL_CERT_SET_FIRST); more == 1;
         more = SSL_CTX_set_current_cert(context, SSL_CERT_SET_NEXT)) {
        X509* leaf = SSL_CTX_get0_certificate(context);
        STACK_OF(X509)* rest = nullptr;
        SSL_CTX_get0_chain_certs(context, &rest);
        if (leaf != nullptr) {
            chains.push_back(make_chain(leaf, rest, pool));
        }
    }
    if (current != nullptr) {
        SSL_CTX_select_current_cert(context, current);
    }
    return chains;
}

std::vector<Chain> presented_chain(const SSL* connection)
{
    X509* leaf = SSL_get_certificate(connection);
    if (leaf == nullptr) {
        return {};
    }
    STACK_OF(X509)* rest = nullptr;
    // A macro over SSL_ctrl(), which wants an SSL that is not const and changes nothing here.
    SSL_get0_chain_certs(const_cast<SSL*>(connection), &rest);
    CertificatePool pool;
    return {make_chain(leaf, rest, pool)};
}

std::vector<Chain> read_chain_file(const std::string& path, std::string& error)
{
    const FileContent file = read_file(path);
    if (!file.ok()) {
        error = file.error;
        return {};
    }
    Chain chain;
    chain.file = path;
    chain.sent = read_pem_certificates(file.bytes, error);
    if (chain.sent.empty()) {
        return {};
    }
    return {std::move(chain)};
}

}  // namespace hpkp
