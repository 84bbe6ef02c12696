#include "trust_paths.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <map>
#include <utility>

namespace hpkp {

namespace {

class Search {
public:
    explicit Search(const Chain& chain) : sent_(chain.sent) {}

    TrustPaths run()
    {
        Path path;
        path.certificates.push_back(sent_.front());
        extend(path, 0);
        ERR_clear_error();
        return std::move(found_);
    }

private:
    void extend(Path& path, std::size_t current)
    {
        bool ends = true;
        for (std::size_t candidate = 1; candidate < sent_.size(); candidate++) {
            if (repeats(candidate) || on_path(path, sent_[candidate]) || !issued(candidate, current)) {
                continue;
            }
            if (path.certificates.size() >= kMaxPathDepth || found_.paths.size() >= kMaxPaths) {
                found_.limited = true;
                break;
            }
            ends = false;
            path.certificates.push_back(sent_[candidate]);
            extend(path, candidate);
            path.certificates.pop_back();
        }
        // A path cut off by the depth is judged as far as it goes, and counts: the ways to that depth may be many.
        if (ends && found_.paths.size() < kMaxPaths) {
            found_.paths.push_back(path);
        }
    }

    /// The same certificate sent twice is one candidate.
    bool repeats(std::size_t candidate) const
    {
        return std::find(sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(candidate), sent_[candidate])
               != sent_.begin() + static_cast<std::ptrdiff_t>(candidate);
    }

    static bool on_path(const Path& path, const Certificate& candidate)
    {
        return std::any_of(path.certificates.begin(), path.certificates.end(), [&](const Certificate& c) {
            return c.pin() == candidate.pin()
                   && X509_NAME_cmp(X509_get_subject_name(c.get()), X509_get_subject_name(candidate.get())) == 0;
        });
    }

    bool issued(std::size_t issuer, std::size_t subject)
    {
        const auto key = std::make_pair(issuer, subject);
        if (const auto known = signatures_.find(key); known != signatures_.end()) {
            return known->second;
        }
        if (signatures_.size() >= kMaxSignatureChecks) {
            found_.limited = true;
            return false;
        }
        X509* issuer_x509 = sent_[issuer].get();
        X509* subject_x509 = sent_[subject].get();
        bool good = false;
        if (X509_check_issued(issuer_x509, subject_x509) == X509_V_OK) {
            EVP_PKEY* key_of_issuer = X509_get0_pubkey(issuer_x509);
            good = key_of_issuer != nullptr && X509_verify(subject_x509, key_of_issuer) == 1;
            signatures_.emplace(key, good);
        }
        return good;
    }

    const std::vector<Certificate>& sent_;
    std::map<std::pair<std::size_t, std::size_t>, bool> signatures_;
    TrustPaths found_;
};

}  // namespace

bool Path::contains(const Pin& pin) const
{
    return std::any_of(certificates.begin(), certificates.end(), [&](const Certificate& c) { return c.pin() == pin; });
}

bool TrustPaths::contains(const Pin& pin) const
{
    return std::any_of(paths.begin(), paths.end(), [&](const Path& path) { return path.contains(pin); });
}

TrustPaths find_trust_paths(const Chain& chain)
{
    return Search(chain).run();
}

}  // namespace hpkp
