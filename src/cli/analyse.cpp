// hpkp analyse: what the clients of a server make of the pins that it sends.
#include "clients/analysis.hpp"
#include "command.hpp"
#include "input.hpp"
#include "net/fetch.hpp"
#include "output.hpp"
#include "trust_option.hpp"

#include <ctime>
#include <iostream>

namespace hpkp::cli {

namespace {

constexpr int kShortestLimit = 1;  // seconds
constexpr int kLongestLimit = 3600;

struct Options {
    Format format;
    std::string url;
    std::vector<std::string> trust;
    std::string connect;
    int seconds = 10;
};

int run(const Options& options)
{
    const Url url = parse_url(options.url);
    const TrustStores trust = trust_of(options.trust);
    std::optional<HostPort> connect;
    if (!options.connect.empty()) {
        connect = parse_host_port(options.connect, url.port);
    }
    const Analysis analysis = analyse(url, fetch(url, connect, options.seconds), trust, std::time(nullptr));
    if (options.format.json()) {
        print_json(std::cout, json_of(analysis));
    } else {
        print_text(std::cout, analysis);
    }
    return analysis.harmful() ? kFindings : kFine;
}

}  // namespace

void add_analyse(CLI::App& program, int& exit_code)
{
    auto options = std::make_shared<Options>();
    CLI::App* command = program.add_subcommand(
        "analyse", "What a live server's pins are worth, and what each kind of client would do with them");
    command->add_option("URL", options->url, "https://HOST/PATH, or HOST; a redirect is not followed but named")
        ->type_name("URL")
        ->required();
    command
        ->add_option("--connect", options->connect,
                     "Connect there, but ask for the URL's host: before its name leads there, or past a "
                     "proxy")
        ->type_name("HOST:PORT");
    add_trust(*command, options->trust, "the system's bundle");
    command->add_option("--time-limit", options->seconds, "Seconds until a server that does not answer is given up")
        ->type_name("SECONDS")
        ->check(CLI::Range(kShortestLimit, kLongestLimit))
        ->capture_default_str();
    add_format(*command, options->format);
    command->footer(
        "Nothing is stored, and no redirect is followed. Exit status: 0 fine, or no pins are sent; 1 a client "
        "would ignore the header or lock itself out, or a finding is an error; 2 the server cannot be asked.");
    command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace hpkp::cli
