#include "replace_file.hpp"

#include "../input.hpp"

#include "file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace hpkp::cli::rollover {

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what)
{
    throw InputError(path + " " + what + ": " + std::generic_category().message(errno) + "; nothing was changed");
}

/// A descriptor, closed with its object.
struct Descriptor {
    explicit Descriptor(int number) : number(number) {}
    ~Descriptor()
    {
        if (number >= 0) {
            ::close(number);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number;
};

bool write_all(int descriptor, const std::string& text)
{
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t n = ::write(descriptor, text.data() + done, text.size() - done);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        done += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    return true;
}

}  // namespace

FileBeside::FileBeside(const std::string& path, const std::string& text, bool same_owner)
{
    struct stat known {};
    if (::stat(path.c_str(), &known) != 0) {
        fail(path, "cannot be read");
    }
    const std::string name = std::filesystem::path(path).filename().string();
    std::string made = directory_of(path) + "/." + name + ".XXXXXX";
    const Descriptor file(::mkostemp(made.data(), O_CLOEXEC));
    if (file.number < 0) {
        fail(directory_of(path), "cannot be written to");
    }
    path_ = made;
    struct stat fresh {};
    const bool owned = ::fstat(file.number, &fresh) == 0
                       && (!same_owner || (fresh.st_uid == known.st_uid && fresh.st_gid == known.st_gid)
                           || ::fchown(file.number, known.st_uid, known.st_gid) == 0);
    if (!owned || ::fchmod(file.number, known.st_mode & 07777) != 0 || !write_all(file.number, text)
        || ::fsync(file.number) != 0) {
        const int reason = errno;
        ::unlink(path_.c_str());
        errno = reason;
        fail(path, owned ? "cannot be replaced" : "belongs to somebody else, and would belong to you");
    }
}

FileBeside::~FileBeside()
{
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
}

void replace_file(const std::string& path, const std::string& expected, const std::string& text)
{
    std::error_code error;
    const std::string target = std::filesystem::canonical(path, error).string();
    if (error) {
        throw InputError(path + " cannot be found: " + error.message());
    }
    FileBeside fresh(target, text, true);
    const FileContent now = read_file(target);
    if (!now.ok() || now.bytes != expected) {
        throw InputError(path + " was changed by somebody else meanwhile; nothing was written: try again");
    }
    if (::rename(fresh.path().c_str(), target.c_str()) != 0) {
        fail(path, "cannot be replaced");
    }
    fresh.keep();
    const Descriptor directory(::open(directory_of(target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ::fsync(directory.number);
}

}  // namespace hpkp::cli::rollover
