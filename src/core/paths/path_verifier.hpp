// One path, verified alone by OpenSSL.
#pragma once

#include "path.hpp"

#include "../openssl_ptr.hpp"

#include <openssl/x509_vfy.h>

#include <ctime>

namespace hpkp {

class PathVerifier {
public:
    /// `now` in seconds since the epoch. Throws std::bad_alloc, as verify().
    explicit PathVerifier(std::time_t now);

    /// Judges an anchored path whose signatures were verified: sets its state and reason. X509_verify_cert() gets that
    /// path's intermediates, its one anchor, the purpose of a TLS server and the security level of a fresh SSL_CTX, and
    /// must build the very path. An anchor's expiry is no reason: clients hold a root as a key.
    void verify(Path& path);

private:
    struct FreeStack {
        // The certificates belong to the path.
        void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
    };
    using StackPtr = std::unique_ptr<STACK_OF(X509), FreeStack>;
    using ContextPtr = std::unique_ptr<X509_STORE_CTX, OpensslDeleter<X509_STORE_CTX_free>>;

    void verify_once(Path& path);

    ContextPtr context_;
    StackPtr intermediates_;
    StackPtr anchor_;
    std::time_t now_;
    int security_level_;
};

}  // namespace hpkp
