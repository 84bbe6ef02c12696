#include "file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace hpkp {

namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor()
    {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

std::string reason(int error)
{
    return std::generic_category().message(error);
}

std::string too_large(std::size_t limit)
{
    return "is larger than " + std::to_string(limit) + " bytes";
}

}  // namespace

FileContent read_file(const std::string& path, std::size_t limit)
{
    FileContent content;
    if (path.find('\0') != std::string::npos) {
        content.error = "has a NUL byte in its name";
        return content;
    }

    // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (fd.get() < 0) {
        content.error = "cannot be opened: " + reason(errno);
        return content;
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
        content.error = "cannot be read: " + reason(errno);
        return content;
    }
    if (!S_ISREG(status.st_mode)) {
        content.error = S_ISDIR(status.st_mode) ? "is a directory" : "is not a regular file";
        return content;
    }
    content.mode = status.st_mode;
    if (status.st_size > static_cast<off_t>(limit)) {
        content.error = too_large(limit);
        content.too_large = true;
        return content;
    }

    char buffer[16384];
    for (;;) {
        const ssize_t n = ::read(fd.get(), buffer, sizeof(buffer));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            content.error = "cannot be read: " + reason(errno);
            return content;
        }
        if (n == 0) {
            return content;
        }
        if (content.bytes.size() + static_cast<std::size_t>(n) > limit) {
            content.error = too_large(limit);
            content.too_large = true;
            return content;
        }
        content.bytes.append(buffer, static_cast<std::size_t>(n));
    }
}

std::string absolute_path(const std::string& path)
{
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path, error);
    if (error) {
        return path;
    }
    std::filesystem::path result;
    for (const auto& part : absolute) {
        if (part == ".." && result.filename() != ".." && !std::filesystem::is_symlink(result, error)) {
            result = result.parent_path();
        } else if (part != ".") {
            result /= part;
        }
    }
    return result.string();
}

std::string directory_of(const std::string& path)
{
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
        return ".";
    }
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string relative_to(const std::string& base_file, const std::string& name)
{
    if (!name.empty() && name.front() == '/') {
        return name;
    }
    const std::string directory = directory_of(base_file);
    return directory == "/" ? "/" + name : directory + "/" + name;
}

}  // namespace hpkp
