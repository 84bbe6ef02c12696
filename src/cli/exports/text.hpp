// Text from a policy as it may stand in somebody else's format.
#pragma once

#include <string>

namespace hpkp::cli {

/// For element content and attributes in double quotes. Control characters, which XML cannot have, become "?".
std::string xml_text(const std::string& text);

/// A string literal of Kotlin, with its quotes.
std::string kotlin_string(const std::string& text);

/// A double-quoted scalar of YAML, with its quotes.
std::string yaml_string(const std::string& text);

/// One line of a comment in any of them, in a zone file and in Java, which reads \u escapes even there. At most 100
/// bytes.
std::string comment_text(const std::string& text);

}  // namespace hpkp::cli
