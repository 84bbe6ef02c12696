#include "book.hpp"

#include "../file.hpp"
#include "memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hpkp {

namespace {

Finding finding_of(const LedgerError& error, bool fatal)
{
    Finding finding(error.id, std::nullopt, error.what(), error.remedy);
    finding.severity = fatal ? Severity::error : Severity::warning;
    return finding;
}

}  // namespace

template <typename Work>
void Book::attempt(Work work)
{
    if (ledger_ == nullptr) {
        return;
    }
    try {
        work(*ledger_);
    }
    catch (const LedgerError& error) {
        problem_ = error;
        // This only reads: what cannot be written for that cannot be read.
        problem_->id = error.id == FindingId::ledger_unwritable ? FindingId::ledger_unreadable : error.id;
        ledger_.reset();
    }
}

Book::Book(const LoadOptions& options) : options_(options)
{
    if (options.ledger.empty()) {
        return;
    }
    reached_ = ::access(options.ledger.c_str(), F_OK) == 0;
    exists_ = reached_ || errno != ENOENT;
    if (!exists_) {
        return;
    }
    if (options.writes) {
        try {
            open(Database::Access::write);
            ledger_->note_reached(options.load);
            if (ledger_->end_stopped(options.load)) {
                // Whatever becomes of this load, so that the next one does not count anew.
                ledger_->commit();
                ledger_->begin(true);
            }
            return;
        }
        catch (const LedgerError& error) {
            // Another process writes, or this one may not: what is in it can be obeyed all the same.
            unwritable_ = error;
            unwritable_->id = FindingId::ledger_unwritable;
            ledger_.reset();
        }
    }
    try {
        open(Database::Access::read);
    }
    catch (const LedgerError& error) {
        problem_ = error;
        ledger_.reset();
    }
}

void Book::open(Database::Access access)
{
    ledger_ = std::make_unique<Ledger>(options_.ledger, access);
    ledger_->begin(access != Database::Access::read);
}

bool Book::any_held()
{
    bool held = false;
    attempt([&](Ledger& ledger) { held = ledger.any_held(options_.now); });
    return held;
}

void Book::recall_into(Site& site)
{
    // A file that is not there is made once the load is accepted. It remembers nothing, and that is known.
    site.memory.known = !options_.ledger.empty() && !exists_;
    attempt([&](Ledger& ledger) { site.memory = recall(site, ledger); });
    site.memory.path = options_.ledger;
}

bool Book::record(const Site& site, bool accepted, Findings& findings)
{
    const std::vector<Sending> sent = sendings_of(site);
    if (options_.ledger.empty()) {
        const auto enforced = std::find_if(site.uses.begin(), site.uses.end(), [](const PolicyUse& use) {
            return use.policy->enforce && use.policy->enforce->max_age.highest() > 0;
        });
        if (enforced != site.uses.end()) {
            Finding finding(
                FindingId::ledger_off, enforced->policy->place,
                "policy \"" + enforced->policy->name
                    + "\" is enforced and nothing remembers what clients were sent: the next load cannot tell "
                      "whom it locks out",
                "remove hpkp_ledger off");
            for (const Server* server : enforced->servers) {
                finding.servers.push_back(server->block->place);
            }
            findings.push_back(std::move(finding));
        }
        return false;
    }

    bool fresh = !sent.empty();
    bool sends = fresh;
    attempt([&](Ledger& ledger) {
        sends = sends || ledger.sends(options_.load.instance);
        // By a clock that is ahead, a ramp that goes on rising would cover whatever it ends with.
        const std::int64_t now = std::min<std::int64_t>(options_.now, ledger.newest());
        fresh = std::any_of(sent.begin(), sent.end(), [&](const Sending& sending) {
            return !ledger.covers(sending, options_.load.instance, now);
        });
    });
    if (accepted && options_.writes && !problem_ && (exists_ || !sent.empty())) {
        try {
            if (unwritable_ && sends) {
                throw LedgerError(*unwritable_);
            }
            if (!unwritable_) {
                write(sent, site);
            }
        }
        catch (const LedgerError& error) {
            problem_ = error;
            ledger_.reset();
        }
    } else if (accepted && fresh && !problem_ && !options_.asks_only) {
        const std::string obstacle = why_not_writable();
        if (!obstacle.empty()) {
            problem_ = LedgerError(
                FindingId::ledger_unwritable, "the ledger " + options_.ledger + " cannot be written: " + obstacle,
                "let who starts nginx write the file and its directory, or name another: hpkp_ledger FILE");
        }
    }
    if (problem_) {
        // Where it cannot be written, or nobody may even see whether it is there, that does no harm to who sends
        // nothing new. Where it is there it must be obeyed, and cannot be.
        const bool disobeyed = reached_ && problem_->id != FindingId::ledger_unwritable;
        findings.push_back(finding_of(*problem_, fresh || disobeyed));
    }
    return wrote_;
}

void Book::write(const std::vector<Sending>& sent, const Site& site)
{
    try {
        if (!exists_) {
            ledger_ = std::make_unique<Ledger>(options_.ledger, Database::Access::create);
            ledger_->begin(true);
            if (ledger_->newest() != 0) {
                throw LedgerError(FindingId::ledger_unwritable,
                                  "the ledger " + options_.ledger + " was made by another nginx at this moment",
                                  "try again: it may hold what this load must be judged by");
            }
        }
        const bool wrote = ledger_->record(sent, showings_of(site), options_.load);
        ledger_->commit();
        wrote_ = wrote;
    }
    catch (const LedgerError& error) {
        if (error.id != FindingId::ledger_unreadable) {
            throw;
        }
        // It could be read until here.
        throw LedgerError(FindingId::ledger_unwritable, error.what(), error.remedy);
    }
}

/// For nginx -t, which must write nothing.
std::string Book::why_not_writable() const
{
    const std::string directory = directory_of(options_.ledger);
    if (::access(directory.c_str(), W_OK | X_OK) != 0) {
        return directory + ": " + std::strerror(errno);
    }
    return exists_ && ::access(options_.ledger.c_str(), W_OK) != 0 ? std::strerror(errno) : "";
}

}  // namespace hpkp
