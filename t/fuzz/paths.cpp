// Graphs of certificates: a few authorities, each with a name and a key, that signed each other in every way. The paths
// that the search finds are compared with those of a plain walk over what is known of who signed what.
//
// An input is the leaf (issuer, variant) and then three bytes a certificate: where it lies, who issued it for whom, and
// its variant.
#include "../unit/test_pki.hpp"
#include "check.hpp"

#include "paths/path_search.hpp"
#include "paths/path_verifier.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

using namespace hpkp;
using namespace hpkp::test;

namespace {

constexpr std::size_t kNames = 4;
constexpr std::size_t kKeys = 4;
constexpr std::size_t kAuthorities = kNames * kKeys;
constexpr std::size_t kLeaf = kAuthorities;  // the leaf's owner, who may have signed too
constexpr std::size_t kMostCertificates = 32;

enum Variant : std::uint8_t {
    plain,
    renewed,
    with_identifiers,
    wrong_identifiers,
    expired,
    to_come,
    no_authority,
    may_not_sign,
    kVariants,
};

/// A certificate, and what it was made from.
struct Made {
    Certificate certificate;
    std::size_t subject;
    std::size_t issuer;
    Variant variant;
};

/// Of an authority or a leaf, with the identifiers of `other` if they are to be wrong.
CertOptions options_of(Variant variant, bool leaf, const Entity& other)
{
    CertOptions options = leaf ? CertOptions{} : authority();
    switch (variant) {
    case wrong_identifiers:
        options.authority = &other;
        options.key_identifiers = true;
        break;
    case with_identifiers:
        options.key_identifiers = true;
        break;
    case expired:
        options.not_after = kNow - 1;
        break;
    case to_come:
        options.not_before = kNow + 1;
        break;
    case no_authority:
        options = CertOptions{};
        break;
    case may_not_sign:
        options.key_usage = leaf ? "" : "cRLSign";
        break;
    default:
        break;
    }
    return options;
}

/// Certificates are made when they are first asked for, and kept: to sign is what takes the time.
class Pool {
public:
    Pool()
    {
        for (std::size_t key = 0; key < kKeys; key++) {
            owners_.emplace_back("CA 0");
        }
        for (std::size_t i = kKeys; i < kAuthorities; i++) {
            owners_.emplace_back("CA " + std::to_string(i / kKeys), owners_[i % kKeys]);
        }
        owners_.emplace_back("www.example.com");
    }

    const Made& get(std::size_t subject, std::size_t issuer, std::uint8_t variant)
    {
        const auto kind = static_cast<Variant>(variant % kVariants);
        const auto [at, is_new] = index_.try_emplace({subject, issuer, kind}, nullptr);
        if (is_new) {
            CertOptions options = options_of(kind, subject == kLeaf, owners_[(issuer + 1) % kAuthorities]);
            options.names = {"www.example.com"};
            const Certificate made = certify(owners_[subject], owners_[issuer], options);
            at->second = &made_.emplace(made.fingerprint(), Made{made, subject, issuer, kind}).first->second;
        }
        return *at->second;
    }
    const Made& of(const Certificate& certificate) const { return made_.at(certificate.fingerprint()); }

    static std::size_t name(std::size_t owner) { return owner == kLeaf ? kNames : owner / kKeys; }
    static bool signed_by(const Made& subject, const Made& issuer)
    {
        return &subject != &issuer && subject.issuer == issuer.subject;
    }

private:
    std::vector<Entity> owners_;
    std::map<std::tuple<std::size_t, std::size_t, Variant>, const Made*> index_;
    std::map<Fingerprint, Made> made_;
};

Pool& pool()
{
    static Pool made;
    return made;
}

struct Graph {
    Graph(const std::uint8_t* data, std::size_t size)
    {
        const Made& leaf = pool().get(kLeaf, data[0] % (kAuthorities + 1), data[1] & 0x0f);
        chain.sent.push_back(leaf.certificate);
        if ((data[1] & 0x80) != 0) {
            stores[0].certificates.push_back(leaf.certificate);
        }
        for (std::size_t i = 2; i + 2 < size && i < 2 + 3 * kMostCertificates; i += 3) {
            const Certificate& certificate =
                pool().get(data[i + 1] % kAuthorities, data[i + 1] / kAuthorities, data[i + 2]).certificate;
            if ((data[i] & 1) != 0) {
                chain.sent.push_back(certificate);
            }
            if ((data[i] & 2) != 0) {
                stores[0].certificates.push_back(certificate);
            }
            if ((data[i] & 4) != 0) {
                stores[1].certificates.push_back(certificate);
            }
        }
    }
    Anchors anchors() const { return Anchors({{"one", &stores[0]}, {"two", &stores[1]}}); }

    Chain chain;
    TrustStore stores[2];
};

using Way = std::vector<const Made*>;

/// Every way from the leaf to an anchor on which no (subject, key) pair stands twice.
class Walk {
public:
    Walk(const Graph& graph, const Anchors& anchors) : anchors_(anchors)
    {
        for (const Certificate& certificate : graph.chain.sent) {
            add(certificate);
        }
        for (const TrustStore& store : graph.stores) {
            for (const Certificate& certificate : store.certificates) {
                add(certificate);
            }
        }
        const Made& leaf = pool().of(graph.chain.leaf());
        if (is_anchor(leaf)) {
            ways.insert(Way{&leaf});
        }
        go({&leaf});
    }

    std::set<Way> ways;
    std::size_t longest = 0;
    bool whole = true;  // nothing was left out

private:
    void add(const Certificate& certificate) { all_.insert(&pool().of(certificate)); }
    bool is_anchor(const Made& made) const { return !anchors_.all_of(made.certificate).empty(); }
    static bool on(const Way& way, const Made& next)
    {
        return std::any_of(way.begin(), way.end(), [&](const Made* made) { return made->subject == next.subject; });
    }

    void go(const Way& way)
    {
        constexpr int kMostSteps = 20000;
        for (const Made* next : all_) {
            if (!Pool::signed_by(*way.back(), *next) || on(way, *next)) {
                continue;
            }
            if (++steps_ > kMostSteps) {
                whole = false;
                return;
            }
            Way longer = way;
            longer.push_back(next);
            if (is_anchor(*next)) {
                longest = std::max(longest, longer.size());
                ways.insert(longer);
            } else {
                go(longer);
            }
        }
    }

    const Anchors& anchors_;
    std::set<const Made*> all_;
    int steps_ = 0;
};

Way way_of(const Path& path)
{
    Way way;
    for (const Certificate& certificate : path.certificates) {
        way.push_back(&pool().of(certificate));
    }
    return way;
}

void check_links(const Path& path, const Certificate& leaf)
{
    const Way way = way_of(path);
    FUZZ_CHECK(path.certificates.front() == leaf);
    FUZZ_CHECK(way.size() <= kMaxPathDepth);
    bool doubt = false;
    for (std::size_t i = 0; i + 1 < way.size(); i++) {
        FUZZ_CHECK(Pool::signed_by(*way[i], *way[i + 1]));
        doubt = doubt || X509_check_issued(way[i + 1]->certificate.get(), way[i]->certificate.get()) != X509_V_OK;
        for (std::size_t j = i + 1; j < way.size(); j++) {
            FUZZ_CHECK(way[i]->subject != way[j]->subject);
        }
    }
    FUZZ_CHECK(path.doubt.empty() == !doubt);
}

std::vector<std::string> stores_with(const Graph& graph, const Certificate& certificate)
{
    std::vector<std::string> names;
    for (std::size_t i = 0; i < 2; i++) {
        const auto& all = graph.stores[i].certificates;
        if (std::find(all.begin(), all.end(), certificate) != all.end()) {
            names.emplace_back(i == 0 ? "one" : "two");
        }
    }
    return names;
}

void check_search(const Graph& graph, const SearchResult& found, const Walk& walk)
{
    std::set<Way> ways;
    for (const Path& path : found.paths) {
        check_links(path, graph.chain.leaf());
        FUZZ_CHECK(path.anchored() && path.stores == stores_with(graph, path.certificates.back()));
        FUZZ_CHECK(ways.insert(way_of(path)).second);
    }
    FUZZ_CHECK(found.paths.size() <= kMaxPaths);
    FUZZ_CHECK(found.reaches_anchor == (!found.paths.empty() || found.limits.any()));
    if (walk.whole) {
        FUZZ_CHECK(std::includes(walk.ways.begin(), walk.ways.end(), ways.begin(), ways.end()));
        FUZZ_CHECK(walk.longest <= kMaxPathDepth || found.limits.any());
    }
    if (!found.limits.any()) {
        FUZZ_CHECK(walk.whole && walk.ways == ways);
    }
}

/// What must be a valid path, and what cannot be one, by what the certificates were made as.
void check_verdict(const Path& path)
{
    FUZZ_CHECK((path.state == Path::State::valid) == path.reason.empty());
    const Way way = way_of(path);
    bool all_good = true;
    bool names_differ = true;
    for (std::size_t i = 0; i < way.size(); i++) {
        const bool last = i + 1 == way.size();
        const Variant variant = way[i]->variant;
        all_good = all_good && (variant == plain || variant == renewed || variant == with_identifiers);
        for (std::size_t j = 0; j < i; j++) {
            names_differ = names_differ && Pool::name(way[j]->subject) != Pool::name(way[i]->subject);
        }
        if ((variant == expired && (!last || i == 0)) || variant == to_come) {
            FUZZ_CHECK(path.state != Path::State::valid);
        }
        if (i > 0 && (variant == no_authority || variant == may_not_sign)) {
            FUZZ_CHECK(path.state == Path::State::invalid);
        }
    }
    // Of two authorities with one name OpenSSL may take the wrong one; that has to be a doubt.
    if (all_good && path.doubt.empty()) {
        FUZZ_CHECK_SHOWN(path.state == Path::State::valid || (!names_differ && path.in_doubt), path.reason);
    }
}

void check_lines(const Graph& graph, const SearchResult& lines)
{
    FUZZ_CHECK(!lines.paths.empty() && lines.paths.size() <= kMaxPaths);
    std::set<Way> ways;
    for (const Path& path : lines.paths) {
        check_links(path, graph.chain.leaf());
        FUZZ_CHECK(!path.anchored() && path.doubt.empty());
        FUZZ_CHECK(ways.insert(way_of(path)).second);
        for (const Certificate& certificate : path.certificates) {
            const auto& sent = graph.chain.sent;
            FUZZ_CHECK(std::find(sent.begin(), sent.end(), certificate) != sent.end());
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2) {
        return -1;
    }
    // A load asks each signature once; so does a run of this.
    static Signatures signatures;
    static PathVerifier verifier(kNow);

    const Graph graph(data, size);
    const Anchors anchors = graph.anchors();
    SearchResult found = paths_to_anchors(graph.chain, anchors, signatures);
    FUZZ_CHECK(ERR_peek_error() == 0);
    check_search(graph, found, Walk(graph, anchors));

    constexpr std::size_t kVerified = 4;
    for (std::size_t i = 0; i < found.paths.size() && i < kVerified; i++) {
        verifier.verify(found.paths[i]);
        check_verdict(found.paths[i]);
        FUZZ_CHECK(ERR_peek_error() == 0);
    }
    check_lines(graph, issuer_lines(graph.chain, signatures));
    FUZZ_CHECK(ERR_peek_error() == 0);
    return 0;
}
