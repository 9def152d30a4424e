#pragma once

#include "config/node.hpp"

#include <optional>
#include <string_view>

namespace fairlead::config {

/// The largest configuration file that is read, in bytes.
inline constexpr std::size_t largest_file = std::size_t{1} << 20;

/// One YAML document as nodes whose origins carry `at`'s kind and name, and line and column of each value. Refused,
/// with a problem each: tabs in the indentation, a key that is twice in its mapping, a key that is not a plain text,
/// aliases, a second document, and whatever is not YAML. Nothing when there was any problem; an empty document is a
/// null node.
[[nodiscard]] std::optional<Node> parse_yaml(std::string_view text, const Origin& at, Problems& problems);

/// A value on one line, in flow style, that parse_yaml reads back as the same node.
[[nodiscard]] std::string write_flow(const Node& node);

} // namespace fairlead::config
