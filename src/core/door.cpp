// The C side of the core: nothing here decides anything, and no exception leaves.
#include "hpkp.h"

#include "match.hpp"
#include "session.hpp"

#include <openssl/err.h>

#include <cstring>
#include <new>

namespace {

using hpkp::Emission;

hpkp_str_t view(const std::string& text)
{
    return {text.data(), text.size()};
}

std::string copy(const hpkp_str_t& text)
{
    return text.data == nullptr ? std::string() : std::string(text.data, text.len);
}

/// The emissions once more, in C's terms.
struct HeaderView {
    hpkp_header_t header{};
    std::vector<hpkp_str_t> labels;
};

struct EmissionView {
    hpkp_emission_t emission{};
    std::vector<hpkp_leaf_t> leaves;
};

}  // namespace

struct hpkp_session_s {
    hpkp_status_t status = HPKP_FAILED;
    const char* failure = "";
    hpkp::LoadResult result;
    std::vector<HeaderView> headers;
    std::vector<EmissionView> emissions;
};

namespace {

hpkp::ServerBlock block_of(const hpkp_server_t& server)
{
    hpkp::ServerBlock block;
    block.place = {copy(server.conf_file), server.conf_line, 0};
    for (size_t i = 0; i < server.names_n; i++) {
        block.names.push_back({copy(server.names[i].text), server.names[i].regex != 0});
    }
    for (size_t i = 0; i < server.listens_n; i++) {
        const hpkp_listen_t& listen = server.listens[i];
        block.listens.push_back({listen.address, listen.tls != 0, listen.default_server});
    }
    for (size_t i = 0; i < server.policies_n; i++) {
        const hpkp_policy_ref_t& ref = server.policies[i];
        hpkp::PolicyRef policy{copy(ref.file), std::nullopt, ref.own != 0};
        if (ref.name.data != nullptr) {
            policy.name = copy(ref.name);
        }
        block.policies.push_back(std::move(policy));
    }
    for (size_t i = 0; i < server.served_chains_n; i++) {
        block.served_chains.push_back(copy(server.served_chains[i]));
    }
    if (server.ssl_ctx != nullptr) {
        block.certificates = hpkp::chains_of(server.ssl_ctx);
    }
    block.variable_certificates = server.variable_certificates != 0;
    block.reject_handshake = server.reject_handshake != 0;
    block.secure = server.secure != 0;
    return block;
}

void view_emissions(hpkp_session_t& session)
{
    for (const hpkp::Header& header : session.result.emissions.headers) {
        HeaderView view_of;
        for (const std::string& label : header.labels) {
            view_of.labels.push_back(view(label));
        }
        static_assert(sizeof(hpkp::Pin) == hpkp::Pin::kBytes, "pins are handed out as an array of 32 bytes");
        view_of.header.value = view(header.value);
        view_of.header.pins = reinterpret_cast<const uint8_t(*)[32]>(header.pins.data());
        view_of.header.pins_n = header.pins.size();
        session.headers.push_back(std::move(view_of));
        session.headers.back().header.labels = session.headers.back().labels.data();
    }
    for (const Emission& emission : session.result.emissions.servers) {
        EmissionView view_of;
        for (const hpkp::EmissionLeaf& leaf : emission.leaves) {
            hpkp_leaf_t c_leaf{leaf.x509, {}, view(leaf.pin)};
            std::memcpy(c_leaf.fingerprint, leaf.fingerprint.data(), sizeof(c_leaf.fingerprint));
            view_of.leaves.push_back(c_leaf);
        }
        view_of.emission.has_policy = emission.has_policy ? 1 : 0;
        view_of.emission.policy = view(emission.policy);
        view_of.emission.mode = view(emission.mode);
        view_of.emission.enforce = emission.enforce.value_or(HPKP_NONE);
        view_of.emission.report_only = emission.report_only.value_or(HPKP_NONE);
        view_of.emission.leaves_n = view_of.leaves.size();
        session.emissions.push_back(std::move(view_of));
        session.emissions.back().emission.leaves = session.emissions.back().leaves.data();
    }
}

struct Request {
    const hpkp_server_t* servers;
    size_t servers_n;
    std::time_t now;
    bool strict;
};

/// Whatever is thrown inside becomes HPKP_FAILED and a word about it.
void run(hpkp_session_t& session, const Request& request) noexcept
{
    try {
        std::vector<hpkp::ServerBlock> blocks;
        blocks.reserve(request.servers_n);
        for (size_t i = 0; i < request.servers_n; i++) {
            blocks.push_back(block_of(request.servers[i]));
        }
        session.result = hpkp::judge(std::move(blocks), request.now, request.strict);
        if (session.result.refused) {
            session.status = HPKP_REFUSED;
        } else {
            view_emissions(session);
            session.status = HPKP_ACCEPTED;
        }
    }
    catch (const std::bad_alloc&) {
        session.failure = "out of memory";
    }
    catch (...) {
        session.failure = "an unexpected error inside the module";
    }
    ERR_clear_error();
}

}  // namespace

extern "C" {

hpkp_session_t* hpkp_session_run(const hpkp_server_t* servers, size_t servers_n, int64_t now, int strict)
{
    auto* session = new (std::nothrow) hpkp_session_s;
    if (session == nullptr) {
        return nullptr;
    }
    run(*session, {servers, servers_n, static_cast<std::time_t>(now), strict != 0});
    return session;
}

void hpkp_session_free(hpkp_session_t* session)
{
    delete session;
}

hpkp_status_t hpkp_session_status(const hpkp_session_t* session)
{
    return session->status;
}

const char* hpkp_session_failure(const hpkp_session_t* session)
{
    return session->failure;
}

size_t hpkp_session_lines(const hpkp_session_t* session)
{
    return session->result.lines.size();
}

hpkp_line_t hpkp_session_line(const hpkp_session_t* session, size_t i)
{
    const hpkp::Line& line = session->result.lines[i];
    const hpkp_severity_t severity = line.severity == hpkp::Severity::error     ? HPKP_ERROR
                                     : line.severity == hpkp::Severity::warning ? HPKP_WARNING
                                                                                : HPKP_NOTE;
    return {severity, view(line.text)};
}

size_t hpkp_session_headers(const hpkp_session_t* session)
{
    return session->headers.size();
}

const hpkp_header_t* hpkp_session_header(const hpkp_session_t* session, size_t i)
{
    return &session->headers[i].header;
}

const hpkp_emission_t* hpkp_session_emission(const hpkp_session_t* session, size_t i)
{
    return &session->emissions[i].emission;
}

int hpkp_may_be_noted(const SSL* connection, const uint8_t (*pins)[32], size_t pins_n, size_t* matched)
{
    int answer = 0;
    try {
        std::vector<hpkp::Pin> values;
        for (size_t i = 0; i < pins_n; i++) {
            hpkp::Pin::Bytes bytes{};
            std::memcpy(bytes.data(), pins[i], bytes.size());
            values.emplace_back(bytes);
        }
        for (const hpkp::Chain& chain : hpkp::presented_chain(connection)) {
            answer = hpkp::may_be_noted(chain, values, *matched) ? 1 : 0;
        }
    }
    catch (...) {
        answer = 0;
    }
    ERR_clear_error();
    return answer;
}

}  // extern "C"
