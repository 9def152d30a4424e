#pragma once

#include "text/format.hpp"

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace fairlead::log {

enum class Level : std::uint8_t { debug, info, warn, error, off };
[[nodiscard]] std::string_view describe(Level level);
/// "debug", "info", "warn" or "warning", "error", "off". False for anything else.
[[nodiscard]] bool parse_level(std::string_view text, Level& into);

/// A key and its value. Text is referenced, not copied: build fields in the call itself.
struct Field {
    using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
    std::string_view key;
    Value value;

    template <class T>
    Field(std::string_view k, const T& v) : key(k), value(to_value(v)) {}

private:
    template <class T>
    static Value to_value(const T& v) {
        if constexpr (std::same_as<T, bool>) {
            return v;
        } else if constexpr (std::signed_integral<T>) {
            return static_cast<std::int64_t>(v);
        } else if constexpr (std::unsigned_integral<T>) {
            return static_cast<std::uint64_t>(v);
        } else if constexpr (std::floating_point<T>) {
            return static_cast<double>(v);
        } else {
            return std::string_view(v);
        }
    }
};
using Fields = std::initializer_list<Field>;

enum class Format : std::uint8_t {
    automatic, ///< coloured text when the destination is a terminal, else JSON lines
    text,      ///< one line, "2026-01-02T03:04:05.678Z INFO turn: message key=value"
    json,      ///< one object per line: ts, level, topic, event, then the fields
};

struct Options {
    int descriptor = 2; ///< borrowed
    Format format = Format::automatic;
    Level level = Level::info;
    /// More lines of one event (same topic and same format string) in a second are counted and summed up; 0: no limit.
    std::uint32_t lines_per_event_and_second = 200;
    /// Lines waiting for a slow destination. Beyond it lines are dropped and the loss is reported afterwards.
    std::size_t queue_bytes = std::size_t{1} << 20U;
};

/// Sets where and how lines go, and starts the writer thread: from here on no caller ever waits for the destination.
/// Before, and after stop(), lines are written by the caller (command-line tools need nothing else).
void start(const Options& options);
/// Writes what is queued, for at most two seconds, and ends the writer thread.
void stop();
/// A file was rotated or the configuration changed: further lines go to `descriptor` (borrowed).
void redirect(int descriptor);

/// The level of all topics without one of their own. Safe from any thread.
void set_level(Level level);
void set_level(std::string_view topic, Level level);
[[nodiscard]] bool enabled(std::string_view topic, Level level);

/// Lines dropped because the destination was too slow, and lines folded into "repeated" ones.
[[nodiscard]] std::uint64_t lines_dropped();
[[nodiscard]] std::uint64_t lines_folded();

/// The one sink. `event` groups lines for the rate limit: the format string or the message itself. Control characters
/// and escape sequences are escaped, lines are cut at 8 KiB. Safe from any thread.
void write(Level level, std::string_view topic, std::string_view event, std::string_view message, Fields fields);

namespace detail {
void vwrite(Level level, std::string_view topic, fmt::string_view format, fmt::format_args args);
}

/// log::info("turn", "listening on {}", address);
/// log::info("turn", "allocation created", {{"client", client}, {"lifetime", 600}});
template <class... Args>
void debug(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(topic, Level::debug)) {
        detail::vwrite(Level::debug, topic, format, fmt::make_format_args(args...));
    }
}
template <class... Args>
void info(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(topic, Level::info)) {
        detail::vwrite(Level::info, topic, format, fmt::make_format_args(args...));
    }
}
template <class... Args>
void warn(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(topic, Level::warn)) {
        detail::vwrite(Level::warn, topic, format, fmt::make_format_args(args...));
    }
}
template <class... Args>
void error(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(topic, Level::error)) {
        detail::vwrite(Level::error, topic, format, fmt::make_format_args(args...));
    }
}

inline void debug(std::string_view topic, std::string_view event, Fields fields) {
    write(Level::debug, topic, event, event, fields);
}
inline void info(std::string_view topic, std::string_view event, Fields fields) {
    write(Level::info, topic, event, event, fields);
}
inline void warn(std::string_view topic, std::string_view event, Fields fields) {
    write(Level::warn, topic, event, event, fields);
}
inline void error(std::string_view topic, std::string_view event, Fields fields) {
    write(Level::error, topic, event, event, fields);
}

} // namespace fairlead::log
