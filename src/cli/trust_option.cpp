#include "trust_option.hpp"

#include "input.hpp"
#include "output.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace hpkp::cli {

void add_trust(CLI::App& command, std::vector<std::string>& given, const std::string& instead_of)
{
    command
        .add_option("--trust", given,
                    "A store of roots, a PEM bundle or a hashed directory, instead of " + instead_of + "; may repeat")
        ->type_name("NAME=FILE");
}

TrustStores trust_of(const std::vector<std::string>& given)
{
    TrustStores stores;
    for (const std::string& text : given) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
            throw InputError("--trust \"" + text + "\" is not NAME=FILE");
        }
        const std::string name = text.substr(0, equals);
        if (name != printable(name, name.size())) {
            throw InputError("the name in --trust \"" + printable(text) + "\" has control characters, or is no UTF-8");
        }
        const std::string file = text.substr(equals + 1);
        if (::access(file.c_str(), R_OK) != 0) {
            throw InputError("--trust " + name + ": " + file
                             + " cannot be opened: " + std::generic_category().message(errno));
        }
        if (!stores.emplace(name, file).second) {
            throw InputError("--trust names \"" + name + "\" twice");
        }
    }
    return stores;
}

}  // namespace hpkp::cli
