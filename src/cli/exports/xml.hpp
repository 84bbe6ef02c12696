// XML as the mobile platforms read it: indented, escaped, with comments.
#pragma once

#include "export.hpp"

#include <string>
#include <utility>
#include <vector>

namespace hpkp::cli {

class XmlWriter {
public:
    using Attributes = std::vector<std::pair<const char*, std::string>>;

    XmlWriter() : text_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

    /// As it stands, such as a DOCTYPE.
    void line(const std::string& text) { text_ += indent() + text + "\n"; }
    void comment(const std::string& text);
    void open(const char* name, const Attributes& attributes = {});
    void close();
    /// <name>text</name>, or <name/> without a text; what it is, in a comment behind it, if that is not empty.
    void element(const char* name, const std::string& text, const Attributes& attributes = {},
                 const std::string& remark = "");

    const std::string& text() const { return text_; }

private:
    std::string indent() const { return std::string(open_.size() * 4, ' '); }

    std::string text_;
    std::vector<const char*> open_;
};

/// A property list, open for the keys of its dictionary.
class PlistWriter {
public:
    /// Begins with what the list is for.
    explicit PlistWriter(const std::string& comment);

    void open(const std::string& key);
    void close() { xml_.close(); }
    void boolean(const std::string& key, bool value);
    void string(const std::string& key, const std::string& value);
    void strings(const std::string& key, const std::vector<std::string>& values);
    /// The pins as strings, or, with `wrapped_in`, each as a dictionary whose only key that is.
    void pins(const std::string& key, const Export& exported, const char* wrapped_in = nullptr);
    /// Ends the list.
    std::string finish();

private:
    XmlWriter xml_;
};

/// Android's network security config; with TrustKit's own element if `trustkit`. In android.cpp.
std::string network_security_config(const Export& exported, bool trustkit);

}  // namespace hpkp::cli
