#include "step.hpp"

#include "../output.hpp"

#include <algorithm>

namespace hpkp::cli::rollover {

const char* kind_text(Step::Kind kind)
{
    switch (kind) {
    case Step::Kind::add_backup:
        return "add-backup";
    case Step::Kind::reload:
        return "reload";
    case Step::Kind::serve:
        return "serve";
    case Step::Kind::retire:
        return "retire";
    case Step::Kind::drop:
        break;
    }
    return "drop";
}

std::string request_command(const std::vector<std::string>& hosts)
{
    std::string names;
    for (const std::string& host : hosts) {
        names += (names.empty() ? "DNS:" : ",DNS:") + host;
    }
    const std::string first = hosts.empty() ? "HOST" : hosts.front();
    return "openssl req -new -key BACKUP.key -subj " + shell_word("/CN=" + first) + " -addext "
           + shell_word("subjectAltName=" + (names.empty() ? "DNS:HOST" : names)) + " -out new.csr";
}

std::string Step::text() const
{
    const std::string of = !chain.empty() ? chain : pin != nullptr ? pin->label() : "";
    return kind_text(kind) + (of.empty() ? "" : " " + of);
}

const Step* Plan::next() const
{
    const auto found = std::find_if(steps.begin(), steps.end(), [](const Step& step) { return step.next; });
    return found == steps.end() ? nullptr : &*found;
}

}  // namespace hpkp::cli::rollover
