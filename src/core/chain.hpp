// Chains as a server sends them: from nginx's SSL_CTX, from a live connection, from a file.
#pragma once

#include "certificate.hpp"
#include "certificate_pool.hpp"

#include <openssl/ssl.h>

#include <string>
#include <vector>

namespace hpkp {

struct Chain {
    std::vector<Certificate> sent;  // the leaf, then the rest in the order sent
    std::string file;               // of hpkp_served_chain; empty for nginx's own certificates

    const Certificate& leaf() const { return sent.front(); }
    /// "the chain of NAME" or "the chain of NAME in FILE", for messages.
    std::string text() const;
};

/// Every chain of a context, one for each certificate that ssl_certificate loaded (RSA and ECDSA are two). The
/// context's current certificate is the same afterwards as before. What stands above the leaves comes from the pool.
std::vector<Chain> chains_of(SSL_CTX* context, CertificatePool& pool);

/// The chain that this connection presented. Empty if OpenSSL does not know it, as on a session resumed where
/// certificates come by variable.
std::vector<Chain> presented_chain(const SSL* connection);

/// The certificates of a PEM file, leaf first. Empty, and `error` says why, if there is none or one cannot be read.
std::vector<Chain> read_chain_file(const std::string& path, std::string& error);

}  // namespace hpkp
