#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::config {

/// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other (optimal string
/// alignment).
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

/// The candidate that was probably meant: the nearest one, at most a third of its letters away.
[[nodiscard]] std::optional<std::string> closest(std::string_view name, std::span<const std::string> candidates);

} // namespace fairlead::config
