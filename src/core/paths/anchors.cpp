#include "anchors.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace hpkp {

namespace {

/// What OpenSSL takes for an anchor: a self-signed certificate, or one that its store trusts by name (TRUSTED
/// CERTIFICATE). A cross-signed or intermediate certificate in a store is only a step on the way.
bool is_anchor(const Certificate& certificate)
{
    return (X509_get_extension_flags(certificate.get()) & EXFLAG_SS) != 0
           || X509_check_trust(certificate.get(), X509_TRUST_SSL_SERVER, X509_TRUST_NO_SS_COMPAT) == X509_TRUST_TRUSTED;
}

/// OpenSSL's TRUSTED CERTIFICATE says what a store takes a root for: another store may hold the same one and trust it.
bool distrusted(const Certificate& certificate)
{
    return X509_check_trust(certificate.get(), X509_TRUST_SSL_SERVER, 0) == X509_TRUST_REJECTED;
}

}  // namespace

void SubjectIndex::build(const std::vector<Certificate>& certificates)
{
    entries_.clear();
    entries_.reserve(certificates.size());
    for (std::size_t i = 0; i < certificates.size(); i++) {
        entries_.push_back({X509_get_subject_name(certificates[i].get()), i});
    }
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        const int order = X509_NAME_cmp(a.subject, b.subject);
        return order != 0 ? order < 0 : a.index < b.index;
    });
}

std::vector<std::size_t> SubjectIndex::find(const X509_NAME* subject) const
{
    auto entry = std::lower_bound(entries_.begin(), entries_.end(), subject, [](const Entry& e, const X509_NAME* name) {
        return X509_NAME_cmp(e.subject, name) < 0;
    });
    std::vector<std::size_t> found;
    for (; entry != entries_.end() && X509_NAME_cmp(entry->subject, subject) == 0; entry++) {
        found.push_back(entry->index);
    }
    return found;
}

Anchors::Anchors(const std::vector<NamedStore>& stores)
{
    std::map<std::pair<Fingerprint, bool>, std::size_t> known;
    std::set<Fingerprint> known_intermediates;
    std::vector<Certificate> roots;
    for (const NamedStore& named : stores) {
        incomplete_ = incomplete_ || !named.store->ok();
        for (const Certificate& certificate : named.store->certificates) {
            if (!is_anchor(certificate)) {
                if (known_intermediates.insert(certificate.fingerprint()).second) {
                    intermediates_.push_back(certificate);
                }
                continue;
            }
            const auto [at, is_new] =
                known.emplace(std::make_pair(certificate.fingerprint(), distrusted(certificate)), anchors_.size());
            if (is_new) {
                anchors_.push_back({certificate, {}});
                roots.push_back(certificate);
            }
            auto& names = anchors_[at->second].stores;
            if (names.empty() || names.back() != named.name) {
                names.push_back(named.name);
            }
        }
    }
    by_subject_.build(roots);
    intermediates_by_subject_.build(intermediates_);
}

std::vector<const Anchors::Anchor*> Anchors::all_of(const Certificate& certificate) const
{
    std::vector<const Anchor*> found;
    for (const std::size_t index : with_subject(X509_get_subject_name(certificate.get()))) {
        if (anchors_[index].certificate == certificate) {
            found.push_back(&anchors_[index]);
        }
    }
    return found;
}

}  // namespace hpkp
