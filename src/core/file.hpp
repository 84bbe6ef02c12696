// Files of anybody's making, read whole and within a bound.
#pragma once

#include <cstddef>
#include <string>
#include <sys/types.h>

namespace hpkp {

/// Larger policy, pin and chain files are refused (spec of the policy file: 1 MiB).
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;

struct FileContent {
    std::string bytes;
    mode_t mode = 0;    // as fstat() of the file that was read
    std::string error;  // why it could not be read; empty if it was
    bool too_large = false;
    bool ok() const { return error.empty(); }
};

/// Reads a regular file of at most `limit` bytes. Never waits: a FIFO, a device, a socket or a directory is an error,
/// as is a file that grows past the limit while it is read.
FileContent read_file(const std::string& path, std::size_t limit = kMaxFileBytes);

/// `name` as seen from the directory of `base_file`; absolute names stay as they are.
std::string relative_to(const std::string& base_file, const std::string& name);

/// A path that means the same from everywhere: seen from the current directory, if it is relative. ".." stays
/// where a symbolic link is before it: what it leads to is for the kernel to say.
std::string absolute_path(const std::string& path);

/// The directory part of a path, "." if it has none.
std::string directory_of(const std::string& path);

}  // namespace hpkp
