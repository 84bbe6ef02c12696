// --help, the manual pages and the bash completion, all made from the same definitions.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace hpkp::cli {

/// What `command --help` prints. Ours and not CLI11's: each of its releases lays a help out in another way, and some
/// break the lines of a footer, so that no list or example is left in it.
std::string help(const CLI::App& command);

/// The manual page, section 1, in troff's man macros: of the program (hpkp.1) where `command` is null, else of this
/// command of it (hpkp-NAME.1), with those below it. A description's first line becomes NAME; its other lines and the
/// footer follow in DESCRIPTION: a blank line starts a paragraph, an indented "  word  text" is an item of a list,
/// other indented lines stay as they are.
std::string man_page(const CLI::App& program, const CLI::App* command);

/// A file for bash to source: completes commands, options and the values of IsMember checks; files elsewhere. Needs
/// nothing but bash itself, 4.0 or later.
std::string bash_completion(const CLI::App& program);

}  // namespace hpkp::cli
