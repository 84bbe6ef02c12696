#include "trust_store.hpp"

#include "../file.hpp"
#include "../pem.hpp"

#include <dirent.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>

namespace hpkp {

namespace {

constexpr std::size_t kMaxBundleBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxHashedFiles = 10000;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using DirectoryPtr = std::unique_ptr<DIR, CloseDirectory>;

/// "2e5ac55d.0", as openssl rehash makes them. Lists of revoked certificates ("2e5ac55d.r0") are not.
bool is_hashed_name(std::string_view name)
{
    constexpr std::size_t kHashDigits = 8;
    const auto is_digit = [](unsigned char c) {
        return std::isdigit(c) != 0;
    };
    const auto is_hash_digit = [](unsigned char c) {
        return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f');
    };
    return name.size() > kHashDigits + 1 && name[kHashDigits] == '.'
           && std::all_of(name.begin(), name.begin() + kHashDigits, is_hash_digit)
           && std::all_of(name.begin() + kHashDigits + 1, name.end(), is_digit);
}

void read_bundle(const std::string& path, TrustStore& store)
{
    const FileContent bundle = read_file(path, kMaxBundleBytes);
    if (!bundle.ok()) {
        store.error = bundle.error;
        return;
    }
    store.certificates = read_pem_certificates(bundle.bytes, store.error);
}

void read_directory(DIR* directory, TrustStore& store)
{
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(directory);
        if (entry == nullptr) {
            break;
        }
        if (!is_hashed_name(entry->d_name)) {
            continue;
        }
        if (names.size() == kMaxHashedFiles) {
            store.error = "has more than " + std::to_string(kMaxHashedFiles) + " certificates";
            return;
        }
        names.emplace_back(entry->d_name);
    }
    if (errno != 0) {
        store.error = "cannot be read: " + std::generic_category().message(errno);
        return;
    }
    if (names.empty()) {
        store.error =
            "is a directory without certificates under hashed names (openssl rehash " + store.path + " makes them)";
        return;
    }
    // In the same order at every load.
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
        const FileContent file = read_file(store.path + "/" + name);
        std::string error = file.error;
        if (file.ok()) {
            const auto certificates = read_pem_certificates(file.bytes, error);
            store.certificates.insert(store.certificates.end(), certificates.begin(), certificates.end());
        }
        if (!error.empty()) {
            store.error = "holds " + name + ", which " + error;
            store.certificates.clear();
            return;
        }
    }
}

}  // namespace

TrustStore read_trust_store(const std::string& path)
{
    TrustStore store;
    store.path = path;
    const DirectoryPtr directory(::opendir(path.c_str()));
    if (directory) {
        read_directory(directory.get(), store);
    } else if (errno == ENOTDIR) {
        read_bundle(path, store);
    } else {
        store.error = "cannot be opened: " + std::generic_category().message(errno);
    }
    return store;
}

}  // namespace hpkp
