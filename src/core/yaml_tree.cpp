#include "yaml_tree.hpp"

#include "utf8.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <streambuf>

namespace hpkp {

namespace {

/// policies > name > report-only > pins > pin is 5 deep; a ramp's steps are 6.
constexpr std::size_t kMaxDepth = 16;

/// A file of 1 MiB that is full of pins has 60,000; of policies as short as can be, 350,000.
constexpr std::size_t kMaxNodes = 400000;

/// Duplicate keys told of one file; more say nothing new.
constexpr std::size_t kMaxDuplicates = 20;

/// The text, and where yaml-cpp's marks are in it. Marks count bytes, places count characters as editors do.
class Source {
public:
    Source(const std::string& file, std::string_view text) : file_(file), text_(text)
    {
        line_starts_.push_back(0);
        for (std::size_t i = 0; i < text.size(); i++) {
            if (text[i] == '\n') {
                line_starts_.push_back(i + 1);
            }
        }
    }

    Place place_of(const YAML::Mark& mark) const
    {
        if (mark.is_null()) {
            return {file_, 1, 1};
        }
        // Marks come in order, so each is counted from the one before: a line may be as long as the file.
        const std::size_t offset = offset_of(mark);
        const std::size_t line_start = std::min(offset, line_starts_[line_of(mark)]);
        if (last_offset_ < line_start || last_offset_ > offset) {
            last_offset_ = line_start;
            last_column_ = 1;
        }
        last_column_ += utf8_count(text_.substr(last_offset_, offset - last_offset_));
        last_offset_ = offset;
        return {file_, static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(last_column_)};
    }

    /// Whether the quoted scalar that begins here is closed: yaml-cpp takes the end of the file for the closing quote.
    bool closes_quote(const YAML::Mark& mark) const
    {
        std::size_t begin = offset_of(mark);
        while (begin < text_.size() && text_[begin] == '&') {  // an anchor comes before
            begin = text_.find_first_not_of(" \r\n", text_.find_first_of(" \r\n", begin));
        }
        const char quote = begin < text_.size() ? text_[begin] : '\0';
        if (quote != '"' && quote != '\'') {
            return true;  // a block scalar
        }
        for (std::size_t i = begin + 1; i < text_.size(); i++) {
            if (quote == '"' && text_[i] == '\\') {
                i++;
            } else if (text_[i] == quote) {
                if (quote == '"' || i + 1 == text_.size() || text_[i + 1] != quote) {
                    return true;
                }
                i++;  // '' is a quote inside single quotes
            }
        }
        return false;
    }

private:
    std::size_t line_of(const YAML::Mark& mark) const
    {
        return std::min(static_cast<std::size_t>(mark.line), line_starts_.size() - 1);
    }
    std::size_t offset_of(const YAML::Mark& mark) const
    {
        return std::min(line_starts_[line_of(mark)] + static_cast<std::size_t>(mark.column), text_.size());
    }

    const std::string& file_;
    std::string_view text_;
    std::vector<std::size_t> line_starts_;
    mutable std::size_t last_offset_ = 0;
    mutable std::size_t last_column_ = 1;
};

/// Stops the parser: yaml-cpp lets an exception of a handler through.
struct Refusal {
    Place place;
    std::string what;
    std::string remedy;
};

/// Builds the tree from the parser's events. YAML::Node is not used because it follows aliases silently, merges
/// duplicate keys and forgets quotes.
class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(const Source& source, Findings& findings) : source_(source), findings_(findings) {}

    std::optional<YamlNode> take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(node(mark, YamlNode::Kind::null)); }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override
    {
        throw Refusal{source_.place_of(mark), "an alias (*name)", "write the value out where it is used"};
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override
    {
        // yaml-cpp gives plain scalars the tag "?" and quoted ones "!".
        refuse_tag(mark, tag);
        if (std::any_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
            throw Refusal{source_.place_of(mark), "a value with a control character or a line break",
                          "keep it on one line"};
        }
        YamlNode scalar = node(mark, YamlNode::Kind::scalar);
        scalar.scalar = value;
        scalar.quoted = tag == "!";
        if (scalar.quoted && !source_.closes_quote(mark)) {
            throw Refusal{scalar.place, "a quote that is never closed", "close it; was the file cut off?"};
        }
        add(std::move(scalar));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                         YAML::EmitterStyle::value) override
    {
        refuse_tag(mark, tag);
        open(mark, YamlNode::Kind::sequence);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override
    {
        refuse_tag(mark, tag);
        open(mark, YamlNode::Kind::map);
    }
    void OnMapEnd() override { close(); }

private:
    struct Level {
        YamlNode node;
        std::optional<YamlNode> key;  // of a map: read, its value not yet
        std::map<std::string, Place> keys;
    };

    YamlNode node(const YAML::Mark& mark, YamlNode::Kind kind) const
    {
        YamlNode made;
        made.kind = kind;
        made.place = source_.place_of(mark);
        return made;
    }

    void refuse_tag(const YAML::Mark& mark, const std::string& tag) const
    {
        if (!tag.empty() && tag != "?" && tag != "!") {
            throw Refusal{source_.place_of(mark), "a tag (!name)", "remove it: policies have none"};
        }
    }

    void open(const YAML::Mark& mark, YamlNode::Kind kind)
    {
        if (levels_.size() >= kMaxDepth) {
            throw Refusal{source_.place_of(mark), "nested deeper than any policy",
                          "remove the surplus brackets or indentation"};
        }
        levels_.push_back({node(mark, kind), std::nullopt, {}});
    }

    void close()
    {
        YamlNode closed = std::move(levels_.back().node);
        levels_.pop_back();
        add(std::move(closed));
    }

    void add(YamlNode child)
    {
        if (++nodes_ > kMaxNodes) {
            throw Refusal{child.place, "more values than any policy file has", "is this the right file?"};
        }
        if (levels_.empty()) {
            root_ = std::move(child);
            return;
        }
        Level& top = levels_.back();
        if (top.node.kind == YamlNode::Kind::sequence) {
            top.node.items.push_back(std::move(child));
            return;
        }
        if (!top.key) {
            if (child.kind != YamlNode::Kind::scalar) {
                throw Refusal{child.place, "a key that is " + std::string(kind_text(child.kind)),
                              "a key is a single word before a colon"};
            }
            top.key = std::move(child);
            return;
        }

        YamlNode key = std::move(*top.key);
        if (child.kind == YamlNode::Kind::null) {
            child.place = key.place;  // nothing has no place of its own
        }
        top.key.reset();
        const auto [first, is_new] = top.keys.emplace(key.scalar, key.place);
        if (!is_new && ++duplicates_ > kMaxDuplicates) {
            return;
        }
        if (!is_new) {
            findings_.emplace_back(FindingId::duplicate_key, key.place,
                                   "the key \"" + key.scalar + "\" stands at " + first->second.text() + " already",
                                   "remove one of the two");
            return;
        }
        top.node.entries.emplace_back(std::move(key), std::move(child));
    }

    const Source& source_;
    Findings& findings_;
    std::vector<Level> levels_;
    std::size_t nodes_ = 0;
    std::size_t duplicates_ = 0;
    std::optional<YamlNode> root_;
};

/// A stream over text that stays where it is.
class TextBuffer : public std::streambuf {
public:
    explicit TextBuffer(std::string_view text)
    {
        // The get area of a streambuf is not const; nothing writes to it.
        char* begin = const_cast<char*>(text.data());
        setg(begin, begin, begin + text.size());
    }
};

void add_syntax(Findings& findings, Place place, std::string what, std::string remedy)
{
    findings.emplace_back(FindingId::policy_syntax, std::move(place), std::move(what), std::move(remedy));
}

/// YAML has its own opinion of these bytes, and it differs between parsers. A policy needs none of them.
bool has_stray_bytes(const std::string& file, std::string_view text, Findings& findings)
{
    Place place{file, 1, 1};
    const auto refuse = [&](std::string what, std::string remedy) {
        add_syntax(findings, place, std::move(what), std::move(remedy));
        return true;
    };
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(text, i);
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool crlf = byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
        if (byte == '\t') {
            return refuse("a tab", "use spaces");
        }
        if (byte == 0) {
            return refuse("a NUL byte", "save the file as plain UTF-8 text");
        }
        if (length == 0) {
            return refuse("a byte that is not UTF-8", "save the file as plain UTF-8 text");
        }
        if ((byte < 0x20 && byte != '\n' && !crlf) || byte == 0x7f) {
            static constexpr char kHex[] = "0123456789abcdef";
            return refuse(std::string("a control character (0x") + kHex[byte >> 4] + kHex[byte & 15] + ")",
                          "save the file as plain UTF-8 text");
        }
        if (byte == '\n') {
            place.line++;
            place.column = 1;
        } else {
            place.column++;
        }
        i += length;
    }
    return false;
}

/// Where a second document begins. The parser does not say; in YAML, "---" or "..." at the start of a line is always a
/// document marker.
Place second_document(const std::string& file, std::string_view text)
{
    enum { before, inside, after } first = before;
    unsigned line = 0;
    while (!text.empty()) {
        line++;
        const std::size_t end = text.find('\n');
        const std::string_view current = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);

        const bool begins = current.substr(0, 3) == "---";
        const std::size_t word = current.find_first_not_of(begins ? "- \r" : " \r");
        const bool content = word != std::string_view::npos && current[word] != '#' && current[word] != '%';
        if (current.substr(0, 3) == "...") {
            first = first == inside ? after : first;
        } else if ((begins && first != before) || (content && first == after)) {
            return {file, line, 1};
        } else if (begins || content) {
            first = inside;
        }
    }
    return {file, line, 1};
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const
{
    for (const auto& [name, value] : entries) {
        if (name.scalar == key) {
            return &value;
        }
    }
    return nullptr;
}

std::string_view kind_text(YamlNode::Kind kind)
{
    switch (kind) {
    case YamlNode::Kind::null:
        return "nothing";
    case YamlNode::Kind::scalar:
        return "a single value";
    case YamlNode::Kind::sequence:
        return "a list";
    case YamlNode::Kind::map:
        return "a mapping";
    }
    return "";
}

std::optional<YamlNode> load_yaml(const std::string& file, std::string_view text, Findings& findings)
{
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
        text.remove_prefix(kByteOrderMark.size());
    }
    if (has_stray_bytes(file, text, findings)) {
        return std::nullopt;
    }

    const Source source(file, text);
    try {
        TextBuffer buffer(text);
        std::istream stream(&buffer);
        YAML::Parser parser(stream);
        TreeBuilder builder(source, findings);
        if (!parser.HandleNextDocument(builder)) {
            add_syntax(findings, {file, 1, 1}, "the file holds no policy", "begin with \"version: 1\"");
            return std::nullopt;
        }
        if (parser) {
            add_syntax(findings, second_document(file, text), "a second document",
                       "keep one document a file, with no second \"---\"");
            return std::nullopt;
        }
        return builder.take();
    }
    catch (const Refusal& refusal) {
        add_syntax(findings, refusal.place, refusal.what, refusal.remedy);
        return std::nullopt;
    }
    catch (const YAML::Exception& e) {
        add_syntax(findings, source.place_of(e.mark), "not readable as YAML: " + e.msg,
                   "mend the line; indentation and quotes are the usual causes");
        return std::nullopt;
    }
}

}  // namespace hpkp
