#include "analysis.hpp"

#include "advice.hpp"
#include "host_name.hpp"

#include "../input.hpp"

#include <algorithm>

namespace hpkp::cli {

namespace {

void add_once(std::vector<std::string>& names, const std::string& name)
{
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
    }
}

/// Fills in what the connection showed.
void observe_chain(Analysis& analysis, const TrustStores& stores, std::time_t now)
{
    Observation& seen = analysis.seen;
    analysis.site = site_of(analysis.url.host, *analysis.response.chain, analysis.headers, stores, now);
    for (const auto& [name, file] : stores) {
        if (const TrustStore& store = analysis.site.finder->store(file); !store.ok()) {
            throw InputError("--trust " + name + ": " + file + " " + store.error);
        }
    }
    seen.chain = analysis.site.pairs.front().chain;
    seen.paths = analysis.site.pairs.front().paths;
    seen.name_covered = seen.chain->leaf().covers(seen.host);
    analysis.findings = check_headers(seen, analysis.headers, analysis.site);
    // Last, since path-limit looks at all that was searched for.
    seen.built_in = analysis.site.finder->find(*seen.chain, nullptr).basis == TrustPaths::Basis::trusted;
}

}  // namespace

bool Analysis::harmful() const
{
    const bool locks_out =
        std::any_of(verdicts.begin(), verdicts.end(), [](const Verdict& v) { return v.action == Action::locked_out; });
    return locks_out || verdicts.front().action == Action::ignore || count(findings, Severity::error) != 0;
}

Analysis analyse(const Url& url, Response response, const TrustStores& stores, std::time_t now)
{
    Analysis analysis;
    analysis.url = url;
    analysis.response = std::move(response);
    Observation& seen = analysis.seen;
    seen.tls = analysis.response.chain.has_value();
    seen.host = url.host;
    seen.address = is_ip_address(url.host);
    seen.fields = analysis.response.fields;
    analysis.headers = read_headers(seen);
    if (seen.tls) {
        observe_chain(analysis, stores, now);
    } else {
        analysis.findings = check_header_values(analysis.headers);
    }
    for (const Client& client : all_clients()) {
        analysis.verdicts.push_back(client.judge(seen));
    }
    analysis.advice = advice_on(seen, analysis.headers);
    return analysis;
}

PinPlace place_of(const Pin& pin, const Observation& seen)
{
    PinPlace place;
    if (seen.chain == nullptr) {
        return place;
    }
    for (const Path& path : seen.paths->paths) {
        for (const Certificate& certificate : path.certificates) {
            if (certificate.pin() == pin) {
                add_once(place.on_paths, certificate.short_name());
            }
        }
    }
    for (const Certificate& certificate : seen.chain->sent) {
        if (certificate.pin() == pin && !seen.paths->contains(certificate)) {
            add_once(place.off_paths, certificate.short_name());
        }
    }
    return place;
}

}  // namespace hpkp::cli
