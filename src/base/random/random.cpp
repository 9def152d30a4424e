#include "random/random.hpp"

#include <array>
#include <bit>
#include <cassert>

namespace fairlead {

std::uint64_t Random::next_u64() {
    std::array<std::byte, sizeof(std::uint64_t)> raw{};
    fill(raw);
    return std::bit_cast<std::uint64_t>(raw);
}

std::uint32_t Random::next_u32() {
    return static_cast<std::uint32_t>(next_u64());
}

std::uint64_t Random::below(std::uint64_t bound) {
    assert(bound != 0);
    // Values under 2^64 mod bound would be one draw likelier than the others, so they are drawn again.
    const std::uint64_t unfair = (0 - bound) % bound;
    for (;;) {
        const std::uint64_t draw = next_u64();
        if (draw >= unfair) {
            return draw % bound;
        }
    }
}

} // namespace fairlead
