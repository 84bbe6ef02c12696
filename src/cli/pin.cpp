// hpkp pin: the pins of certificates, CSRs and keys, in files or sent by a live server.
#include "command.hpp"
#include "input.hpp"
#include "net/connection.hpp"
#include "objects/objects.hpp"
#include "output.hpp"

#include "duration.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <iostream>

namespace hpkp::cli {

namespace {

struct Options {
    Format format;
    std::vector<std::string> files;
    std::string connect;
    std::string server_name;
    std::string passin;
    int time_limit = 10;
};

/// A file or a server, and what it has.
struct Source {
    std::string name;
    Objects objects;
};

Source read_source(const std::string& file, PassPhrase& pass_phrase)
{
    Source source{printable(file == "-" ? "standard input" : file), {}};
    try {
        source.objects = read_objects(read_input(file), source.name, pass_phrase);
        for (std::string& error : source.objects.errors) {
            error = source.name + " " + error;
        }
    }
    catch (const InputError& error) {
        source.objects.errors.push_back(printable(error.what()));
    }
    return source;
}

Source connect(const Options& options)
{
    const HostPort server = parse_host_port(options.connect, 443);
    Source source{printable(server.text()), {}};
    try {
        const Chain chain = served_chain(server.host, server.port, options.server_name, options.time_limit);
        for (const Certificate& certificate : chain.sent) {
            if (auto object = object_of(certificate)) {
                object->number = source.objects.found.size() + 1;
                source.objects.found.push_back(std::move(*object));
            }
        }
    }
    catch (const InputError& error) {
        source.objects.errors.push_back(printable(error.what()));
    }
    return source;
}

std::string validity_text(const Object& object, std::int64_t now)
{
    if (!object.not_before || !object.not_after) {
        return "";
    }
    const char* odd = now < *object.not_before ? " (not yet valid)" : now > *object.not_after ? " (expired)" : "";
    return ", valid " + time_text(*object.not_before) + " to " + time_text(*object.not_after) + odd;
}

/// The name is on the pin's line again, so that grep finds both.
void print_text(const Source& source, std::int64_t now)
{
    const bool several = source.objects.found.size() + source.objects.errors.size() > 1;
    for (const Object& object : source.objects.found) {
        std::cout << source.name << (several ? " #" + std::to_string(object.number) : "") << ": " << object.kind_text()
                  << (object.subject.empty() ? "" : ", " + object.subject) << "\n    " << object.key
                  << validity_text(object, now) << "\n    pin-sha256=\"" << object.pin.base64() << '"'
                  << (object.name.empty() ? "" : "  " + object.name) << '\n';
        if (!object.problem.empty()) {
            std::cout << "    " << coloured(Severity::error, "error") << ": " << object.problem << '\n';
        }
    }
}

nlohmann::json document_of(const std::vector<Source>& sources)
{
    nlohmann::json objects = nlohmann::json::array();
    nlohmann::json errors = nlohmann::json::array();
    for (const Source& source : sources) {
        for (const Object& object : source.objects.found) {
            objects.push_back(json_of(object));
            objects.back()["source"] = source.name;
        }
        for (const std::string& error : source.objects.errors) {
            errors.push_back(error);
        }
    }
    return {{"objects", objects}, {"errors", errors}};
}

int pin(const Options& options)
{
    PassPhrase pass_phrase(options.passin);
    if (options.files.empty() && options.connect.empty()) {
        throw InputError("name a file, - for standard input, or --connect HOST:PORT");
    }
    if (pass_phrase.from_stdin() && std::count(options.files.begin(), options.files.end(), "-") != 0) {
        throw InputError("the file - and --passin stdin cannot both be standard input");
    }
    std::vector<Source> sources;
    if (!options.connect.empty()) {
        sources.push_back(connect(options));
    }
    for (const std::string& file : options.files) {
        sources.push_back(read_source(file, pass_phrase));
    }

    int code = kFine;
    for (const Source& source : sources) {
        if (!options.format.json()) {
            print_text(source, std::time(nullptr));
        }
        for (const Object& object : source.objects.found) {
            code = std::max(code, object.problem.empty() ? kFine : kFindings);
        }
        for (const std::string& error : source.objects.errors) {
            std::cout.flush();
            std::cerr << "hpkp: " << error << '\n';
            code = kUsage;
        }
    }
    if (options.format.json()) {
        print_json(std::cout, document_of(sources));
    }
    return code;
}

}  // namespace

void add_pin(CLI::App& program, int& exit_code)
{
    auto options = std::make_shared<Options>();
    CLI::App* command = program.add_subcommand("pin", "The pins of certificates, CSRs, keys, and of live servers");
    command
        ->add_option("FILE", options->files,
                     "Certificates, CSRs, public or private keys, PEM or DER, several in a file; - for the input")
        ->type_name("FILE");
    CLI::Option* connected =
        command->add_option("--connect", options->connect, "The chain that this server sends; it is not verified")
            ->type_name("HOST:PORT");
    command->add_option("--servername", options->server_name, "The name to ask the server for (SNI); left out: HOST")
        ->type_name("NAME")
        ->needs(connected);
    command->add_option("--time-limit", options->time_limit, "Seconds that the server has to answer")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 600))
        ->capture_default_str();
    add_passin(*command, options->passin);
    add_format(*command, options->format);
    command->footer("Examples:\n    hpkp pin fullchain.pem backup.csr\n    hpkp pin --connect www.example.com:443");
    command->callback([options, &exit_code] { exit_code = pin(*options); });
}

}  // namespace hpkp::cli
