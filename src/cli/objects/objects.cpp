#include "objects.hpp"

#include "private_key.hpp"

#include "output.hpp"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include <algorithm>
#include <new>
#include <string_view>

namespace hpkp::cli {

namespace {

constexpr std::size_t kMaxSubject = 400;
constexpr const char* kNoSubject = "(no subject)";

std::string subject_text(const X509_NAME* name)
{
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (!bio) {
        throw std::bad_alloc();
    }
    // UTF-8 as it is: what may not go to a terminal is taken out by printable().
    X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_ONELINE & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    char* text = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &text);
    return length <= 0 ? kNoSubject : printable(std::string(text, static_cast<std::size_t>(length)), kMaxSubject);
}

std::string curve_text(const EVP_PKEY* key)
{
    std::string name(80, '\0');
    std::size_t length = 0;
    if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &length) != 1) {
        return "with its own parameters, " + std::to_string(EVP_PKEY_get_bits(key)) + " bits";
    }
    name.resize(length);
    const char* nist = EC_curve_nid2nist(OBJ_txt2nid(name.c_str()));
    return nist == nullptr ? name : nist;
}

/// "RSA 2048", "EC P-256", "Ed25519"
std::string key_text(const X509_PUBKEY* spki)
{
    const EVP_PKEY* key = X509_PUBKEY_get0(spki);
    if (key == nullptr) {
        ASN1_OBJECT* algorithm = nullptr;
        X509_PUBKEY_get0_param(&algorithm, nullptr, nullptr, nullptr, spki);
        std::string text(80, '\0');
        const int length = OBJ_obj2txt(text.data(), static_cast<int>(text.size()), algorithm, 0);
        text.resize(length < 0 ? 0 : std::min(static_cast<std::size_t>(length), text.size() - 1));
        return "of a kind that OpenSSL does not know (" + text + ")";
    }
    const char* type = EVP_PKEY_get0_type_name(key);
    const std::string name = type == nullptr ? "" : type;
    if (name == "EC") {
        return "EC " + curve_text(key);
    }
    // Their size is in their name.
    for (const char* whole : {"Ed25519", "Ed448", "X25519", "X448"}) {
        if (OPENSSL_strcasecmp(name.c_str(), whole) == 0) {
            return whole;
        }
    }
    return name + " " + std::to_string(EVP_PKEY_get_bits(key));
}

std::optional<Object> from_spki(Object::Kind kind, const X509_PUBKEY* spki)
{
    const auto pin = Pin::of_spki(spki);
    if (!pin) {
        return std::nullopt;
    }
    return Object{kind, 1, "", "", key_text(spki), std::nullopt, std::nullopt, *pin, ""};
}

std::optional<Object> from_csr(X509_REQ* csr)
{
    auto object = from_spki(Object::Kind::csr, X509_REQ_get_X509_PUBKEY(csr));
    if (object) {
        object->subject = object->name = subject_text(X509_REQ_get_subject_name(csr));
        EVP_PKEY* key = X509_REQ_get0_pubkey(csr);
        if (key == nullptr || X509_REQ_verify(csr, key) != 1) {
            object->problem = "its own signature does not verify: nothing shows that anybody has the private key";
        }
    }
    return object;
}

std::optional<Object> from_key(Object::Kind kind, EVP_PKEY* key)
{
    X509_PUBKEY* raw = nullptr;
    if (X509_PUBKEY_set(&raw, key) != 1) {
        return std::nullopt;
    }
    const SpkiPtr spki(raw);
    return from_spki(kind, spki.get());
}

bool ends_with(std::string_view text, std::string_view end)
{
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

class Reader {
public:
    Reader(const std::string& bytes, const std::string& file, PassPhrase& pass_phrase)
        : bytes_(bytes), file_(file), pass_phrase_(pass_phrase)
    {
    }

    Objects read();

private:
    void read_pem();
    void read_block(const std::string& label, std::string_view der, std::string_view pem);
    void read_der();

    std::optional<Object> certificate(std::string_view der, bool trusted);
    std::optional<Object> csr(std::string_view der);
    std::optional<Object> public_key(std::string_view der);
    std::optional<Object> rsa_public_key(std::string_view der);

    /// The object, or an error: the file has `what`, which `error`.
    void add(std::optional<Object> object, const std::string& what, const std::string& error);

    /// Calls d2i(place of the DER's begin) and remembers where the object ends.
    template <typename Decode>
    auto decode(std::string_view der, Decode d2i)
    {
        const auto* begin = reinterpret_cast<const unsigned char*>(der.data());
        const auto* at = begin;
        auto* object = d2i(&at, static_cast<long>(der.size()));
        rest_ = der.size() - static_cast<std::size_t>(at - begin);
        return object;
    }

    const std::string& bytes_;
    const std::string& file_;
    PassPhrase& pass_phrase_;
    std::size_t rest_ = 0;  // bytes behind the object that was decoded last
    std::size_t number_ = 0;
    Objects result_;
};

std::optional<Object> Reader::certificate(std::string_view der, bool trusted)
{
    const X509Ptr x509(decode(der, [&](const unsigned char** at, long length) {
        return trusted ? d2i_X509_AUX(nullptr, at, length) : d2i_X509(nullptr, at, length);
    }));
    return x509 ? object_of(Certificate(x509.get())) : std::nullopt;
}

std::optional<Object> Reader::csr(std::string_view der)
{
    const CsrPtr request(decode(der, [](auto at, long length) { return d2i_X509_REQ(nullptr, at, length); }));
    return request ? from_csr(request.get()) : std::nullopt;
}

std::optional<Object> Reader::public_key(std::string_view der)
{
    const SpkiPtr spki(decode(der, [](auto at, long length) { return d2i_X509_PUBKEY(nullptr, at, length); }));
    return spki ? from_spki(Object::Kind::public_key, spki.get()) : std::nullopt;
}

std::optional<Object> Reader::rsa_public_key(std::string_view der)
{
    const KeyPtr key(
        decode(der, [](auto at, long length) { return d2i_PublicKey(EVP_PKEY_RSA, nullptr, at, length); }));
    return key ? from_key(Object::Kind::public_key, key.get()) : std::nullopt;
}

void Reader::add(std::optional<Object> object, const std::string& what, const std::string& error)
{
    ERR_clear_error();
    if (object) {
        object->number = number_;
        result_.found.push_back(std::move(*object));
    } else {
        result_.errors.push_back("has " + what + " (object " + std::to_string(number_) + ") that " + error);
    }
}

void Reader::read_block(const std::string& label, std::string_view der, std::string_view pem)
{
    number_++;
    const bool an = !label.empty() && std::string_view("AEIORUX").find(label.front()) != std::string_view::npos;
    const std::string what = (an ? "an \"" : "a \"") + printable(label, 60) + "\"";
    if (ends_with(label, "PRIVATE KEY")) {
        const PrivateKey read = read_private_key(pem, der, file_, pass_phrase_);
        add(read.key ? from_key(Object::Kind::private_key, read.key.get()) : std::nullopt, what,
            read.key ? "has no pin" : read.error);
        return;
    }
    const std::string unreadable = "cannot be read";
    if (label == PEM_STRING_X509 || label == PEM_STRING_X509_OLD) {
        add(certificate(der, false), what, unreadable);
    } else if (label == PEM_STRING_X509_TRUSTED) {
        add(certificate(der, true), what, unreadable);
    } else if (label == PEM_STRING_X509_REQ || label == PEM_STRING_X509_REQ_OLD) {
        add(csr(der), what, unreadable);
    } else if (label == PEM_STRING_PUBLIC) {
        add(public_key(der), what, unreadable);
    } else if (label == PEM_STRING_RSA_PUBLIC) {
        add(rsa_public_key(der), what, unreadable);
    } else {
        number_--;  // nothing that a pin is made from, such as EC PARAMETERS before an EC PRIVATE KEY
    }
}

void Reader::read_pem()
{
    const BioPtr bio(BIO_new_mem_buf(bytes_.data(), static_cast<int>(bytes_.size())));
    if (!bio) {
        throw std::bad_alloc();
    }
    for (std::size_t blocks = 0;; blocks++) {
        char* name = nullptr;
        char* header = nullptr;
        unsigned char* data = nullptr;
        long length = 0;
        const std::size_t begin = bytes_.size() - static_cast<std::size_t>(BIO_pending(bio.get()));
        const int read = PEM_read_bio(bio.get(), &name, &header, &data, &length);
        const OpensslString owned_name(name), owned_header(header);
        const OpensslBytes owned_data(data);
        const std::size_t end = bytes_.size() - static_cast<std::size_t>(BIO_pending(bio.get()));

        const bool at_end = read != 1 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        ERR_clear_error();
        if (at_end) {
            return;
        }
        if (blocks == kMaxObjects) {
            result_.errors.push_back("has more than " + std::to_string(kMaxObjects) + " objects: the rest is left out");
            return;
        }
        if (read != 1) {
            number_++;
            result_.errors.push_back("has a broken block of PEM (object " + std::to_string(number_) + ")");
            continue;
        }
        read_block(name, {reinterpret_cast<const char*>(data), static_cast<std::size_t>(length)},
                   std::string_view(bytes_).substr(begin, end - begin));
        OPENSSL_cleanse(data, static_cast<std::size_t>(length));
    }
}

void Reader::read_der()
{
    auto object = certificate(bytes_, false);
    for (auto read : {&Reader::csr, &Reader::public_key, &Reader::rsa_public_key}) {
        object = object ? std::move(object) : (this->*read)(bytes_);
    }
    std::string error;
    if (object && rest_ != 0) {
        result_.errors.push_back(std::string("goes on behind its ") + object->kind_text());
    }
    if (!object) {
        const PrivateKey read = read_private_key({}, bytes_, file_, pass_phrase_);
        object = read.key ? from_key(Object::Kind::private_key, read.key.get()) : std::nullopt;
        error = read.error;
    }
    ERR_clear_error();
    if (object) {
        result_.found.push_back(std::move(*object));
    } else if (error != "cannot be read" && !error.empty()) {
        result_.errors.push_back(error);
    }
}

Objects Reader::read()
{
    ERR_clear_error();
    if (bytes_.find("-----BEGIN ") != std::string::npos) {
        read_pem();
    } else if (!bytes_.empty() && bytes_.front() == 0x30) {
        read_der();  // a SEQUENCE, as all of them are
    }
    if (result_.found.empty() && result_.errors.empty()) {
        result_.errors.emplace_back(bytes_.empty() ? "is empty" : "holds no certificate, CSR or key, in PEM or DER");
    }
    return std::move(result_);
}

nlohmann::json or_null(const std::string& text)
{
    return text.empty() ? nlohmann::json() : nlohmann::json(text);
}

nlohmann::json or_null(const std::optional<std::int64_t>& time)
{
    return time ? nlohmann::json(*time) : nlohmann::json();
}

}  // namespace

const char* Object::kind_text() const
{
    switch (kind) {
    case Kind::certificate:
        return "certificate";
    case Kind::csr:
        return "CSR";
    case Kind::public_key:
        return "public key";
    case Kind::private_key:
        break;
    }
    return "private key";
}

Objects read_objects(const std::string& bytes, const std::string& file, PassPhrase& pass_phrase)
{
    return Reader(bytes, file, pass_phrase).read();
}

std::optional<Object> object_of(const Certificate& certificate)
{
    X509* x509 = certificate.get();
    auto object = from_spki(Object::Kind::certificate, X509_get_X509_PUBKEY(x509));
    if (object) {
        object->name = printable(certificate.short_name());
        object->subject = subject_text(X509_get_subject_name(x509));
        object->not_before = certificate.not_before();
        object->not_after = certificate.not_after();
    }
    return object;
}

nlohmann::json json_of(const Object& object)
{
    static constexpr const char* kKinds[] = {"certificate", "csr", "public-key", "private-key"};
    return {{"kind", kKinds[static_cast<std::size_t>(object.kind)]},
            {"number", object.number},
            {"subject", or_null(object.subject == kNoSubject ? "" : object.subject)},
            {"key", object.key},
            {"not-before", or_null(object.not_before)},
            {"not-after", or_null(object.not_after)},
            {"pin-sha256", object.pin.base64()},
            {"problem", or_null(object.problem)}};
}

}  // namespace hpkp::cli
