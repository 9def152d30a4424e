#pragma once

#include "time/instant.hpp"

#include <cstdint>

namespace fairlead::process {

/// The only readers of the clock in the tree. A loop reads once per turn (loop::Loop::now) and hands the value down;
/// everything below io gets time as a parameter.
[[nodiscard]] Now now();
[[nodiscard]] Instant steady_now();
[[nodiscard]] UnixTime unix_now();

/// Microseconds since 1970-01-01T00:00:00Z, for timestamps in log lines.
[[nodiscard]] std::int64_t unix_microseconds();

} // namespace fairlead::process
