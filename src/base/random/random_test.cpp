#include "random/seeded.hpp"

#include <gtest/gtest.h>

#include <array>

namespace fairlead {
namespace {

TEST(SeededRandom, SameSeedSameBytesOtherSeedOtherBytes) {
    std::array<std::byte, 37> a{};
    std::array<std::byte, 37> b{};
    std::array<std::byte, 37> c{};
    SeededRandom(1).fill(a);
    SeededRandom(1).fill(b);
    SeededRandom(2).fill(c);
    EXPECT_EQ(a, b);
    EXPECT_NE(a, c);
}

TEST(Random, BelowStaysBelowAndReachesEveryValue) {
    SeededRandom random(7);
    std::array<int, 5> seen{};
    for (int i = 0; i < 1000; ++i) {
        const auto value = random.below(5);
        ASSERT_LT(value, 5U);
        ++seen.at(value);
    }
    for (const int count : seen) {
        EXPECT_GT(count, 120);
    }
}

TEST(Random, BelowOneIsZero) {
    EXPECT_EQ(SeededRandom(3).below(1), 0U);
}

} // namespace
} // namespace fairlead
