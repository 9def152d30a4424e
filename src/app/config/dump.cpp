#include "config/dump.hpp"

#include "config/registry.hpp"
#include "config/yaml.hpp"
#include "text/format.hpp"

#include <algorithm>

namespace fairlead::config {

namespace {

std::size_t depth(std::string_view path) {
    return static_cast<std::size_t>(std::ranges::count(path, '.'));
}

std::string_view leaf(std::string_view path) {
    return path.substr(path.rfind('.') + 1);
}

std::string_view parent(std::string_view path) {
    return path.substr(0, path.rfind('.'));
}

std::size_t count(const Node& node) {
    return std::max(node.items.size(), node.entries.size());
}

class Dumper {
public:
    Dumper(const Model& model, DumpOptions options) : model_(model), options_(options) {}

    std::string run() {
        for (const Section& section : registry().sections()) {
            text_ += fmt::format("{:{}}{}:\n", "", 2 * depth(section.path), leaf(section.path));
            for (const Option& option : registry().options()) {
                if (parent(option.path) == section.path) {
                    write(option);
                }
            }
        }
        return std::move(text_);
    }

private:
    void write(const Option& option) {
        const Node value = option.write(model_);
        const auto indent = 2 * depth(option.path);
        auto line = option.secret ? redacted(option, count(value), indent)
                                  : fmt::format("{:{}}{}: {}", "", indent, option.leaf(), write_flow(value));
        if (options_.origin) {
            constexpr std::size_t comment_column = 44;
            line = fmt::format("{:<{}} # {}", line, comment_column, model_.origins.of(option.path).to_string());
        }
        text_ += line + '\n';
    }

    static std::string redacted(const Option& option, std::size_t values, std::size_t indent) {
        return values == 0 ? fmt::format("{:{}}{}: []", "", indent, option.leaf())
                           : fmt::format("{:{}}# {}: {} not shown", "", indent, option.leaf(), values);
    }

    const Model& model_;
    DumpOptions options_;
    std::string text_;
};

} // namespace

std::string dump(const Model& model, DumpOptions options) {
    return Dumper(model, options).run();
}

std::string default_text(const Option& option) {
    static const Model defaults;
    const Node value = option.write(defaults);
    const bool empty = value.kind == Node::Kind::scalar ? value.text.empty() : count(value) == 0;
    return empty ? "" : write_flow(value);
}

std::string dev_default_text(const Option& option) {
    return option.dev_default ? write_flow(*option.dev_default) : std::string();
}

} // namespace fairlead::config
