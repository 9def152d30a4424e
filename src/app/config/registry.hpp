#pragma once

#include "config/model.hpp"
#include "config/node.hpp"

#include <functional>
#include <span>

namespace fairlead::config {

/// One option, declared once (registry.cpp). The readers of files, environment and flags, the dump, the help text, the
/// completion and docs/configuration.md are all made from this list.
struct Option {
    /// "turn.lifetimes.allocation-max"
    std::string path;
    /// What a value looks like: "duration", "list of addresses", "public-only, any or list".
    std::string type;
    /// What values are accepted beyond the type; empty: all.
    std::string range;
    std::string description;
    /// Read at start only; what the others name is read again on SIGHUP.
    bool needs_restart = true;
    /// Never shown and never taken from the command line itself: FAIRLEAD_X_FILE, --x-file and x-file name a file.
    bool secret = false;
    bool is_switch = false;
    bool is_list = false;
    /// Environment names that other programs use for the same thing.
    std::vector<std::string> aliases;
    /// What --dev sets when nobody else does.
    std::optional<Node> dev_default;

    /// Reads `value` into the model. Adds to `problems` and leaves the model alone when it cannot.
    std::function<bool(const Node& value, Model& model, Problems& problems)> read;
    std::function<Node(const Model& model)> write;

    /// "FAIRLEAD_TURN__LIFETIMES__ALLOCATION_MAX"
    [[nodiscard]] std::string environment() const;
    /// "--turn-lifetimes-allocation-max"
    [[nodiscard]] std::string flag() const;
    /// The last part of the path.
    [[nodiscard]] std::string_view leaf() const;
};

struct Section {
    std::string path;
    std::string description;
};

class Registry {
public:
    Registry();

    /// In the order of the document: every section before its options.
    [[nodiscard]] std::span<const Option> options() const { return options_; }
    [[nodiscard]] std::span<const Section> sections() const { return sections_; }
    [[nodiscard]] const Option* find(std::string_view path) const;
    [[nodiscard]] bool is_section(std::string_view path) const;
    /// The names of sections and options directly under `section` ("" is the root).
    [[nodiscard]] std::vector<std::string> children(std::string_view section) const;

private:
    friend class Declarations;
    std::vector<Option> options_;
    std::vector<Section> sections_;
};

/// The one instance: immutable, made at first use.
[[nodiscard]] const Registry& registry();

} // namespace fairlead::config
