// What the stores of one policy file hold together: the roots where paths end, and intermediates that lie beside them.
#pragma once

#include "trust_store.hpp"

#include <string>
#include <vector>

namespace hpkp {

/// Certificates by their subject, compared as RFC 5280 7.1 says (X509_NAME_cmp).
class SubjectIndex {
public:
    void build(const std::vector<Certificate>& certificates);
    /// The indices of those with this subject, ascending.
    std::vector<std::size_t> find(const X509_NAME* subject) const;

private:
    struct Entry {
        const X509_NAME* subject;
        std::size_t index;
    };
    std::vector<Entry> entries_;
};

/// A store under the name that messages use.
struct NamedStore {
    std::string name;
    const TrustStore* store;
};

class Anchors {
public:
    explicit Anchors(const std::vector<NamedStore>& stores);

    struct Anchor {
        Certificate certificate;
        std::vector<std::string> stores;  // the names of those that hold it
    };

    /// Some store cannot be used, so nothing can be proved of a chain that reaches no other.
    bool incomplete() const { return incomplete_; }

    const Anchor& at(std::size_t index) const { return anchors_[index]; }
    std::vector<std::size_t> with_subject(const X509_NAME* subject) const { return by_subject_.find(subject); }
    /// The anchors that are this certificate: two where one store trusts it and another says that it does not.
    std::vector<const Anchor*> all_of(const Certificate& certificate) const;

    const std::vector<Certificate>& intermediates() const { return intermediates_; }
    std::vector<std::size_t> intermediates_with_subject(const X509_NAME* subject) const
    {
        return intermediates_by_subject_.find(subject);
    }

private:
    std::vector<Anchor> anchors_;
    std::vector<Certificate> intermediates_;
    SubjectIndex by_subject_;
    SubjectIndex intermediates_by_subject_;
    bool incomplete_ = false;
};

}  // namespace hpkp
