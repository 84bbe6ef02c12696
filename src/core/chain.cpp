#include "chain.hpp"

#include "file.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <new>

namespace hpkp {

namespace {

Chain make_chain(X509* leaf, const STACK_OF(X509) * rest)
{
    Chain chain;
    chain.sent.emplace_back(leaf);
    for (int i = 0; i < sk_X509_num(rest); i++) {
        chain.sent.emplace_back(sk_X509_value(rest, i));
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

std::vector<Chain> chains_of(SSL_CTX* context)
{
    std::vector<Chain> chains;
    X509* current = SSL_CTX_get0_certificate(context);

    for (int more = SSL_CTX_set_current_cert(context, SSL_CERT_SET_FIRST); more == 1;
         more = SSL_CTX_set_current_cert(context, SSL_CERT_SET_NEXT)) {
        X509* leaf = SSL_CTX_get0_certificate(context);
        STACK_OF(X509)* rest = nullptr;
        SSL_CTX_get0_chain_certs(context, &rest);
        if (leaf != nullptr) {
            chains.push_back(make_chain(leaf, rest));
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
    return {make_chain(leaf, rest)};
}

std::vector<Chain> read_chain_file(const std::string& path, std::string& error)
{
    const FileContent file = read_file(path);
    if (!file.ok()) {
        error = file.error;
        return {};
    }
    const BioPtr bio(BIO_new_mem_buf(file.bytes.data(), static_cast<int>(file.bytes.size())));
    if (!bio) {
        throw std::bad_alloc();
    }

    Chain chain;
    chain.file = path;
    for (;;) {
        const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
        if (!certificate) {
            break;
        }
        chain.sent.emplace_back(certificate.get());
    }
    const unsigned long last = ERR_peek_last_error();
    const bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    ERR_clear_error();

    if (!at_end) {
        error = "has a certificate that cannot be read, number " + std::to_string(chain.sent.size() + 1);
        return {};
    }
    if (chain.sent.empty()) {
        error = "holds no PEM certificate";
        return {};
    }
    return {std::move(chain)};
}

}  // namespace hpkp
