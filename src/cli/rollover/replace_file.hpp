// A file's content, replaced in one step.
#pragma once

#include <string>
#include <sys/types.h>

namespace hpkp::cli::rollover {

/// Puts `text` in the place of what the file has, if that still is `expected`: written beside it, synced, renamed; with
/// the mode and the owner that it has. Of a symbolic link the target is replaced. Throws InputError, and the file is as
/// before.
void replace_file(const std::string& path, const std::string& expected, const std::string& text);

/// A file beside another, with the same mode, for as long as the object lives; with `same_owner` it has its owner too,
/// or is not made.
class FileBeside {
public:
    /// Throws InputError.
    FileBeside(const std::string& path, const std::string& text, bool same_owner);
    ~FileBeside();
    FileBeside(const FileBeside&) = delete;
    FileBeside& operator=(const FileBeside&) = delete;

    const std::string& path() const { return path_; }
    /// It has been renamed: there is nothing to remove.
    void keep() { path_.clear(); }

private:
    std::string path_;
};

}  // namespace hpkp::cli::rollover
