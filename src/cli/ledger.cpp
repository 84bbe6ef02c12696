// hpkp ledger show|forget|close|export|import
#include "command.hpp"
#include "input.hpp"
#include "output.hpp"
#include "output_file.hpp"
#include "server_input.hpp"

#include "duration.hpp"
#include "hpkp.h"
#include "ledger/ledger.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>

namespace hpkp::cli {

namespace {

struct Options {
    std::string ledger = HPKP_LEDGER;
    Format format;
    std::string host;
    bool all = false;
    std::vector<std::string> ids;
    std::string reason;
    std::string instance;
    std::string output;
    std::vector<std::string> inputs;
    bool clamp = false;
    bool own = false;
};

std::string machine()
{
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

std::string user()
{
    // As root by way of sudo, the person counts.
    const char* sudo = std::getenv("SUDO_USER");
    const passwd* entry = ::getpwuid(::getuid());
    return sudo != nullptr ? sudo : entry != nullptr ? entry->pw_name : std::to_string(::getuid());
}

/// Runs `work` with the ledger; 2 and a message if it cannot be used.
template <typename Work>
int with_ledger(const Options& options, Database::Access access, Work work)
{
    try {
        if (options.ledger == "off") {
            throw InputError("--ledger off names no ledger (a file of that name: ./off)");
        }
        const LedgerChoice choice = choose_ledger(options.ledger);
        if (choice.missing && access != Database::Access::create) {
            throw InputError("there is no ledger " + printable(options.ledger));
        }
        std::error_code error;
        if (std::filesystem::file_size(options.ledger, error) == 0 && !error) {
            std::cerr << "hpkp: the ledger " << options.ledger
                      << " is empty: nothing has been written to it, or somebody has cut it\n";
        }
        Ledger ledger(options.ledger, access);
        ledger.begin(access != Database::Access::read);
        const int code = work(ledger);
        ledger.commit();
        return code;
    }
    catch (const LedgerError& error) {
        std::cerr << "hpkp: " << error.what() << "\n    remedy: " << error.remedy << '\n';
        return kUsage;
    }
}

/// What was done to what; `more` is for people.
void say(const Options& options, const char* done, const std::vector<std::string>& what, const char* more)
{
    if (options.format.json()) {
        print_json(std::cout, {{done, what}});
    } else {
        for (const std::string& one : what) {
            std::cout << done << ": " << one << more << '\n';
        }
    }
}

std::string kind_text(const SentPolicy& policy)
{
    switch (policy.kind) {
    case SentPolicy::Kind::enforced:
        return "enforce, max-age " + duration_text(policy.max_age.highest())
               + (policy.max_age.is_ramp() ? " at the end of a ramp" : "");
    case SentPolicy::Kind::guarded:
        return "guard until " + time_text(policy.until - 1);
    case SentPolicy::Kind::reported:
        break;
    }
    return "report-only";
}

void print_text(const Entry& entry, const std::string& vouched, std::int64_t now)
{
    const SentPolicy& policy = *entry.policy;
    const std::int64_t until = entry.held_until(now);
    std::cout << printable(entry.id) << "  " << entry.host.text << "  policy \"" << policy.name << "\"\n    "
              << kind_text(policy) << (policy.include_subdomains ? ", includeSubDomains" : "") << "\n    first sent "
              << time_text(entry.first_sent) << (entry.open ? ", may still be sent, by " : ", last sent ")
              << (entry.open ? printable(entry.instance) : time_text(entry.last_sent)) << '\n';
    if (!vouched.empty()) {
        std::cout << "    forgotten, " << printable(vouched) << '\n';
    } else if (until > now) {
        std::cout << "    clients hold it until " << time_text(until) << " (" << distance_text(until, now) << ")"
                  << (entry.open ? " at least" : "") << '\n';
    } else {
        std::cout << "    no client holds it\n";
    }
    for (const PolicyPin& pin : policy.pins.pins) {
        std::cout << "    pin-sha256=\"" << pin.pin.base64() << "\"" << (pin.name.empty() ? "" : "  " + pin.name)
                  << '\n';
    }
}

int show(const Options& options)
{
    const std::string host = options.host.empty() ? "" : valid_host(options.host);
    return with_ledger(options, Database::Access::read, [&](Ledger& ledger) {
        const std::int64_t now = ledger.judged_at(std::time(nullptr), false);
        std::vector<Entry> entries;
        ledger.for_each([&](const Entry& entry) {
            const bool wanted = host.empty() || entry.reaches(host) || entry.host.text == host;
            if (wanted && (options.all || entry.open || entry.held_until(now) > now)) {
                entries.push_back(entry);
            }
        });
        nlohmann::json list = nlohmann::json::array();
        for (const Entry& entry : entries) {
            const std::string vouched = ledger.vouched_for(entry.id, now);
            const std::int64_t until = entry.held_until(now);
            if (!options.format.json()) {
                print_text(entry, vouched, now);
                continue;
            }
            list.push_back({{"id", entry.id},
                            {"host", entry.host.text},
                            {"instance", entry.instance},
                            {"first-sent", entry.first_sent},
                            {"last-sent", entry.open ? now : entry.last_sent},
                            {"open", entry.open},
                            {"held-until", vouched.empty() && until != 0 ? nlohmann::json(until) : nlohmann::json()},
                            {"forgotten", vouched.empty() ? nlohmann::json() : nlohmann::json(vouched)},
                            {"policy", nlohmann::json::parse(entry.policy->to_text())}});
        }
        if (options.format.json()) {
            print_json(std::cout, {{"entries", list}});
        } else if (entries.empty()) {
            std::cout << "no client holds a policy" << (options.host.empty() ? "" : " for " + options.host) << '\n';
        }
        return kFine;
    });
}

int forget(const Options& options)
{
    return with_ledger(options, Database::Access::write, [&](Ledger& ledger) {
        for (const std::string& id : options.ids) {
            if (!ledger.forget(id, user(), options.reason, std::time(nullptr))) {
                throw InputError("the ledger has no entry " + printable(id)
                                 + " (hpkp ledger show lists them); nothing is forgotten");
            }
        }
        say(options, "forgotten", options.ids, " (if it is sent still, load the new configuration within the hour)");
        return kFine;
    });
}

int close(const Options& options)
{
    return with_ledger(options, Database::Access::write, [&](Ledger& ledger) {
        if (!ledger.has_instance(options.instance)) {
            std::cerr << "hpkp: the ledger knows no nginx \"" << options.instance
                      << "\" (hpkp ledger show names them)\n";
            return kUsage;
        }
        const std::int64_t now = std::time(nullptr);
        if (!ledger.close_all({"", options.instance, now, true})) {
            throw InputError("the clock, " + time_text(now) + ", is behind the newest time in the ledger, "
                             + time_text(ledger.newest()) + ": nothing is closed. Set the clock, or mend the ledger: "
                             + "hpkp ledger import --own --clamp");
        }
        say(options, "closed", {options.instance},
            " (if it runs still: nginx -s reload, or what it goes on sending is not remembered)");
        return kFine;
    });
}

int export_ledger(const Options& options)
{
    refuse_to_overwrite(options.output, options.ledger, "the ledger");
    return with_ledger(options, Database::Access::read, [&](Ledger& ledger) {
        OutputFile file(options.output, true);  // the export of yesterday
        ledger.export_lines(machine(), std::time(nullptr),
                            [&](const std::string& line) { file.stream() << line << '\n'; });
        file.commit();
        return kFine;
    });
}

/// Lines of an export in a file of their own: the ledger is not locked while somebody is still writing them.
constexpr std::size_t kMaxLine = std::size_t{1} << 20;

struct ImportedLine {
    std::string where;  // file:line
    std::string text;
};

/// Throws InputError unless all of it is there.
void read_lines(const std::string& name, std::vector<ImportedLine>& lines)
{
    std::ifstream file;
    if (name != "-") {
        std::error_code error;
        if (!std::filesystem::is_regular_file(name, error)) {
            throw InputError(printable(name) + " cannot be read, or is no file; nothing was imported");
        }
        file.open(name, std::ios::binary);
    }
    std::istream& in = name == "-" ? std::cin : file;
    std::string line;
    std::size_t number = 1;
    const auto add = [&] {
        if (!line.empty()) {
            lines.push_back({printable(name) + ":" + std::to_string(number), line});
        }
        line.clear();
        number++;
    };
    std::array<char, 65536> part{};
    while (in.read(part.data(), part.size()) || in.gcount() != 0) {
        for (std::streamsize i = 0; i < in.gcount(); i++) {
            if (part[static_cast<std::size_t>(i)] == '\n') {
                add();
            } else {
                line += part[static_cast<std::size_t>(i)];
            }
        }
        if (line.size() > kMaxLine) {
            throw InputError(printable(name) + ":" + std::to_string(number)
                             + ": no line of a ledger's export; nothing was imported");
        }
    }
    if (in.bad() || !in.eof()) {
        throw InputError(printable(name) + " cannot be read to its end; nothing was imported");
    }
    add();
}

int import_ledger(const Options& options)
{
    std::vector<ImportedLine> lines;
    for (const std::string& name : options.inputs) {
        read_lines(name, lines);
    }
    return with_ledger(options, Database::Access::create, [&](Ledger& ledger) {
        const std::int64_t latest = options.clamp ? std::time(nullptr) : std::numeric_limits<std::int64_t>::max();
        for (const ImportedLine& line : lines) {
            if (!ledger.import_line(line.text, options.own, latest, machine())) {
                throw InputError(line.where + ": no line of a ledger's export; nothing was imported");
            }
        }
        if (options.format.json()) {
            print_json(std::cout, {{"imported", lines.size()}});
        } else {
            std::cout << "imported: " << lines.size() << (lines.size() == 1 ? " line\n" : " lines\n");
        }
        return kFine;
    });
}

}  // namespace

void add_ledger(CLI::App& program, int& exit_code)
{
    auto options = std::make_shared<Options>();
    CLI::App* ledger = program.add_subcommand("ledger", "What clients may still hold, as nginx remembers it");
    ledger->require_subcommand(1);
    ledger->fallthrough();
    ledger->add_option("--ledger", options->ledger, "The ledger's file")->type_name("FILE")->capture_default_str();

    const auto command = [&](const char* name, const char* what, int (*run)(const Options&)) {
        CLI::App* added = ledger->add_subcommand(name, what);
        added->fallthrough();
        added->add_option("--ledger", options->ledger, "The ledger's file")->type_name("FILE")->capture_default_str();
        add_format(*added, options->format);
        added->callback([options, run, &exit_code] { exit_code = run(*options); });
        return added;
    };
    CLI::App* shown = command("show", "The policies that clients hold, by host", show);
    shown->add_option("--host", options->host, "Only those that clients of this host may hold")->type_name("NAME");
    shown->add_flag("--all", options->all, "Those too that nobody holds any more");

    CLI::App* forgotten = command("forget", "Judge by this entry no more: no client holds it, as you know", forget);
    forgotten->add_option("ID", options->ids, "The entries, as show and findings name them")
        ->type_name("ID")
        ->required();
    forgotten->add_option("--reason", options->reason, "Why; it is kept")
        ->type_name("TEXT")
        ->required()
        ->check([](const std::string& reason) {
            return reason.find_first_not_of(' ') == std::string::npos ? "say why" : "";
        });

    CLI::App* closed = command("close", "This nginx is gone: what it sent ends now", close);
    closed->add_option("INSTANCE", options->instance, "As show names it")->type_name("NAME")->required();

    CLI::App* exported = command("export", "The ledger as lines of JSON, whatever the format", export_ledger);
    exported->add_option("FILE", options->output, "Where to; left out: the output")->type_name("FILE");

    CLI::App* imported = command("import", "Unite the ledger with exports of others", import_ledger);
    imported->add_option("FILE", options->inputs, "Exports; - for the input")->type_name("FILE")->required();
    imported->add_flag("--own", options->own, "They are this machine's own, from an older ledger file");
    imported->add_flag("--clamp", options->clamp, "Take times after now as now: for a ledger written by a wrong clock");
}

}  // namespace hpkp::cli
