#include "test_paths.hpp"

#include "paths/path_search.hpp"

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <sys/wait.h>

namespace hpkp::test {

namespace {

template <typename Name>
std::string joined(const Path& path, Name name)
{
    std::string text;
    for (const Certificate& certificate : path.certificates) {
        text += (text.empty() ? "" : " > ") + name(certificate);
    }
    return text;
}

int default_security_level()
{
    const ContextPtr fresh(SSL_CTX_new(TLS_client_method()));
    return SSL_CTX_get_security_level(fresh.get());
}

/// The lines of `openssl verify` that tell of an error: "error 10 at 1 depth lookup: certificate has expired".
std::vector<std::string> errors_in(const std::string& output)
{
    std::vector<std::string> errors;
    for (std::size_t at = output.find("error "); at != std::string::npos; at = output.find("error ", at + 1)) {
        const std::string line = output.substr(at, output.find('\n', at) - at);
        if (line.find(" depth lookup: ") != std::string::npos) {
            errors.push_back(line.substr(line.find(" at ") + 4));
        }
    }
    return errors;
}

}  // namespace

std::string names_on(const Path& path)
{
    return joined(path, [](const Certificate& certificate) { return certificate.short_name(); });
}

std::vector<std::string> names_on(const std::vector<Path>& paths)
{
    std::vector<std::string> all;
    for (const Path& path : paths) {
        all.push_back(names_on(path));
    }
    std::sort(all.begin(), all.end());
    return all;
}

TrustPaths lines_of(const Chain& chain)
{
    Signatures signatures;
    SearchResult found = issuer_lines(chain, signatures);
    TrustPaths lines;
    lines.basis = TrustPaths::Basis::sent;
    lines.paths = std::move(found.paths);
    lines.limits = found.limits;
    return lines;
}

TrustStore store_of(std::vector<Certificate> certificates)
{
    TrustStore store;
    store.certificates = std::move(certificates);
    return store;
}

const Certificate& Labels::add(const std::string& label, const Certificate& certificate)
{
    labels_.emplace_back(label, certificate);
    return certificate;
}

std::string Labels::on(const Path& path) const
{
    return joined(path, [&](const Certificate& certificate) {
        const auto found = std::find_if(labels_.begin(), labels_.end(),
                                        [&](const auto& labelled) { return labelled.second == certificate; });
        return found == labels_.end() ? "(" + certificate.short_name() + "?)" : found->first;
    });
}

const std::string kNotYetValid = X509_verify_cert_error_string(X509_V_ERR_CERT_NOT_YET_VALID);

std::string verdict(const Path& path)
{
    switch (path.state) {
    case Path::State::valid:
        return "valid" + path.reason;  // which must be empty
    case Path::State::outdated:
        return "outdated: " + path.reason;
    case Path::State::invalid:
        return "invalid: " + path.reason;
    }
    return "";
}

std::string met(const Limits& limits)
{
    std::string text;
    const auto add = [&](bool is_met, const char* name) {
        text += is_met ? std::string(text.empty() ? "" : " ") + name : "";
    };
    add(limits.depth, "depth");
    add(limits.paths, "paths");
    add(limits.signatures, "signatures");
    add(limits.steps, "steps");
    return text;
}

CommandResult run_command(const std::string& command)
{
    CommandResult result;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) {
        throw std::runtime_error("popen");
    }
    std::array<char, 4096> buffer{};
    while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
        result.output.append(buffer.data(), n);
    }
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

std::string hashed_directory(const TempDir& dir, const std::string& name, const std::vector<Certificate>& certificates)
{
    for (std::size_t i = 0; i < certificates.size(); i++) {
        dir.write(name + "/" + std::to_string(i) + ".pem", pem(certificates[i]));
    }
    const std::string path = dir / name;
    std::filesystem::create_directories(path);
    const CommandResult rehash = run_command("openssl rehash " + path);
    if (rehash.status != 0) {
        throw std::runtime_error("openssl rehash: " + rehash.output);
    }
    return path;
}

CommandResult openssl_verify(const Path& path, std::time_t now)
{
    const auto& certificates = path.certificates;
    const TempDir dir;
    std::string command = "openssl verify -no-CAfile -no-CApath -no-CAstore -purpose sslserver -auth_level "
                          + std::to_string(default_security_level()) + " -attime " + std::to_string(now) + " -trusted "
                          + dir.write("anchor.pem", pem(certificates.back()));
    if (certificates.size() > 2) {
        command += " -untrusted "
                   + dir.write("untrusted.pem",
                               pem(std::vector<Certificate>(certificates.begin() + 1, certificates.end() - 1)));
    }
    return run_command(command + " " + dir.write("leaf.pem", pem(certificates.front())));
}

void expect_openssl_agrees(const Path& path, std::time_t now)
{
    const CommandResult said = openssl_verify(path, now);
    SCOPED_TRACE(names_on(path) + ": " + verdict(path) + "\nopenssl: " + said.output);
    const std::size_t anchor = path.certificates.size() - 1;
    std::vector<std::string> errors = errors_in(said.output);
    ASSERT_EQ(said.status == 0, errors.empty());
    if (anchor > 0) {
        const std::string by_design = std::to_string(anchor) + " depth lookup: certificate has expired";
        errors.erase(std::remove(errors.begin(), errors.end(), by_design), errors.end());
    }
    if (path.state == Path::State::valid) {
        EXPECT_TRUE(errors.empty());
        return;
    }
    // "Root B: certificate has expired" is its "3 depth lookup: certificate has expired".
    const bool any = std::any_of(errors.begin(), errors.end(), [&](const std::string& error) {
        const std::size_t depth = std::stoul(error);
        const std::string text = error.substr(error.find(": ") + 2);
        return depth < path.certificates.size() && path.reason == path.certificates[depth].short_name() + ": " + text;
    });
    EXPECT_TRUE(any) << "another reason";
}

}  // namespace hpkp::test
