// Pass phrases of encrypted private keys, from where --passin says, as openssl has it.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace hpkp::cli {

class PassPhrase {
public:
    /// "pass:TEXT", "env:VAR", "file:PATH" (its first line) or "stdin" (its first line), the same for every key. Empty:
    /// each is asked for, where standard input is a terminal. Throws InputError if it is anything else.
    explicit PassPhrase(std::string source = "");
    ~PassPhrase();
    PassPhrase(const PassPhrase&) = delete;
    PassPhrase& operator=(const PassPhrase&) = delete;

    /// The pass phrase for a key in this file; the source is read at the first call. Empty if there is none to be had.
    /// Throws InputError if the source cannot be read.
    std::optional<std::string> get(const std::string& file);

    bool from_stdin() const { return source_ == "stdin"; }

private:
    std::string source_;
    std::optional<std::string> known_;
};

/// Adds --passin; `source` must outlive the command.
CLI::Option* add_passin(CLI::App& command, std::string& source);

}  // namespace hpkp::cli
