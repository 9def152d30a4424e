#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fairlead {

/// Where pure code gets its randomness: the system's generator in io, a seeded one in tests and simulation.
class Random {
public:
    virtual ~Random() = default;

    /// Fills `into` with unpredictable bytes. Never fails: an implementation that cannot deliver ends the process.
    virtual void fill(std::span<std::byte> into) = 0;

    [[nodiscard]] std::uint64_t next_u64();
    [[nodiscard]] std::uint32_t next_u32();

    /// Uniform in [0, bound), without modulo bias. `bound` must not be 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound);
};

} // namespace fairlead
