#include "issuers.hpp"

#include "openssl_errors.hpp"

#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

namespace hpkp {

std::size_t Signatures::Hash::operator()(const Key& key) const noexcept
{
    // Both are SHA-256 values, so any part of them is as good as any.
    std::size_t subject = 0;
    std::size_t issuer = 0;
    std::memcpy(&subject, key.subject.data(), sizeof(subject));
    std::memcpy(&issuer, key.issuer_key.data(), sizeof(issuer));
    return subject ^ issuer;
}

bool Signatures::made_by(const Certificate& subject, const Certificate& issuer)
{
    EVP_PKEY* key = X509_get0_pubkey(issuer.get());
    if (key == nullptr || !issuer.pin()) {
        ERR_clear_error();
        return false;
    }
    const auto [known, is_new] = known_.try_emplace({subject.fingerprint(), issuer.pin()->bytes()}, false);
    if (is_new) {
        // Not every want of memory is told: a "no" has to be said twice.
        known->second = X509_verify(subject.get(), key) == 1 || X509_verify(subject.get(), key) == 1;
        clear_errors_of_a_no();
    }
    return known->second;
}

Issuers::Issuers(const Chain& chain, const Anchors* anchors, Signatures& signatures, std::size_t max_signature_checks)
    : anchors_(anchors), signatures_(signatures), checks_left_(max_signature_checks)
{
    for (auto certificate = chain.sent.begin() + 1; certificate < chain.sent.end(); certificate++) {
        const bool again = std::find(chain.sent.begin(), certificate, *certificate) != certificate;
        if (!again && (anchors_ == nullptr || anchors_->all_of(*certificate).empty())) {
            sent_.push_back(*certificate);
        }
    }
    sent_by_subject_.build(sent_);
}

const std::vector<Issuers::Issuer>& Issuers::of(const Certificate& subject)
{
    const auto [known, is_new] = known_.try_emplace(&subject);
    std::vector<Issuer>& found = known->second;
    if (!is_new) {
        return found;
    }
    const X509_NAME* name = X509_get_issuer_name(subject.get());
    // Anchors are asked first, so that no number of others can use up the checks, and stand last.
    std::vector<Issuer> anchored;
    if (anchors_ != nullptr) {
        for (const std::size_t index : anchors_->with_subject(name)) {
            add(anchored, anchors_->at(index).certificate, subject, &anchors_->at(index));
        }
    }
    for (const std::size_t index : sent_by_subject_.find(name)) {
        add(found, sent_[index], subject, nullptr);
    }
    if (anchors_ == nullptr) {
        return found;
    }
    for (const std::size_t index : anchors_->intermediates_with_subject(name)) {
        const Certificate& candidate = anchors_->intermediates()[index];
        if (std::find(sent_.begin(), sent_.end(), candidate) == sent_.end()) {
            add(found, candidate, subject, nullptr);
        }
    }
    found.insert(found.end(), anchored.begin(), anchored.end());
    return found;
}

void Issuers::add(std::vector<Issuer>& found, const Certificate& candidate, const Certificate& subject,
                  const Anchors::Anchor* anchor)
{
    if (candidate == subject) {
        return;
    }
    // Names were compared. Of the rest, the signature is what decides for a client that does not look at identifiers.
    const int doubt = X509_check_issued(candidate.get(), subject.get());
    // One key under several certificates is one check; what another chain has asked already counts, so that a chain's
    // limit does not depend on its neighbours.
    const bool asked = candidate.pin() && asked_.count({&subject, *candidate.pin()}) != 0;
    if (!asked && checks_left_ == 0) {
        limited_ = true;
        return;
    }
    if (!asked) {
        checks_left_--;
    }
    if (candidate.pin()) {
        asked_.emplace(&subject, *candidate.pin());
    }
    if (signatures_.made_by(subject, candidate)) {
        found.push_back({&candidate, anchor, doubt});
    }
}

}  // namespace hpkp
