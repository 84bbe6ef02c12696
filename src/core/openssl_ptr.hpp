// Owning pointers to OpenSSL objects. The only place in the core that frees one by hand.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace hpkp {

template <auto Free>
struct OpensslDeleter {
    template <typename T>
    void operator()(T* object) const noexcept
    {
        Free(object);
    }
};

using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslDeleter<X509_free>>;
using CsrPtr = std::unique_ptr<X509_REQ, OpensslDeleter<X509_REQ_free>>;
using SpkiPtr = std::unique_ptr<X509_PUBKEY, OpensslDeleter<X509_PUBKEY_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslDeleter<GENERAL_NAMES_free>>;

struct OpensslFree {
    void operator()(void* memory) const noexcept { OPENSSL_free(memory); }
};
using OpensslBytes = std::unique_ptr<unsigned char, OpensslFree>;
using OpensslString = std::unique_ptr<char, OpensslFree>;

}  // namespace hpkp
