#pragma once

#include "log/log.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::log {

/// How one line looks. Private to the module and its tests.
struct Style {
    bool json = false;
    bool colour = false;
};

/// A line is cut here, before its closing.
inline constexpr std::size_t longest_line = 8192;

/// Appends one line with its newline. Whatever the values contain, it is one line, without control characters, and in
/// JSON one valid object of valid UTF-8.
void append_line(std::string& out, Style style, std::int64_t unix_microseconds, Level level, std::string_view topic,
                 std::string_view message, Fields fields);

/// "(repeated 12 times) message"
void append_summary(std::string& out, Style style, std::int64_t unix_microseconds, Level level, std::string_view topic,
                    std::string_view event, std::uint64_t repeats);

/// How many bytes at the start of a line say when, so that equal lines can be told from different ones.
[[nodiscard]] std::size_t timestamp_length(Style style);

} // namespace fairlead::log
