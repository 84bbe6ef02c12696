// Policies as texts, and what hpkp export makes of them.
#pragma once

#include "test_site.hpp"

#include "exports/request.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace hpkp::test {

struct ExportsTest : testing::Test {
    ExportsTest() { request.now = kNow; }

    /// A policy "www" with these items of its list of pins, and the rest of its lines.
    void policy(const std::vector<std::string>& pins, const std::vector<std::string>& modes);
    /// A file of the chain, for `chains`.
    std::string chain_file(const std::string& name, const std::vector<Certificate>& sent);

    /// The text of --to `format`; empty where something speaks against it (see remarks).
    std::string to(const std::string& format);
    /// "usage: ..." where to() throws InputError, else the errors of the remarks, a line each.
    std::string refusal(const std::string& format);
    /// The notes, a line each.
    std::string notes() const;

    TempDir dir;
    std::optional<PolicyFile> file;
    cli::ExportRequest request;
    std::vector<std::string> chains;
    cli::Remarks remarks;
    cli::Export exported;

    const std::string www = written(pki().www_key.pin(), "name: leaf");
    const std::string backup = written(pki().backup_1.pin(), "name: backup");
    const std::string issuer = written(pki().intermediate_key.pin(), "name: issuer");
    const std::string root = written(pki().root_key.pin(), "name: root");
};

bool contains(const std::string& text, const std::string& part);

}  // namespace hpkp::test
