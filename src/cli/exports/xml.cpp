#include "xml.hpp"

#include "text.hpp"

namespace hpkp::cli {

namespace {

/// "<name key="value"", without its end.
std::string begin_of_tag(const char* name, const XmlWriter::Attributes& attributes)
{
    std::string tag = std::string("<") + name;
    for (const auto& [key, value] : attributes) {
        tag += std::string(" ") + key + "=\"" + xml_text(value) + "\"";
    }
    return tag;
}

}  // namespace

void XmlWriter::comment(const std::string& text)
{
    line("<!-- " + comment_text(text) + " -->");
}

void XmlWriter::open(const char* name, const Attributes& attributes)
{
    line(begin_of_tag(name, attributes) + ">");
    open_.push_back(name);
}

void XmlWriter::close()
{
    const std::string name = open_.back();
    open_.pop_back();
    line("</" + name + ">");
}

void XmlWriter::element(const char* name, const std::string& text, const Attributes& attributes,
                        const std::string& remark)
{
    std::string tag = begin_of_tag(name, attributes);
    tag += text.empty() ? "/>" : ">" + xml_text(text) + "</" + name + ">";
    line(tag + (remark.empty() ? "" : " <!-- " + comment_text(remark) + " -->"));
}

PlistWriter::PlistWriter(const std::string& comment)
{
    xml_.line("<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
              "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">");
    xml_.comment(comment);
    xml_.open("plist", {{"version", "1.0"}});
    xml_.open("dict");
}

void PlistWriter::open(const std::string& key)
{
    xml_.element("key", key);
    xml_.open("dict");
}

void PlistWriter::boolean(const std::string& key, bool value)
{
    xml_.element("key", key);
    xml_.element(value ? "true" : "false", "");
}

void PlistWriter::string(const std::string& key, const std::string& value)
{
    xml_.element("key", key);
    xml_.element("string", value);
}

void PlistWriter::strings(const std::string& key, const std::vector<std::string>& values)
{
    xml_.element("key", key);
    xml_.open("array");
    for (const std::string& value : values) {
        xml_.element("string", value);
    }
    xml_.close();
}

void PlistWriter::pins(const std::string& key, const Export& exported, const char* wrapped_in)
{
    xml_.element("key", key);
    xml_.open("array");
    for (const ExportPin& pin : exported.pins) {
        if (wrapped_in != nullptr) {
            xml_.open("dict");
            xml_.element("key", wrapped_in);
        }
        xml_.element("string", pin.pin.pin.base64(), {}, pin.pin.name);
        if (wrapped_in != nullptr) {
            xml_.close();
        }
    }
    xml_.close();
}

std::string PlistWriter::finish()
{
    xml_.close();
    xml_.close();
    return xml_.text();
}

}  // namespace hpkp::cli
