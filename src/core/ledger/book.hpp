// The ledger's part in a load: it is opened, asked, and written to once everything else has been accepted.
#pragma once

#include "../gather.hpp"
#include "ledger.hpp"

#include <memory>
#include <optional>

namespace hpkp {

class Book {
public:
    /// Opens the ledger that the options name; what is wrong with it is told by record().
    explicit Book(const LoadOptions& options);

    /// Some client may hold something.
    bool any_held();

    /// Recalls what the ledger knows of the site's hosts.
    void recall_into(Site& site);

    /// Write-ahead: what the site sends is on disk before any worker can send it. Findings: ledger-off, -unreadable,
    /// -corrupt, -unwritable; errors where something new would be sent, else warnings. Writes only if the load is one
    /// that may send and `accepted`. True if this load is in the ledger now.
    bool record(const Site& site, bool accepted, Findings& findings);

private:
    template <typename Work>
    void attempt(Work work);
    void open(Database::Access access);
    void write(const std::vector<Sending>& sent, const Site& site);
    std::string why_not_writable() const;

    const LoadOptions& options_;
    std::unique_ptr<Ledger> ledger_;  // null: off, or of no use
    std::optional<LedgerError> problem_;
    std::optional<LedgerError> unwritable_;  // it can be read, and why it cannot be written
    bool reached_ = false;                   // its file can be seen; otherwise it may be there all the same
    bool exists_ = false;
    bool wrote_ = false;
};

}  // namespace hpkp
