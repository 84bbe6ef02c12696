// The C side of the core: nothing here decides anything, and no exception leaves. The ledger after a load is in
// door_ledger.cpp.
#include "hpkp.h"

#include "child_process.hpp"
#include "match.hpp"
#include "session.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <new>

/// Lives in the shared memory that it owns, as all that it points to.
struct hpkp_session_s {
    hpkp_session_s(hpkp::SharedMemory&& owned) noexcept : memory(std::move(owned)) {}

    hpkp::SharedMemory memory;
    hpkp_status_t status = HPKP_FAILED;
    char failure[256] = "";
    char load[HPKP_LOAD_ID] = "";
    hpkp_line_t* lines = nullptr;
    size_t lines_n = 0;
    hpkp_str_t* proofs = nullptr;
    size_t proofs_n = 0;
    hpkp_header_t* headers = nullptr;
    size_t headers_n = 0;
    hpkp_emission_t* emissions = nullptr;
};

namespace {

/// Far more than a load needs: what is not written is not used.
constexpr std::size_t kSessionBytes = std::size_t{64} << 20;
constexpr std::size_t kServerBytes = std::size_t{4} << 10;

/// A load of 10,000 servers takes seconds. This is for one that never ends.
constexpr unsigned kMaxSeconds = 300;

std::string copy(const hpkp_str_t& text)
{
    return text.data == nullptr ? std::string() : std::string(text.data, text.len);
}

hpkp::ServerBlock block_of(const hpkp_server_t& server, hpkp::CertificatePool& pool)
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
        block.certificates = hpkp::chains_of(server.ssl_ctx, pool);
    }
    block.variable_certificates = server.variable_certificates != 0;
    block.reject_handshake = server.reject_handshake != 0;
    block.secure = server.secure != 0;
    block.own_secure = server.own_secure != 0;
    return block;
}

/// The result once more, in C's terms and in the session's memory.
class Writer {
public:
    explicit Writer(hpkp_session_t& session) : session_(session), memory_(session.memory) {}

    void write_lines(const std::vector<hpkp::Line>& lines)
    {
        session_.lines_n = lines.size();
        session_.lines = memory_.make<hpkp_line_t>(lines.size());
        for (std::size_t i = 0; i < lines.size(); i++) {
            session_.lines[i] = {severity(lines[i].severity), text(lines[i].text)};
        }
    }

    void write_proofs(const std::vector<std::string>& proofs)
    {
        session_.proofs_n = proofs.size();
        session_.proofs = memory_.make<hpkp_str_t>(proofs.size());
        for (std::size_t i = 0; i < proofs.size(); i++) {
            session_.proofs[i] = text(proofs[i]);
        }
    }

    void write_emissions(const hpkp::Emissions& emissions)
    {
        session_.headers_n = emissions.headers.size();
        session_.headers = memory_.make<hpkp_header_t>(emissions.headers.size());
        for (std::size_t i = 0; i < emissions.headers.size(); i++) {
            session_.headers[i] = header(emissions.headers[i]);
        }
        session_.emissions = memory_.make<hpkp_emission_t>(emissions.servers.size());
        for (std::size_t i = 0; i < emissions.servers.size(); i++) {
            session_.emissions[i] = emission(emissions.servers[i]);
        }
    }

private:
    static hpkp_severity_t severity(hpkp::Severity severity)
    {
        switch (severity) {
        case hpkp::Severity::error:
            return HPKP_ERROR;
        case hpkp::Severity::warning:
            return HPKP_WARNING;
        case hpkp::Severity::note:
            break;
        }
        return HPKP_NOTE;
    }

    hpkp_str_t text(const std::string& from)
    {
        char* to = memory_.make<char>(from.size());
        std::copy(from.begin(), from.end(), to);
        return {to, from.size()};
    }

    hpkp_header_t header(const hpkp::Header& from)
    {
        static_assert(sizeof(hpkp::Pin) == hpkp::Pin::kBytes, "pins are handed out as an array of 32 bytes");
        auto* pins = memory_.make<hpkp::Pin::Bytes>(from.pins.size());
        auto* labels = memory_.make<hpkp_str_t>(from.labels.size());
        for (std::size_t i = 0; i < from.pins.size(); i++) {
            pins[i] = from.pins[i].bytes();
            labels[i] = text(from.labels[i]);
        }
        auto* values = memory_.make<hpkp_value_t>(from.values.size());
        for (std::size_t i = 0; i < from.values.size(); i++) {
            values[i] = {from.values[i].from, text(from.values[i].text)};
        }
        return {values, from.values.size(), from.ramp ? 1 : 0, reinterpret_cast<const uint8_t(*)[32]>(pins),
                labels, from.pins.size()};
    }

    hpkp_emission_t emission(const hpkp::Emission& from)
    {
        auto* leaves = memory_.make<hpkp_leaf_t>(from.leaves.size());
        for (std::size_t i = 0; i < from.leaves.size(); i++) {
            leaves[i].x509 = from.leaves[i].x509;
            std::copy(from.leaves[i].fingerprint.begin(), from.leaves[i].fingerprint.end(), leaves[i].fingerprint);
            leaves[i].pin = text(from.leaves[i].pin);
        }
        return {from.has_policy ? 1 : 0,
                text(from.policy),
                text(from.mode),
                from.enforce.value_or(HPKP_NONE),
                from.report_only.value_or(HPKP_NONE),
                leaves,
                from.leaves.size()};
    }

    hpkp_session_t& session_;
    hpkp::SharedMemory& memory_;
};

void fail(hpkp_session_t& session, const char* why) noexcept
{
    session.status = HPKP_FAILED;
    session.lines_n = 0;  // the child may have died while it wrote them
    std::strncpy(session.failure, why, sizeof(session.failure) - 1);
}

/// Makes the session in its own memory, which moves into it.
hpkp_session_t* make_session(hpkp::SharedMemory&& memory)
{
    void* place = memory.make<std::aligned_storage_t<sizeof(hpkp_session_t), alignof(hpkp_session_t)>>(1);
    return new (place) hpkp_session_t(std::move(memory));
}

struct Request {
    const hpkp_server_t* servers;
    size_t servers_n;
    const hpkp_options_t* options;
    hpkp_session_t* session;
};

/// "conf/nginx.conf" and "-p ." are another nginx in every directory, but one however they are written.
std::string instance_of(const hpkp_options_t& options)
{
    const auto normal = [](hpkp_str_t path) {
        std::error_code error;
        const auto absolute = std::filesystem::absolute(copy(path), error);
        return error ? copy(path) : absolute.lexically_normal().string();
    };
    return normal(options.conf_file) + " (" + normal(options.prefix) + ")";
}

hpkp::LoadOptions options_of(const hpkp_options_t& from, const std::string& load)
{
    hpkp::LoadOptions options;
    options.now = static_cast<std::time_t>(from.now);
    options.strict = from.strict != 0;
    options.ledger = copy(from.ledger);
    options.lockout_warns = from.lockout_warns != 0;
    options.writes = from.writes != 0;
    options.load = {load, instance_of(from), from.now, from.may_close != 0, from.reached};
    return options;
}

/// The work of the child. The certificates of nginx's contexts are at the same addresses here.
void judge(void* argument) noexcept
{
    const Request& request = *static_cast<const Request*>(argument);
    hpkp_session_t& session = *request.session;
    try {
        std::vector<hpkp::ServerBlock> blocks;
        blocks.reserve(request.servers_n);
        hpkp::CertificatePool pool;
        for (size_t i = 0; i < request.servers_n; i++) {
            blocks.push_back(block_of(request.servers[i], pool));
        }
        const hpkp::LoadResult result = hpkp::judge(std::move(blocks), options_of(*request.options, session.load));
        if (!result.recorded) {
            session.load[0] = 0;
        }
        Writer writer(session);
        writer.write_lines(result.lines);
        if (!result.refused) {
            writer.write_emissions(result.emissions);
            writer.write_proofs(result.proofs);
        }
        session.status = result.refused ? HPKP_REFUSED : HPKP_ACCEPTED;
    }
    catch (const std::bad_alloc&) {
        fail(session, "out of memory");
    }
    catch (...) {
        fail(session, "an unexpected error inside the module");
    }
}

}  // namespace

extern "C" {

hpkp_session_t* hpkp_session_run(const hpkp_server_t* servers, size_t servers_n, const hpkp_options_t* options)
{
    hpkp_session_t* session = nullptr;
    try {
        hpkp::SharedMemory memory(kSessionBytes + servers_n * kServerBytes);
        session = make_session(std::move(memory));
        if (options->writes != 0) {
            // Known before the child writes it: one that dies then can still be withdrawn.
            std::strncpy(session->load, hpkp::new_ledger_id().c_str(), sizeof(session->load) - 1);
        }
        Request request{servers, servers_n, options, session};
        const std::string failure = hpkp::run_in_child(judge, &request, kMaxSeconds);
        if (!failure.empty()) {
            fail(*session, failure.c_str());
        }
    }
    catch (...) {
        if (session != nullptr) {
            fail(*session, "out of memory");
        }
    }
    return session;
}

void hpkp_session_free(hpkp_session_t* session)
{
    if (session != nullptr) {
        // The session goes with the memory it lives in.
        const hpkp::SharedMemory memory(std::move(session->memory));
    }
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
    return session->lines_n;
}

hpkp_line_t hpkp_session_line(const hpkp_session_t* session, size_t i)
{
    return session->lines[i];
}

size_t hpkp_session_proofs(const hpkp_session_t* session)
{
    return session->proofs_n;
}

hpkp_str_t hpkp_session_proof(const hpkp_session_t* session, size_t i)
{
    return session->proofs[i];
}

size_t hpkp_session_headers(const hpkp_session_t* session)
{
    return session->headers_n;
}

const hpkp_header_t* hpkp_session_header(const hpkp_session_t* session, size_t i)
{
    return &session->headers[i];
}

const hpkp_emission_t* hpkp_session_emission(const hpkp_session_t* session, size_t i)
{
    return &session->emissions[i];
}

const char* hpkp_session_load(const hpkp_session_t* session)
{
    return session->load;
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
        answer = -1;
    }
    ERR_clear_error();
    return answer;
}

}  // extern "C"
