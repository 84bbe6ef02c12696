// Who issued what, among the certificates at hand: names and signatures, each asked once.
#pragma once

#include "../chain.hpp"
#include "anchors.hpp"

#include <set>
#include <unordered_map>
#include <utility>

namespace hpkp {

/// Signatures that were verified in this load: the intermediates of ten thousand chains are the same few.
class Signatures {
public:
    /// Whether the issuer's key made the subject's signature (X509_verify).
    bool made_by(const Certificate& subject, const Certificate& issuer);

private:
    struct Key {
        Fingerprint subject;
        Pin::Bytes issuer_key;
        friend bool operator==(const Key& a, const Key& b)
        {
            return a.subject == b.subject && a.issuer_key == b.issuer_key;
        }
    };
    struct Hash {
        std::size_t operator()(const Key& key) const noexcept;
    };
    std::unordered_map<Key, bool, Hash> known_;
};

/// The issuers of a chain's certificates: among those sent, then among those of the stores.
class Issuers {
public:
    /// `anchors` may be null: the certificates sent are all there is. All must outlive the object.
    Issuers(const Chain& chain, const Anchors* anchors, Signatures& signatures, std::size_t max_signature_checks);

    struct Issuer {
        const Certificate* certificate;
        const Anchors::Anchor* anchor;  // null: an intermediate, or a root that is sent and in no store
        /// X509_V_OK, or why OpenSSL does not take it for the issuer although name and signature fit: its keyUsage, or
        /// the key identifiers.
        int doubt;
    };

    /// Those whose name and signature fit; `subject` is the leaf or was an answer before.
    const std::vector<Issuer>& of(const Certificate& subject);

    /// There were more signatures to check than may be.
    bool limited() const { return limited_; }

private:
    void add(std::vector<Issuer>& found, const Certificate& candidate, const Certificate& subject,
             const Anchors::Anchor* anchor);

    const Anchors* anchors_;
    Signatures& signatures_;
    std::size_t checks_left_;
    bool limited_ = false;
    std::set<std::pair<const Certificate*, Pin>> asked_;
    std::vector<Certificate> sent_;  // without the leaf, each once, without those that are anchors
    SubjectIndex sent_by_subject_;
    std::unordered_map<const Certificate*, std::vector<Issuer>> known_;
};

}  // namespace hpkp
