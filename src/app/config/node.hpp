#pragma once

#include "config/origin.hpp"

#include <string>
#include <vector>

namespace fairlead::config {

struct Entry;

/// A value as some source spelled it, before an option has read it: the common form of files, environment and flags.
struct Node {
    enum class Kind : std::uint8_t { null, scalar, sequence, mapping };

    Kind kind = Kind::null;
    std::string text;           ///< scalar
    std::vector<Node> items;    ///< sequence
    std::vector<Entry> entries; ///< mapping, in the order of the source; keys are distinct
    Origin at;

    [[nodiscard]] static Node scalar(std::string text, Origin at = {});
    [[nodiscard]] static Node sequence(std::vector<Node> items, Origin at = {});
    [[nodiscard]] static Node mapping(std::vector<Entry> entries, Origin at = {});
};

struct Entry {
    Node key;
    Node value;
};

/// Something wrong, and where: one line for a person.
struct Problem {
    Origin at;
    /// The key path; empty where the problem is the source itself.
    std::string key;
    std::string message;

    /// "fairlead.yaml:3:5: turn.raelm: unknown key; did you mean \"realm\"?"
    [[nodiscard]] std::string to_string() const;
};
using Problems = std::vector<Problem>;

} // namespace fairlead::config
