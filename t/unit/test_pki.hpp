// Keys, certificates, requests and files for the tests: real ones, made in memory with OpenSSL.
#pragma once

#include "certificate.hpp"
#include "chain.hpp"
#include "openssl_ptr.hpp"
#include "pin.hpp"

#include <openssl/ssl.h>

#include <ctime>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace hpkp::test {

constexpr std::time_t kDay = 86400;
/// The time of every test, unless it says otherwise: 2026-11-18.
constexpr std::time_t kNow = 1795000000;

enum class KeyType { p256, rsa, rsa1024, ed25519 };

/// Somebody with a name and a key: an authority, or the owner of a leaf. Copies share the key.
struct Entity {
    explicit Entity(std::string name, KeyType type = KeyType::p256);
    /// The same key under another name.
    Entity(std::string name, const Entity& key_of) : name(std::move(name)), key(key_of.key) {}

    Pin pin() const;

    std::string name;
    std::shared_ptr<EVP_PKEY> key;
};

struct CertOptions {
    std::vector<std::string> names = {};  // subjectAltName
    bool ca = false;
    std::time_t not_before = kNow - 30 * kDay;
    std::time_t not_after = kNow + 365 * kDay;
    bool common_name = true;  // false: the name goes into the organisation

    // Extensions in the words of OpenSSL's configuration; empty: those that `ca` asks for, or none.
    std::string basic_constraints = {};
    std::string key_usage = {};
    std::string extended_key_usage = {};
    std::string name_constraints = {};
    bool key_identifiers = false;       // its own key's, and its authority's: the issuer, unless `authority` is set
    const Entity* authority = nullptr;  // whose key the authorityKeyIdentifier names
    bool sha1 = false;                  // signed with SHA-1
};

/// The options of an authority's certificate.
CertOptions authority();
CertOptions authority_until(std::time_t not_after);

Certificate certify(const Entity& subject, const Entity& issuer, const CertOptions& options);
/// An authority's certificate, from another or from itself.
Certificate ca(const Entity& subject, const Entity& issuer);
/// A leaf for these host names.
Certificate leaf(const Entity& subject, const Entity& issuer, std::vector<std::string> names = {"www.example.com"});
Certificate leaf_until(const Entity& subject, const Entity& issuer, std::time_t not_after);

/// The same certificate with what a store says of it (OpenSSL's TRUSTED CERTIFICATE): trusted for this purpose
/// (NID_server_auth), or rejected for it.
Certificate with_trust(const Certificate& certificate, int purpose);
Certificate with_rejection(const Certificate& certificate, int purpose);

Chain chain(std::vector<Certificate> sent);

std::string pem(const Certificate& certificate);
std::string der(const Certificate& certificate);
std::string pem(const std::vector<Certificate>& certificates);
/// A request for a certificate, PEM; with `good` false its signature is not that of its key.
std::string csr(const Entity& subject, bool good = true);
std::string csr_der(const Entity& subject);
std::string public_key(const Entity& owner);
std::string public_key_der(const Entity& owner);
std::string private_key(const Entity& owner, const std::string& pass_phrase = "");

using ContextPtr = std::unique_ptr<SSL_CTX, OpensslDeleter<SSL_CTX_free>>;
using ConnectionPtr = std::unique_ptr<SSL, OpensslDeleter<SSL_free>>;

/// A server's context with a certificate for each of these chains, as nginx would have it.
ContextPtr context(const std::vector<std::pair<Chain, Entity>>& chains);

/// The usual cast: www.example.com and example.com by one authority, and a stranger's of the same names by another.
struct Pki {
    Entity root_key{"Root A"}, intermediate_key{"Intermediate A"}, www_key{"www.example.com"};
    Entity other_root_key{"Root B"}, other_intermediate_key{"Intermediate B"}, other_key{"stranger"};
    Entity backup_1{"backup 1"}, backup_2{"backup 2"}, backup_3{"backup 3"};

    Certificate root = ca(root_key, root_key);
    Certificate intermediate = ca(intermediate_key, root_key);
    Certificate www = leaf(www_key, intermediate_key, {"www.example.com", "example.com"});
    Certificate other_root = ca(other_root_key, other_root_key);
    Certificate other_intermediate = ca(other_intermediate_key, other_root_key);
    Certificate other = leaf(other_key, other_intermediate_key, {"www.example.com", "example.com"});

    Chain www_chain = chain({www, intermediate});
    Chain www_chain_with_root = chain({www, intermediate, root});
    Chain other_chain = chain({other, other_intermediate});
};

const Pki& pki();

/// A directory that goes with its object.
class TempDir {
public:
    /// Below the usual place for temporary files.
    TempDir();
    explicit TempDir(const std::string& parent);
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    /// Writes a file, makes its directories, returns its path.
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0644) const;

private:
    std::string path_;
};

}  // namespace hpkp::test
