// All the ways from a leaf through its issuers: depth first, a (subject, key) pair at most once on a path.
#pragma once

#include "issuers.hpp"
#include "path.hpp"

namespace hpkp {

struct SearchResult {
    std::vector<Path> paths;
    Limits limits;
    /// A path was found, or a limit was met, so that one may have been missed.
    bool reaches_anchor = false;
};

/// The paths that end at an anchor, not yet verified. RFC 5280 6.1 asks for one; clients may take any.
SearchResult paths_to_anchors(const Chain& chain, const Anchors& anchors, Signatures& signatures);

/// The issuer lines among the certificates sent, as far as they go; at least the leaf itself. A line that is cut off by
/// the depth counts as it is.
SearchResult issuer_lines(const Chain& chain, Signatures& signatures);

}  // namespace hpkp
