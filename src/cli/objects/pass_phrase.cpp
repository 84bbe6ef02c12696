#include "pass_phrase.hpp"

#include "input.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>

namespace hpkp::cli {

namespace {

/// OpenSSL's own bound (PEM_BUFSIZE).
constexpr std::size_t kMaxLength = 1024;

std::string first_line(const std::string& text)
{
    std::string line = text.substr(0, text.find('\n'));
    if (!line.empty() && line.back() == '\r') {
        line.pop_back();
    }
    return line;
}

/// What follows the prefix, if the text has it.
std::optional<std::string> after(const std::string& prefix, const std::string& text)
{
    return text.compare(0, prefix.size(), prefix) == 0 ? std::optional(text.substr(prefix.size())) : std::nullopt;
}

std::string read_source(const std::string& source)
{
    if (const auto text = after("pass:", source)) {
        return *text;
    }
    if (const auto variable = after("env:", source)) {
        const char* value = std::getenv(variable->c_str());
        if (value == nullptr) {
            throw InputError("--passin: the environment has no variable " + *variable);
        }
        return value;
    }
    if (const auto file = after("file:", source)) {
        return first_line(*file == "-" ? throw InputError("--passin: write stdin, not file:-") : read_input(*file));
    }
    std::string line;
    std::array<char, kMaxLength + 2> bytes{};
    std::cin.getline(bytes.data(), bytes.size());
    line = first_line(bytes.data());
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return line;
}

std::optional<std::string> ask(const std::string& file)
{
    if (::isatty(STDIN_FILENO) == 0) {
        return std::nullopt;
    }
    std::array<char, kMaxLength + 1> bytes{};
    const std::string prompt = "Pass phrase of " + file + ": ";
    const bool answered = EVP_read_pw_string(bytes.data(), bytes.size(), prompt.c_str(), 0) == 0;
    std::string answer = answered ? bytes.data() : "";
    OPENSSL_cleanse(bytes.data(), bytes.size());
    if (!answered) {
        throw InputError("no pass phrase for " + file + " was given");  // as by Ctrl-C: do not ask for the next one
    }
    return answer;
}

}  // namespace

PassPhrase::PassPhrase(std::string source) : source_(std::move(source))
{
    const bool known = source_.empty() || source_ == "stdin" || after("pass:", source_) || after("env:", source_)
                       || after("file:", source_);
    if (!known) {
        // The text itself may be somebody's pass phrase: it is not repeated.
        throw InputError("--passin is pass:TEXT, env:VAR, file:PATH or stdin");
    }
}

PassPhrase::~PassPhrase()
{
    if (known_) {
        OPENSSL_cleanse(known_->data(), known_->size());
    }
}

std::optional<std::string> PassPhrase::get(const std::string& file)
{
    if (source_.empty()) {
        return ask(file);
    }
    if (!known_) {
        known_ = read_source(source_);
    }
    if (known_->size() > kMaxLength) {
        throw InputError("--passin: a pass phrase has at most " + std::to_string(kMaxLength) + " bytes");
    }
    return known_;
}

CLI::Option* add_passin(CLI::App& command, std::string& source)
{
    return command.add_option("--passin", source,
                              "Pass phrase of an encrypted key: pass:TEXT (others see it in ps), env:VAR, file:PATH or "
                              "stdin; left out: asked for on a terminal");
}

}  // namespace hpkp::cli
