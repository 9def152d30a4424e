#pragma once

#include "options.hpp"

#include <string>

namespace fairlead::load {

/// Each mode runs one case and returns its result as one line of JSON. All throw std::runtime_error with what went
/// wrong when the server does not do its part.

/// Relays packets at a rate, or as fast as they come back: CPU per delivered packet, loss, latency.
[[nodiscard]] std::string relay(const Options& options);
/// Relay with every packet timed, after the same packets went directly from one socket to the other: what the server
/// adds.
[[nodiscard]] std::string latency(const Options& options);
/// Makes allocations with permission and channel as fast as they come: CPU per allocation.
[[nodiscard]] std::string allocate(const Options& options);
/// Makes allocations and leaves them alone: memory per allocation, in the process and in the kernel's slabs.
[[nodiscard]] std::string idle(const Options& options);
/// Starts the server again and again: time from exec to the first answer to a Binding request, and from SIGTERM to the
/// end.
[[nodiscard]] std::string listening(const Options& options);

} // namespace fairlead::load
