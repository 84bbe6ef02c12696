// make_chains DIR N p256|rsa|rsa-leaf: a root, an intermediate by it, N leaves by that one.
//
// Writes DIR/root.pem and for every leaf DIR/I.pem (leaf and intermediate) and DIR/I.key, I from 0; the leaf is for
// wwwI.example.com. P-256 or RSA-2048 is the key of the two CAs. Leaves have P-256 keys of their own, with rsa-leaf
// RSA-2048 keys, of which there are 64: one takes a tenth of a second to make. Prints the pin of the intermediate and
// two pins that are in no chain, a line each.
#include "openssl_ptr.hpp"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using NamePtr = std::unique_ptr<X509_NAME, hpkp::OpensslDeleter<X509_NAME_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, hpkp::OpensslDeleter<X509_EXTENSION_free>>;

constexpr long kDay = 24L * 60 * 60;
constexpr int kPinBytes = 32;
constexpr std::size_t kRsaLeafKeys = 64;

void must(bool good, const std::string& what)
{
    if (!good) {
        throw std::runtime_error(what);
    }
}

hpkp::KeyPtr make_key(bool rsa)
{
    hpkp::KeyPtr key(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
    must(key != nullptr, "no key");
    return key;
}

struct Authority {
    hpkp::KeyPtr key;
    hpkp::X509Ptr x509;
};

struct Extension {
    int nid;
    std::string value;
};

NamePtr name_of(const std::string& common_name)
{
    NamePtr name(X509_NAME_new());
    must(X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0)
             == 1,
         "no name");
    return name;
}

/// A certificate for `key`, by `issuer`; without one, self-signed.
hpkp::X509Ptr certify(EVP_PKEY* key, const std::string& common_name, long serial, const Authority* issuer,
                      std::vector<Extension> extensions)
{
    hpkp::X509Ptr owned(X509_new());
    X509* const x509 = owned.get();
    X509* const issuer_x509 = issuer == nullptr ? x509 : issuer->x509.get();
    const NamePtr name = name_of(common_name);

    must(X509_set_version(x509, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x509), serial) == 1
             && X509_set_subject_name(x509, name.get()) == 1
             && X509_set_issuer_name(x509, X509_get_subject_name(issuer_x509)) == 1
             && X509_gmtime_adj(X509_getm_notBefore(x509), -kDay) != nullptr
             && X509_gmtime_adj(X509_getm_notAfter(x509), 90 * kDay) != nullptr && X509_set_pubkey(x509, key) == 1,
         "no certificate");
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer_x509, x509, nullptr, nullptr, 0);
    extensions.push_back({NID_subject_key_identifier, "hash"});
    if (issuer != nullptr) {
        extensions.push_back({NID_authority_key_identifier, "keyid"});
    }
    for (const Extension& extension : extensions) {
        const ExtensionPtr made(X509V3_EXT_conf_nid(nullptr, &context, extension.nid, extension.value.c_str()));
        must(made && X509_add_ext(x509, made.get(), -1) == 1, "no extension " + extension.value);
    }
    must(X509_sign(x509, issuer == nullptr ? key : issuer->key.get(), EVP_sha256()) > 0, "no signature");
    return owned;
}

Authority make_authority(bool rsa, const std::string& common_name, long serial, const Authority* issuer)
{
    Authority made;
    made.key = make_key(rsa);
    made.x509 = certify(made.key.get(), common_name, serial, issuer,
                        {{NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0"},
                         {NID_key_usage, "critical,keyCertSign,cRLSign"}});
    return made;
}

template <typename Write>
std::string pem(Write write)
{
    const hpkp::BioPtr bio(BIO_new(BIO_s_mem()));
    must(bio && write(bio.get()) == 1, "no PEM");
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(length)};
}

std::string pem(X509* x509)
{
    return pem([x509](BIO* bio) { return PEM_write_bio_X509(bio, x509); });
}

std::string pem(EVP_PKEY* key)
{
    return pem([key](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

void write_file(const std::string& path, const std::string& content)
{
    std::ofstream file(path, std::ios::binary);
    file << content;
    file.close();
    must(file.good(), "cannot write " + path);
}

std::string base64(const unsigned char (&bytes)[kPinBytes])
{
    unsigned char text[4 * ((kPinBytes + 2) / 3) + 1];
    return {reinterpret_cast<char*>(text), static_cast<std::size_t>(EVP_EncodeBlock(text, bytes, kPinBytes))};
}

std::string pin_of(X509* x509)
{
    unsigned char* der = nullptr;
    const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    const hpkp::OpensslBytes owned(der);
    unsigned char digest[kPinBytes];
    must(length > 0 && EVP_Digest(der, static_cast<std::size_t>(length), digest, nullptr, EVP_sha256(), nullptr) == 1,
         "no pin");
    return base64(digest);
}

std::string random_pin()
{
    unsigned char bytes[kPinBytes];
    must(RAND_bytes(bytes, kPinBytes) == 1, "no random bytes");
    return base64(bytes);
}

void make_chains(const std::string& dir, long count, bool rsa, bool rsa_leaves)
{
    std::vector<hpkp::KeyPtr> rsa_keys;
    const Authority root = make_authority(rsa, "Bench Root", 1, nullptr);
    const Authority intermediate = make_authority(rsa, "Bench Intermediate", 2, &root);
    const std::string intermediate_pem = pem(intermediate.x509.get());
    write_file(dir + "/root.pem", pem(root.x509.get()));

    for (long i = 0; i < count; i++) {
        const std::string number = std::to_string(i);
        const std::string host = "www" + number + ".example.com";
        if (rsa_leaves && rsa_keys.size() < kRsaLeafKeys) {
            rsa_keys.push_back(make_key(true));
        }
        const hpkp::KeyPtr own = rsa_leaves ? nullptr : make_key(false);
        EVP_PKEY* const key = rsa_leaves ? rsa_keys[static_cast<std::size_t>(i) % kRsaLeafKeys].get() : own.get();
        const hpkp::X509Ptr leaf = certify(key, host, i + 1, &intermediate,
                                           {{NID_basic_constraints, "critical,CA:FALSE"},
                                            {NID_key_usage, "critical,digitalSignature"},
                                            {NID_ext_key_usage, "serverAuth"},
                                            {NID_subject_alt_name, "DNS:" + host}});
        write_file(dir + "/" + number + ".pem", pem(leaf.get()) + intermediate_pem);
        write_file(dir + "/" + number + ".key", pem(key));
    }
    std::cout << pin_of(intermediate.x509.get()) << "\n" << random_pin() << "\n" << random_pin() << "\n";
}

}  // namespace

int main(int argc, char** argv)
{
    const std::string_view kind = argc == 4 ? argv[3] : "";
    if (kind != "p256" && kind != "rsa" && kind != "rsa-leaf") {
        std::cerr << "usage: make_chains DIR N p256|rsa|rsa-leaf\n";
        return 2;
    }
    try {
        make_chains(argv[1], std::strtol(argv[2], nullptr, 10), kind != "p256", kind == "rsa-leaf");
    }
    catch (const std::exception& error) {
        std::cerr << "make_chains: " << error.what() << "\n";
        return 1;
    }
    return 0;
}
