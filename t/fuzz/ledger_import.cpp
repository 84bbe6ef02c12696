// Lines of a ledger's export, as another machine may have made them: the first byte says how they are imported. What is
// taken comes out as lines that any ledger takes, and an import of them, or of the same ones again, changes nothing.
#include "../unit/test_pki.hpp"
#include "check.hpp"

#include "ledger/ledger.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

using namespace hpkp;
using namespace hpkp::test;

namespace {

using Lines = std::vector<std::string>;

constexpr std::int64_t kEver = std::numeric_limits<std::int64_t>::max();

/// An empty ledger, in which nothing is ever committed. The two have one id: they stand for one machine.
std::string empty_ledger(const TempDir& dir, const char* name)
{
    const std::string path = dir / name;
    Ledger made(path, Database::Access::create);
    made.begin(true);
    made.commit();
    Database(path, Database::Access::write).execute("UPDATE ledger SET id = '01234567'");
    return path;
}

/// Ends without a commit: the file is as before.
struct View {
    explicit View(const std::string& path) : ledger(path, Database::Access::write) { ledger.begin(true); }

    std::size_t import(const Lines& lines, bool own, std::int64_t latest)
    {
        return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
            return ledger.import_line(line, own, latest, "here");
        }));
    }
    Lines exported()
    {
        Lines lines;
        ledger.export_lines("here", 0, [&](const std::string& line) { lines.push_back(line); });
        std::sort(lines.begin(), lines.end());
        return lines;
    }
    Ledger ledger;
};

Lines split_lines(std::string_view text)
{
    Lines lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string shown(const Lines& lines)
{
    std::string text;
    for (const std::string& line : lines) {
        text += line + "\n";
    }
    return text;
}

/// What "hpkp ledger show" and a load ask of it.
void ask(Ledger& ledger)
{
    std::vector<Entry> entries;
    ledger.for_each([&](const Entry& entry) { entries.push_back(entry); });
    for (const Entry& entry : entries) {
        const std::string text = entry.policy->to_text();
        const auto again = SentPolicy::from_text(text);
        FUZZ_CHECK_SHOWN(again != nullptr && again->to_text() == text, text);
        FUZZ_CHECK(entry.open || entry.held_until(kNow) == entry.held_until(kNow + 1));
        FUZZ_CHECK(entry.held_until(kNow) <= entry.held_until(kNow + kDay));
        ledger.vouched_for(entry.id, kNow);
        ledger.history(entry.host);
        ledger.keys(entry.host);
        ledger.key_changed(entry.host);
        for (const auto& found : ledger.around(entry.host, kNow)) {
            FUZZ_CHECK(!found->id.empty() && found->policy != nullptr);
        }
        entry.reaches(entry.host.example());
    }
    ledger.any_held(kNow);
    ledger.judged_at(kNow, false);
    FUZZ_CHECK(ledger.newest() >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const TempDir dir;
    static const std::string first = empty_ledger(dir, "first");
    static const std::string second = empty_ledger(dir, "second");
    if (size == 0) {
        return -1;
    }
    const bool own = (data[0] & 1) != 0;
    const std::int64_t latest = (data[0] & 2) != 0 ? kNow : kEver;
    const Lines lines = split_lines({reinterpret_cast<const char*>(data) + 1, size - 1});

    Lines exported;
    try {
        View one(first);
        if (one.import(lines, own, latest) == 0) {
            return 0;
        }
        exported = one.exported();
        ask(one.ledger);
        one.import(lines, own, latest);
        FUZZ_CHECK_SHOWN(one.exported() == exported, shown(exported) + "and then\n" + shown(one.exported()));
        FUZZ_CHECK(one.import(exported, false, kEver) == exported.size());
        FUZZ_CHECK_SHOWN(one.exported() == exported, shown(exported) + "and then\n" + shown(one.exported()));
    }
    catch (const LedgerError& error) {
        FUZZ_CHECK_SHOWN(own && error.id == FindingId::ledger_unreadable, error.what());  // of several machines
        return 0;
    }

    View other(second);
    FUZZ_CHECK_SHOWN(other.import(exported, false, kEver) == exported.size(), shown(exported));
    FUZZ_CHECK_SHOWN(other.exported() == exported, shown(exported) + "but\n" + shown(other.exported()));
    ask(other.ledger);
    return 0;
}
