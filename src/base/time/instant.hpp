#pragma once

#include <chrono>
#include <cstdint>

namespace fairlead {

/// A point on the monotonic clock. Below io this is only ever a parameter; nothing there may ask for the time.
using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// The deadline of a machine that waits for nothing.
inline constexpr Instant never = Instant::max();

/// Seconds since 1970-01-01T00:00:00Z, wherever a protocol speaks of wall time (ephemeral usernames, nonces, tokens).
using UnixTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

[[nodiscard]] constexpr UnixTime unix_time(std::int64_t seconds) {
    return UnixTime{std::chrono::seconds{seconds}};
}
[[nodiscard]] constexpr std::int64_t unix_seconds(UnixTime t) {
    return t.time_since_epoch().count();
}

/// What a machine that needs both clocks is handed, read once per turn of the loop.
struct Now {
    Instant steady;
    UnixTime unix;
};

} // namespace fairlead
