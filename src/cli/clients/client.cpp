#include "client.hpp"

namespace hpkp::cli {

std::string action_text(Action action)
{
    switch (action) {
    case Action::nothing:
        return "nothing";
    case Action::note:
        return "note";
    case Action::ignore:
        return "ignore";
    case Action::forget:
        return "forget";
    case Action::locked_out:
        break;
    }
    return "locked-out";
}

const std::vector<Client>& all_clients()
{
    static const std::vector<Client> clients = {
        {"rfc", "RFC 7469", judge_as_rfc},
        {"chromium", "Chromium before 72", judge_as_chromium},
        {"firefox", "Firefox before 72", judge_as_firefox},
        {"wget2", "GNU Wget2", judge_as_wget2},
    };
    return clients;
}

}  // namespace hpkp::cli
