// The files of a policy: whoever can write them can lock clients out.
#include "checks.hpp"

#include <sys/stat.h>

namespace hpkp {

void check_file_writable(const Site& site, Findings& findings)
{
    for (const PolicyFile& file : site.files) {
        for (const SourceFile& source : file.sources) {
            if ((source.mode & (S_IWGRP | S_IWOTH)) == 0) {
                continue;
            }
            const bool others = (source.mode & S_IWOTH) != 0;
            const bool is_place = source.named_at.text() == source.path;  // the policy file itself
            findings.emplace_back(FindingId::file_writable, source.named_at,
                                  (is_place ? "it" : source.path) + " can be written by "
                                      + (others ? "anybody" : "its group"),
                                  "chmod go-w " + source.path);
        }
    }
}

}  // namespace hpkp
