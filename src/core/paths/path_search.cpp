#include "path_search.hpp"

#include <openssl/x509.h>

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>

namespace hpkp {

namespace {

using Issuer = Issuers::Issuer;

bool same_subject_and_key(const Certificate& a, const Certificate& b)
{
    return a.pin() == b.pin() && X509_NAME_cmp(X509_get_subject_name(a.get()), X509_get_subject_name(b.get())) == 0;
}

/// The certificates from the leaf to the current one. Taken back step by step.
class Trail {
public:
    explicit Trail(const Certificate& leaf) { steps_.push_back({&leaf, nullptr, X509_V_OK}); }

    void push(const Issuer& issuer) { steps_.push_back(issuer); }
    void pop() { steps_.pop_back(); }

    std::size_t size() const { return steps_.size(); }
    bool contains(const Certificate& candidate) const
    {
        return std::any_of(steps_.begin(), steps_.end(),
                           [&](const Issuer& step) { return same_subject_and_key(*step.certificate, candidate); });
    }
    Path path() const
    {
        Path path;
        path.certificates.reserve(steps_.size());
        for (const Issuer& step : steps_) {
            if (step.doubt != X509_V_OK && path.doubt.empty()) {
                path.doubt = step.certificate->short_name() + ": " + X509_verify_cert_error_string(step.doubt);
                path.in_doubt = step.doubt != X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
            }
            path.certificates.push_back(*step.certificate);
        }
        return path;
    }

private:
    std::vector<Issuer> steps_;
};

class AnchorSearch {
public:
    AnchorSearch(const Chain& chain, const Anchors& anchors, Signatures& signatures)
        : leaf_(chain.leaf()), anchors_(anchors), issuers_(chain, &anchors, signatures, kMaxSignatureChecks)
    {
    }

    SearchResult run()
    {
        for (const Anchors::Anchor* anchor : anchors_.all_of(leaf_)) {
            Path path = Trail(anchor->certificate).path();
            path.stores = anchor->stores;
            result_.paths.push_back(std::move(path));
        }
        measure_distances();
        result_.limits.signatures = issuers_.limited();
        Trail trail(leaf_);
        if (distances_.count(&leaf_) != 0) {
            extend(trail, leaf_);
        }
        // Without a path and without a limit, the ways that were measured only lead round to where they were.
        result_.reaches_anchor = !result_.paths.empty() || result_.limits.any();
        return std::move(result_);
    }

private:
    /// How many certificates the shortest way from each certificate to an anchor has yet. Most searches are over after
    /// this: what cannot reach an anchor is never followed.
    void measure_distances()
    {
        std::unordered_map<const Certificate*, std::vector<const Certificate*>> issued;
        std::vector<const Certificate*> reached = {&leaf_};
        std::deque<const Certificate*> next;
        for (std::size_t i = 0; i < reached.size(); i++) {
            for (const Issuer& issuer : issuers_.of(*reached[i])) {
                if (issuer.anchor != nullptr) {
                    if (distances_.emplace(reached[i], 1).second) {
                        next.push_back(reached[i]);
                    }
                    continue;
                }
                auto& by_it = issued[issuer.certificate];
                if (by_it.empty()) {
                    reached.push_back(issuer.certificate);
                }
                by_it.push_back(reached[i]);
            }
        }
        for (; !next.empty(); next.pop_front()) {
            const std::size_t distance = distances_[next.front()] + 1;
            for (const Certificate* below : issued[next.front()]) {
                if (distances_.emplace(below, distance).second) {
                    next.push_back(below);
                }
            }
        }
    }

    void extend(Trail& trail, const Certificate& current)
    {
        for (const Issuer& issuer : issuers_.of(current)) {
            if (trail.contains(*issuer.certificate)) {
                continue;
            }
            std::size_t yet = 0;
            if (issuer.anchor == nullptr) {
                const auto distance = distances_.find(issuer.certificate);
                if (distance == distances_.end()) {
                    continue;
                }
                yet = distance->second;
            }
            if (trail.size() + 1 + yet > kMaxPathDepth) {
                result_.limits.depth = true;
                continue;
            }
            if (result_.paths.size() == kMaxPaths) {
                result_.limits.paths = true;
                return;
            }
            if (steps_++ == kMaxSearchSteps) {
                result_.limits.steps = true;
            }
            if (result_.limits.steps) {
                return;
            }
            trail.push(issuer);
            if (issuer.anchor != nullptr) {
                result_.paths.push_back(trail.path());
                result_.paths.back().stores = issuer.anchor->stores;
            } else {
                extend(trail, *issuer.certificate);
            }
            trail.pop();
        }
    }

    const Certificate& leaf_;
    const Anchors& anchors_;
    Issuers issuers_;
    std::unordered_map<const Certificate*, std::size_t> distances_;
    std::size_t steps_ = 0;
    SearchResult result_;
};

class LineSearch {
public:
    LineSearch(const Chain& chain, Signatures& signatures)
        : leaf_(chain.leaf()), issuers_(chain, nullptr, signatures, kMaxSignatureChecks)
    {
    }

    SearchResult run()
    {
        Trail trail(leaf_);
        extend(trail, leaf_);
        result_.limits.signatures = issuers_.limited();
        return std::move(result_);
    }

private:
    void extend(Trail& trail, const Certificate& current)
    {
        bool ends = true;
        for (const Issuer& issuer : issuers_.of(current)) {
            // A line has no other proof than what OpenSSL says of it.
            if (issuer.doubt != X509_V_OK || trail.contains(*issuer.certificate)) {
                continue;
            }
            if (trail.size() == kMaxPathDepth) {
                result_.limits.depth = true;
                break;
            }
            if (result_.paths.size() == kMaxPaths) {
                result_.limits.paths = true;
                return;
            }
            ends = false;
            trail.push(issuer);
            extend(trail, *issuer.certificate);
            trail.pop();
        }
        // Every way ends in a line, so the number of lines bounds the search.
        if (ends && result_.paths.size() < kMaxPaths) {
            result_.paths.push_back(trail.path());
        }
    }

    const Certificate& leaf_;
    Issuers issuers_;
    SearchResult result_;
};

}  // namespace

SearchResult paths_to_anchors(const Chain& chain, const Anchors& anchors, Signatures& signatures)
{
    return AnchorSearch(chain, anchors, signatures).run();
}

SearchResult issuer_lines(const Chain& chain, Signatures& signatures)
{
    return LineSearch(chain, signatures).run();
}

}  // namespace hpkp
