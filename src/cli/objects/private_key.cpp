#include "private_key.hpp"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <new>

namespace hpkp::cli {

namespace {

// Encryption that costs more is meant to keep us busy. openssl's own keys ask for 2,048 rounds, and for an N * r * p of
// 131,072; the strictest advice is under two million and a million.
constexpr std::uint64_t kMaxRounds = 10'000'000;
constexpr std::uint64_t kMaxScryptWork = 16'777'216;

template <auto Free>
using Owned = OpensslDeleter<Free>;
using SigPtr = std::unique_ptr<X509_SIG, Owned<X509_SIG_free>>;
using Pbes2Ptr = std::unique_ptr<PBE2PARAM, Owned<PBE2PARAM_free>>;
using Pbkdf2Ptr = std::unique_ptr<PBKDF2PARAM, Owned<PBKDF2PARAM_free>>;
using ScryptPtr = std::unique_ptr<SCRYPT_PARAMS, Owned<SCRYPT_PARAMS_free>>;
using PbePtr = std::unique_ptr<PBEPARAM, Owned<PBEPARAM_free>>;

BioPtr bio_of(std::string_view bytes)
{
    BioPtr bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    if (!bio) {
        throw std::bad_alloc();
    }
    return bio;
}

template <typename Pointer>
Pointer unpacked(const X509_ALGOR* algorithm, const ASN1_ITEM* item)
{
    const ASN1_TYPE* value = algorithm->parameter;
    using T = typename Pointer::element_type;
    return Pointer(value == nullptr || value->type != V_ASN1_SEQUENCE
                       ? nullptr
                       : static_cast<T*>(ASN1_item_unpack(value->value.sequence, item)));
}

/// The number, or more than any bound: one that does not fit, or is negative.
std::uint64_t number(const ASN1_INTEGER* value)
{
    std::uint64_t result = 0;
    return value != nullptr && ASN1_INTEGER_get_uint64(&result, value) == 1 ? result
                                                                            : std::numeric_limits<std::uint64_t>::max();
}

bool derivation_bearable(const X509_ALGOR* derivation)
{
    const int kind = OBJ_obj2nid(derivation->algorithm);
    if (kind == NID_id_pbkdf2) {
        const auto parameters = unpacked<Pbkdf2Ptr>(derivation, ASN1_ITEM_rptr(PBKDF2PARAM));
        return !parameters || number(parameters->iter) <= kMaxRounds;
    }
    if (kind == NID_id_scrypt) {
        const auto parameters = unpacked<ScryptPtr>(derivation, ASN1_ITEM_rptr(SCRYPT_PARAMS));
        std::uint64_t left = kMaxScryptWork;
        for (const ASN1_INTEGER* factor :
             {parameters ? parameters->costParameter : nullptr, parameters ? parameters->blockSize : nullptr,
              parameters ? parameters->parallelizationParameter : nullptr}) {
            left /= std::max<std::uint64_t>(parameters ? number(factor) : 1, 1);
        }
        return left > 0;
    }
    return true;
}

/// Whether the key of an EncryptedPrivateKeyInfo (RFC 5958) can be derived in bearable time.
bool bearable(const X509_SIG* encrypted)
{
    const X509_ALGOR* algorithm = nullptr;
    X509_SIG_get0(encrypted, &algorithm, nullptr);
    if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2) {
        const auto parameters = unpacked<Pbes2Ptr>(algorithm, ASN1_ITEM_rptr(PBE2PARAM));
        return !parameters || derivation_bearable(parameters->keyfunc);
    }
    const auto parameters = unpacked<PbePtr>(algorithm, ASN1_ITEM_rptr(PBEPARAM));
    return !parameters || number(parameters->iter) <= kMaxRounds;
}

SigPtr encrypted_of(std::string_view der)
{
    const auto* begin = reinterpret_cast<const unsigned char*>(der.data());
    return SigPtr(d2i_X509_SIG(nullptr, &begin, static_cast<long>(der.size())));
}

/// One call of OpenSSL that may ask for the pass phrase.
struct Question {
    const std::string& file;
    PassPhrase& pass_phrase;
    bool asked = false;
    bool answered = false;
    std::exception_ptr failure = nullptr;  // may not pass through OpenSSL

    static int answer(char* buffer, int size, int, void* data)
    {
        auto& question = *static_cast<Question*>(data);
        question.asked = true;
        try {
            const auto text = question.pass_phrase.get(question.file);
            if (!text || text->size() > static_cast<std::size_t>(size)) {
                return -1;
            }
            question.answered = true;
            std::copy(text->begin(), text->end(), buffer);
            return static_cast<int>(text->size());
        }
        catch (...) {
            question.failure = std::current_exception();
            return -1;
        }
    }
};

PrivateKey outcome(KeyPtr key, const Question& question)
{
    ERR_clear_error();
    if (question.failure) {
        std::rethrow_exception(question.failure);
    }
    if (key) {
        return {std::move(key), ""};
    }
    return {nullptr, !question.asked     ? "cannot be read"
                     : question.answered ? "cannot be decrypted: is the pass phrase right?"
                                         : "is encrypted: give --passin"};
}

}  // namespace

PrivateKey read_private_key(std::string_view pem, std::string_view der, const std::string& file,
                            PassPhrase& pass_phrase)
{
    const SigPtr encrypted = encrypted_of(der);
    ERR_clear_error();
    if (encrypted && !bearable(encrypted.get())) {
        ERR_clear_error();
        return {nullptr, "asks for too many rounds of key derivation: encrypt it anew with openssl pkcs8 -topk8"};
    }
    Question question{file, pass_phrase};
    const BioPtr bio = bio_of(pem.empty() ? der : pem);
    KeyPtr key(!pem.empty() ? PEM_read_bio_PrivateKey(bio.get(), nullptr, Question::answer, &question)
               : encrypted  ? d2i_PKCS8PrivateKey_bio(bio.get(), nullptr, Question::answer, &question)
                            : d2i_PrivateKey_bio(bio.get(), nullptr));
    return outcome(std::move(key), question);
}

}  // namespace hpkp::cli
