#include "test_pki.hpp"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <sys/stat.h>

namespace hpkp::test {

namespace {

using NamePtr = std::unique_ptr<X509_NAME, OpensslDeleter<X509_NAME_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslDeleter<X509_EXTENSION_free>>;

void must(bool good, const char* what)
{
    if (!good) {
        throw std::runtime_error(what);
    }
}

NamePtr x509_name(const std::string& text, bool common_name)
{
    NamePtr name(X509_NAME_new());
    must(X509_NAME_add_entry_by_txt(name.get(), common_name ? "CN" : "O", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()),
                                    -1, 0)
             == 1,
         "name");
    return name;
}

void extend(X509* x509, int nid, const std::string& value)
{
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
    must(extension && X509_add_ext(x509, extension.get(), -1) == 1, "extension");
}

using OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, OpensslDeleter<ASN1_OCTET_STRING_free>>;
using AuthorityPtr = std::unique_ptr<AUTHORITY_KEYID, OpensslDeleter<AUTHORITY_KEYID_free>>;

/// RFC 5280 4.2.1.2 (1): the SHA-1 of the public key's bits.
OctetsPtr key_identifier(const Entity& owner)
{
    X509_PUBKEY* raw = nullptr;
    must(X509_PUBKEY_set(&raw, owner.key.get()) == 1, "public key");
    const SpkiPtr spki(raw);
    const unsigned char* bits = nullptr;
    int length = 0;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_length = 0;
    OctetsPtr octets(ASN1_OCTET_STRING_new());
    must(X509_PUBKEY_get0_param(nullptr, &bits, &length, nullptr, raw) == 1
             && EVP_Digest(bits, static_cast<std::size_t>(length), digest, &digest_length, EVP_sha1(), nullptr) == 1
             && ASN1_OCTET_STRING_set(octets.get(), digest, static_cast<int>(digest_length)) == 1,
         "key identifier");
    return octets;
}

void add_key_identifiers(X509* x509, const Entity& subject, const Entity& issuer)
{
    const OctetsPtr own = key_identifier(subject);
    const AuthorityPtr authority(AUTHORITY_KEYID_new());
    authority->keyid = key_identifier(issuer).release();
    must(X509_add1_ext_i2d(x509, NID_subject_key_identifier, own.get(), 0, 0) == 1
             && X509_add1_ext_i2d(x509, NID_authority_key_identifier, authority.get(), 0, 0) == 1,
         "key identifiers");
}

const EVP_MD* digest_of(const Entity& signer)
{
    return EVP_PKEY_is_a(signer.key.get(), "ED25519") == 1 ? nullptr : EVP_sha256();
}

void extend(X509* x509, const CertOptions& options)
{
    const auto add = [&](int nid, const std::string& value, const char* of_authority) {
        if (!value.empty() || options.ca) {
            if (const std::string text = value.empty() ? of_authority : value; !text.empty()) {
                extend(x509, nid, text);
            }
        }
    };
    add(NID_basic_constraints, options.basic_constraints, "critical,CA:TRUE");
    add(NID_key_usage, options.key_usage, "critical,keyCertSign,cRLSign");
    add(NID_ext_key_usage, options.extended_key_usage, "");
    add(NID_name_constraints, options.name_constraints, "");
    std::string names;
    for (const std::string& name : options.names) {
        names += (names.empty() ? "DNS:" : ",DNS:") + name;
    }
    if (!names.empty()) {
        extend(x509, NID_subject_alt_name, names);
    }
}

template <typename Write>
std::string written(Write write)
{
    const BioPtr bio(BIO_new(BIO_s_mem()));
    must(bio && write(bio.get()) == 1, "write");
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &data);
    return std::string(data, static_cast<std::size_t>(length));
}

CsrPtr make_csr(const Entity& subject, const Entity& signer)
{
    CsrPtr request(X509_REQ_new());
    const NamePtr name = x509_name(subject.name, true);
    must(X509_REQ_set_subject_name(request.get(), name.get()) == 1
             && X509_REQ_set_pubkey(request.get(), subject.key.get()) == 1
             && X509_REQ_sign(request.get(), signer.key.get(), digest_of(signer)) > 0,
         "request");
    return request;
}

}  // namespace

Entity::Entity(std::string name, KeyType type) : name(std::move(name))
{
    EVP_PKEY* made = nullptr;
    switch (type) {
    case KeyType::p256:
        made = EVP_EC_gen("P-256");
        break;
    case KeyType::rsa:
        made = EVP_RSA_gen(2048);
        break;
    case KeyType::rsa1024:
        made = EVP_RSA_gen(1024);
        break;
    case KeyType::ed25519:
        made = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
        break;
    }
    must(made != nullptr, "key");
    key.reset(made, EVP_PKEY_free);
}

Pin Entity::pin() const
{
    X509_PUBKEY* raw = nullptr;
    must(X509_PUBKEY_set(&raw, key.get()) == 1, "public key");
    const SpkiPtr spki(raw);
    return Pin::of_spki(spki.get()).value();
}

Certificate certify(const Entity& subject, const Entity& issuer, const CertOptions& options)
{
    static std::atomic<long> serial{1};
    const X509Ptr x509(X509_new());
    X509* const raw = x509.get();
    const NamePtr subject_name = x509_name(subject.name, options.common_name);
    const NamePtr issuer_name = x509_name(issuer.name, true);

    must(X509_set_version(raw, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(raw), serial++) == 1
             && X509_set_subject_name(raw, subject_name.get()) == 1 && X509_set_issuer_name(raw, issuer_name.get()) == 1
             && ASN1_TIME_set(X509_getm_notBefore(raw), options.not_before) != nullptr
             && ASN1_TIME_set(X509_getm_notAfter(raw), options.not_after) != nullptr
             && X509_set_pubkey(raw, subject.key.get()) == 1,
         "certificate");
    extend(raw, options);
    if (options.key_identifiers) {
        add_key_identifiers(raw, subject, options.authority != nullptr ? *options.authority : issuer);
    }
    must(X509_sign(raw, issuer.key.get(), options.sha1 ? EVP_sha1() : digest_of(issuer)) > 0, "signature");
    return Certificate(raw);
}

CertOptions authority()
{
    CertOptions options;
    options.ca = true;
    return options;
}

CertOptions authority_until(std::time_t not_after)
{
    CertOptions options = authority();
    options.not_after = not_after;
    return options;
}

Certificate ca(const Entity& subject, const Entity& issuer)
{
    return certify(subject, issuer, authority());
}

Certificate leaf(const Entity& subject, const Entity& issuer, std::vector<std::string> names)
{
    CertOptions options;
    options.names = std::move(names);
    return certify(subject, issuer, options);
}

Certificate leaf_until(const Entity& subject, const Entity& issuer, std::time_t not_after)
{
    CertOptions options;
    options.names = {"www.example.com", "example.com"};
    options.not_after = not_after;
    return certify(subject, issuer, options);
}

namespace {

Certificate with_word(const Certificate& certificate, int purpose, int (*say)(X509*, const ASN1_OBJECT*))
{
    const X509Ptr copy(X509_dup(certificate.get()));
    must(copy && say(copy.get(), OBJ_nid2obj(purpose)) == 1, "trust");
    return Certificate(copy.get());
}

}  // namespace

Certificate with_trust(const Certificate& certificate, int purpose)
{
    return with_word(certificate, purpose, X509_add1_trust_object);
}

Certificate with_rejection(const Certificate& certificate, int purpose)
{
    return with_word(certificate, purpose, X509_add1_reject_object);
}

Chain chain(std::vector<Certificate> sent)
{
    Chain made;
    made.sent = std::move(sent);
    return made;
}

std::string pem(const Certificate& certificate)
{
    return written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
}

std::string der(const Certificate& certificate)
{
    return written([&](BIO* bio) { return i2d_X509_bio(bio, certificate.get()); });
}

std::string pem(const std::vector<Certificate>& certificates)
{
    std::string text;
    for (const Certificate& certificate : certificates) {
        text += pem(certificate);
    }
    return text;
}

std::string csr(const Entity& subject, bool good)
{
    const CsrPtr request = make_csr(subject, good ? subject : Entity("somebody else"));
    return written([&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); });
}

std::string csr_der(const Entity& subject)
{
    const CsrPtr request = make_csr(subject, subject);
    return written([&](BIO* bio) { return i2d_X509_REQ_bio(bio, request.get()); });
}

std::string public_key(const Entity& owner)
{
    return written([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, owner.key.get()); });
}

std::string public_key_der(const Entity& owner)
{
    return written([&](BIO* bio) { return i2d_PUBKEY_bio(bio, owner.key.get()); });
}

std::string private_key(const Entity& owner, const std::string& pass_phrase)
{
    return written([&](BIO* bio) {
        if (pass_phrase.empty()) {
            return PEM_write_bio_PKCS8PrivateKey(bio, owner.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        }
        return PEM_write_bio_PKCS8PrivateKey(bio, owner.key.get(), EVP_aes_128_cbc(), pass_phrase.data(),
                                             static_cast<int>(pass_phrase.size()), nullptr, nullptr);
    });
}

ContextPtr context(const std::vector<std::pair<Chain, Entity>>& chains)
{
    ContextPtr made(SSL_CTX_new(TLS_server_method()));
    for (const auto& [chain, owner] : chains) {
        must(SSL_CTX_use_certificate(made.get(), chain.leaf().get()) == 1
                 && SSL_CTX_use_PrivateKey(made.get(), owner.key.get()) == 1,
             "context");
        for (std::size_t i = 1; i < chain.sent.size(); i++) {
            must(SSL_CTX_add1_chain_cert(made.get(), chain.sent[i].get()) == 1, "chain");
        }
    }
    return made;
}

const Pki& pki()
{
    static const Pki cast;
    return cast;
}

TempDir::TempDir() : TempDir(std::filesystem::temp_directory_path().string()) {}

TempDir::TempDir(const std::string& parent)
{
    // A directory of its own, since tests run side by side.
    std::string pattern = parent + "/hpkp-unit-XXXXXX";
    must(::mkdtemp(pattern.data()) != nullptr, "mkdtemp");
    path_ = pattern;
}

TempDir::~TempDir()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::write(const std::string& name, const std::string& text, mode_t mode) const
{
    const std::string path = path_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    {
        std::ofstream out(path, std::ios::binary);
        out << text;
        must(out.good(), "temporary file");
    }
    must(::chmod(path.c_str(), mode) == 0, "chmod");
    return path;
}

}  // namespace hpkp::test
