// Files that the commands write where they are told to.
#pragma once

#include <fstream>
#include <string>

namespace hpkp::cli {

/// A file that is there whole or not at all: written beside its place and renamed by commit(). One that is there
/// already is refused, or under `force` replaced by one with its mode. "" and "-" are standard output; what is no
/// regular file (a device, a pipe that somebody reads) is written to as it is. Throws InputError.
class OutputFile {
public:
    OutputFile(const std::string& path, bool force);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    std::ostream& stream();
    void commit();

private:
    [[noreturn]] void fail(int error) const;

    std::string path_;
    std::string beside_;  // empty: nothing to rename
    std::ofstream file_;
};

/// Throws InputError if `path` is, by whatever name, the file `input` that the command reads.
void refuse_to_overwrite(const std::string& path, const std::string& input, const std::string& what);

}  // namespace hpkp::cli
