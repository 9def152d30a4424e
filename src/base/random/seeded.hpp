#pragma once

#include "random/random.hpp"

namespace fairlead {

/// A reproducible generator (xoshiro256**) for tests, simulation and replay. Predictable: never used by the server.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed);
    void fill(std::span<std::byte> into) override;

private:
    std::uint64_t step();
    std::uint64_t state_[4];
};

} // namespace fairlead
