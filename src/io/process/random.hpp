#pragma once

#include "random/random.hpp"

namespace fairlead::process {

/// The kernel's generator (getrandom), read 4 KiB at a time into a buffer of the calling thread. Bytes are wiped from
/// the buffer as they are handed out; a child after fork() starts with an empty buffer. Every instance draws from the
/// same per-thread buffer, so instances are free and usable from any thread. Ends the process if getrandom fails.
class SystemRandom final : public Random {
public:
    void fill(std::span<std::byte> into) override;
};

} // namespace fairlead::process
