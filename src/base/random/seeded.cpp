#include "random/seeded.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace fairlead {

namespace {

// SplitMix64: spreads a small seed over the state, as the authors of xoshiro ask for (https://prng.di.unimi.it/).
std::uint64_t split_mix(std::uint64_t& x) {
    x += 0x9e3779b97f4a7c15U;
    std::uint64_t z = x;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

} // namespace

SeededRandom::SeededRandom(std::uint64_t seed) : state_{} {
    for (auto& word : state_) {
        word = split_mix(seed);
    }
}

std::uint64_t SeededRandom::step() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

void SeededRandom::fill(std::span<std::byte> into) {
    while (!into.empty()) {
        const auto word = std::bit_cast<std::array<std::byte, 8>>(step());
        const std::size_t n = std::min(into.size(), word.size());
        std::copy_n(word.begin(), n, into.begin());
        into = into.subspan(n);
    }
}

} // namespace fairlead
