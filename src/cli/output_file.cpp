#include "output_file.hpp"

#include "file.hpp"
#include "input.hpp"
#include "output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>

namespace hpkp::cli {

namespace {

/// That of a file made by open(path, O_CREAT, 0666).
mode_t usual_mode()
{
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return 0666 & ~mask;
}

}  // namespace

OutputFile::OutputFile(const std::string& path, bool force) : path_(path)
{
    if (path.empty() || path == "-") {
        path_.clear();
        return;
    }
    struct stat known {};
    const bool exists = ::stat(path.c_str(), &known) == 0;
    if (exists && !S_ISREG(known.st_mode)) {
        // A pipe that nobody reads would keep us waiting.
        const int fd = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0) {
            fail(errno);
        }
        ::close(fd);
        file_.open(path, std::ios::binary);
        return;
    }
    if (exists && !force) {
        throw InputError(printable(path) + " is there already: give --force to replace it");
    }
    std::error_code error;
    const std::string target = exists ? std::filesystem::canonical(path, error).string() : path;
    if (error) {
        fail(error.value());
    }
    std::string beside = directory_of(target) + "/.hpkp-XXXXXX";
    const int fd = ::mkostemp(beside.data(), O_CLOEXEC);
    if (fd < 0) {
        fail(errno);
    }
    path_ = target;
    beside_ = beside;
    const bool fit = ::fchmod(fd, exists ? known.st_mode & 0777 : usual_mode()) == 0;
    const int reason = errno;
    ::close(fd);
    file_.open(beside_, std::ios::binary);
    if (!fit || !file_) {
        ::unlink(beside_.c_str());
        fail(fit ? errno : reason);
    }
}

OutputFile::~OutputFile()
{
    if (!beside_.empty()) {
        ::unlink(beside_.c_str());
    }
}

std::ostream& OutputFile::stream()
{
    return path_.empty() ? std::cout : file_;
}

void OutputFile::commit()
{
    if (path_.empty()) {
        return;  // main() looks at standard output
    }
    errno = 0;
    file_.close();
    if (!file_) {
        fail(errno);
    }
    if (beside_.empty()) {
        return;
    }
    const int fd = ::open(beside_.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) {
        ::close(fd);
    }
    if (!synced || ::rename(beside_.c_str(), path_.c_str()) != 0) {
        fail(errno);
    }
    beside_.clear();
}

void OutputFile::fail(int error) const
{
    throw InputError(printable(path_) + " cannot be written"
                     + (error == 0 ? "" : ": " + std::generic_category().message(error)));
}

void refuse_to_overwrite(const std::string& path, const std::string& input, const std::string& what)
{
    std::error_code error;
    if (!path.empty() && path != "-" && std::filesystem::equivalent(path, input, error)) {
        throw InputError(printable(path) + " is " + what + " itself");
    }
}

}  // namespace hpkp::cli
