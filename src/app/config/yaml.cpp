#include "config/yaml.hpp"

#include "text/ascii.hpp"
#include "text/format.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

namespace fairlead::config {

namespace {

/// Builds nodes from the parser's events. yaml-cpp's own tree forgets duplicate keys (the first wins) and has no place
/// for a file's name.
class Builder final : public YAML::EventHandler {
public:
    Builder(const Origin& at, Problems& problems) : at_(at), problems_(problems) {}

    [[nodiscard]] Node take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(null_at(mark)); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        complain(origin(mark), "aliases (*name) are not used here; write the value again");
        add(null_at(mark));
    }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string& value) override {
        add(Node::scalar(value, origin(mark)));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        open_.push_back({Node::sequence({}, origin(mark)), {}});
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
        open_.push_back({Node::mapping({}, origin(mark)), {}});
    }
    void OnMapEnd() override { close(); }

private:
    struct Open {
        Node node;
        std::optional<Node> key;
    };

    [[nodiscard]] Origin origin(const YAML::Mark& mark) const {
        Origin where = at_;
        where.line = static_cast<unsigned>(mark.line + 1);
        where.column = static_cast<unsigned>(mark.column + 1);
        return where;
    }

    [[nodiscard]] Node null_at(const YAML::Mark& mark) const {
        Node node;
        node.at = origin(mark);
        return node;
    }

    void complain(const Origin& where, std::string message) { problems_.push_back({where, {}, std::move(message)}); }

    void close() {
        Node done = std::move(open_.back().node);
        open_.pop_back();
        add(std::move(done));
    }

    void add(Node node) {
        if (open_.empty()) {
            root_ = std::move(node);
        } else if (auto& [parent, key] = open_.back(); parent.kind == Node::Kind::sequence) {
            parent.items.push_back(std::move(node));
        } else if (!key) {
            key = std::move(node);
        } else {
            add_entry(parent, *std::move(key), std::move(node));
            key.reset();
        }
    }

    void add_entry(Node& parent, Node key, Node value) {
        if (key.kind != Node::Kind::scalar) {
            complain(key.at, "a key must be a plain text");
            return;
        }
        const auto first =
            std::ranges::find(parent.entries, key.text, [](const Entry& entry) { return entry.key.text; });
        if (first != parent.entries.end()) {
            complain(key.at,
                     fmt::format("\"{}\" is here twice; it stands first in line {}", key.text, first->key.at.line));
            return;
        }
        if (value.kind == Node::Kind::null) {
            value.at = key.at; // The parser's mark of an absent value is where the next one begins.
        }
        parent.entries.push_back({std::move(key), std::move(value)});
    }

    Origin at_;
    Problems& problems_;
    Node root_;
    std::vector<Open> open_;
};

/// YAML's own message about a tab names the symptom that it leads to further down, so they are looked for first.
void find_tabs(std::string_view text, const Origin& at, Problems& problems) {
    Origin where = at;
    for (where.line = 1; !text.empty(); ++where.line) {
        const auto line = text.substr(0, text.find('\n'));
        const auto indent = line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
        if (const auto tab = indent.find('\t'); tab != std::string_view::npos && indent.size() < line.size()) {
            where.column = static_cast<unsigned>(tab + 1);
            problems.push_back({where, {}, "a tab; YAML is indented with spaces only"});
        }
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
}

bool is_plain(std::string_view text) {
    constexpr std::string_view null_words[] = {"~", "null", "Null", "NULL"};
    const auto harmless = [](char c) {
        return text::is_alpha(c) || text::is_digit(c) || c == '.' || c == '/' || c == '_' || c == '-' || c == '+';
    };
    return !text.empty() && text.front() != '-' && std::ranges::all_of(text, harmless) &&
           std::ranges::find(null_words, text) == std::end(null_words);
}

std::string quote(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        const auto code = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (code < 0x20 || code == 0x7f) {
            quoted += fmt::format("\\x{:02x}", code);
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

} // namespace

std::optional<Node> parse_yaml(std::string_view text, const Origin& at, Problems& problems) {
    const auto before = problems.size();
    find_tabs(text, at, problems);
    if (problems.size() != before) {
        return std::nullopt;
    }
    Builder builder(at, problems);
    try {
        std::istringstream input{std::string(text)};
        YAML::Parser parser(input);
        Builder rest(at, problems);
        if (parser.HandleNextDocument(builder) && parser.HandleNextDocument(rest)) {
            problems.push_back({rest.take_root().at, {}, "a second document; one file is one document"});
        }
    } catch (const YAML::Exception& error) {
        Origin where = at;
        if (!error.mark.is_null()) {
            where.line = static_cast<unsigned>(error.mark.line + 1);
            where.column = static_cast<unsigned>(error.mark.column + 1);
        }
        problems.push_back({where, {}, "not YAML: " + error.msg});
    }
    return problems.size() == before ? std::optional(builder.take_root()) : std::nullopt;
}

std::string write_flow(const Node& node) {
    std::string text;
    switch (node.kind) {
    case Node::Kind::null:
        return "~";
    case Node::Kind::scalar:
        return is_plain(node.text) ? node.text : quote(node.text);
    case Node::Kind::sequence:
        for (const Node& item : node.items) {
            text += (text.empty() ? "" : ", ") + write_flow(item);
        }
        return '[' + text + ']';
    case Node::Kind::mapping:
        for (const auto& [key, value] : node.entries) {
            text += (text.empty() ? "" : ", ") + write_flow(key) + ": " + write_flow(value);
        }
        return '{' + text + '}';
    }
    return text;
}

} // namespace fairlead::config
