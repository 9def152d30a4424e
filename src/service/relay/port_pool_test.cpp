#include "relay/port_pool.hpp"

#include "random/seeded.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace fairlead::relay {
namespace {

using std::chrono::seconds;

constexpr Instant start{};

void expect_conserved(const PortPool& pool, std::size_t held) {
    EXPECT_EQ(pool.free() + pool.taken() + pool.aside(), pool.size());
    EXPECT_EQ(pool.taken(), held);
}

TEST(PortPool, GivesEveryPortOnceAndThenNone) {
    SeededRandom random(1);
    PortPool pool({49152, 49251});
    std::vector<Port> held;
    std::set<std::uint16_t> numbers;
    while (auto port = pool.take(start, random)) {
        EXPECT_GE(port->number(), 49152);
        EXPECT_LE(port->number(), 49251);
        EXPECT_TRUE(numbers.insert(port->number()).second);
        held.push_back(std::move(*port));
        expect_conserved(pool, held.size());
    }
    EXPECT_EQ(numbers.size(), 100U);
    held.clear();
    EXPECT_EQ(pool.free(), 100U);
}

TEST(PortPool, ChoosesAtRandom) {
    SeededRandom random(2);
    PortPool pool({1000, 1009});
    std::map<std::uint16_t, int> drawn;
    for (int i = 0; i < 10'000; ++i) {
        ++drawn[pool.take(start, random)->number()];
    }
    ASSERT_EQ(drawn.size(), 10U);
    for (const auto& [port, times] : drawn) {
        EXPECT_NEAR(times, 1000, 150) << port;
    }
}

TEST(PortPool, TopOfThePortSpaceIsUsable) {
    SeededRandom random(3);
    PortPool pool({65534, 65535});
    const auto pair = pool.take_pair(start, random);
    ASSERT_TRUE(pair);
    EXPECT_EQ(pair->first.number(), 65534);
    EXPECT_EQ(pair->second.number(), 65535);
    EXPECT_FALSE(pool.take(start, random));
    PortPool last({65535, 65535});
    EXPECT_FALSE(last.take_even(start, random));
    EXPECT_EQ(last.take(start, random)->number(), 65535);
}

TEST(PortPool, EvenPortIsEvenAndPairIsAdjacent) {
    SeededRandom random(4);
    PortPool pool({1001, 1100});
    for (int i = 0; i < 1'000; ++i) {
        const auto even = pool.take_even(start, random);
        ASSERT_TRUE(even);
        EXPECT_EQ(even->number() % 2, 0);
        const auto pair = pool.take_pair(start, random);
        ASSERT_TRUE(pair);
        EXPECT_EQ(pair->first.number() % 2, 0);
        EXPECT_EQ(pair->first.number() + 1, pair->second.number());
        EXPECT_NE(pair->first.number(), 1100) << "its sibling is outside the range";
        expect_conserved(pool, 3);
    }
    EXPECT_EQ(pool.free(), 100U);
}

TEST(PortPool, PairNeedsBothHalves) {
    SeededRandom random(5);
    PortPool pool({1000, 1003});
    auto a = pool.take_pair(start, random);
    auto b = pool.take_pair(start, random);
    ASSERT_TRUE(a && b);
    EXPECT_FALSE(pool.take_pair(start, random));
    a->second.release();
    EXPECT_FALSE(pool.take_pair(start, random));
    EXPECT_FALSE(pool.take_even(start, random)) << "only an odd port is free";
    a->first.release();
    EXPECT_TRUE(pool.take_pair(start, random));
}

TEST(PortPool, ReservationCyclesLoseNothing) {
    SeededRandom random(6);
    PortPool pool({2000, 2063});
    for (int i = 0; i < 1'000; ++i) {
        auto pair = pool.take_pair(start, random);
        ASSERT_TRUE(pair);
        if (i % 2 == 0) {
            const Port allocation = std::move(pair->second); // the reservation is claimed and outlives the first
            pair->first.release();
            expect_conserved(pool, 1);
        }
    }
    EXPECT_EQ(pool.free(), 64U);
}

TEST(PortPool, PortThatWouldNotBindStaysOutForAWhile) {
    SeededRandom random(7);
    PortPool pool({1000, 1001});
    auto bad = pool.take(start, random);
    const auto number = bad->number();
    bad->set_aside(start + seconds{60});
    EXPECT_FALSE(bad->held());
    EXPECT_EQ(pool.aside(), 1U);
    expect_conserved(pool, 0);
    for (int i = 0; i < 50; ++i) {
        EXPECT_NE(pool.take(start + seconds{59}, random)->number(), number);
    }
    EXPECT_FALSE(pool.take_pair(start + seconds{59}, random));
    EXPECT_TRUE(pool.take_pair(start + seconds{60}, random));
    EXPECT_EQ(pool.aside(), 0U);
    EXPECT_EQ(pool.free(), 2U);
}

TEST(PortPool, MovedPortIsReturnedOnce) {
    SeededRandom random(8);
    PortPool pool({1000, 1009});
    Port a = std::move(*pool.take(start, random));
    Port b = std::move(a);
    EXPECT_FALSE(a.held()); // NOLINT(bugprone-use-after-move)
    a = std::move(b);
    expect_conserved(pool, 1);
    a = std::move(*pool.take(start, random));
    expect_conserved(pool, 1);
    a.release();
    a.release();
    expect_conserved(pool, 0);
}

TEST(PortPool, SlicesAreTheWholeRangeWithoutCuttingAPair) {
    for (const auto& [first, last] : {std::pair{49152, 65535}, {1001, 1100}, {1000, 1007}, {5, 65535}}) {
        for (std::size_t count = 1; count <= 4; ++count) {
            int expected = first;
            for (std::size_t i = 0; i < count; ++i) {
                const auto slice =
                    PortPool::slice({static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)}, i, count);
                ASSERT_TRUE(slice);
                EXPECT_EQ(slice->first, expected);
                EXPECT_TRUE(i == 0 || slice->first % 2 == 0);
                EXPECT_LE(slice->first, slice->last);
                expected = slice->last + 1;
            }
            EXPECT_EQ(expected, last + 1);
        }
    }
    EXPECT_FALSE(PortPool::slice({1000, 1003}, 0, 3));
    EXPECT_FALSE(PortPool::slice({1000, 1003}, 2, 2));
    EXPECT_FALSE(PortPool::slice({1000, 1003}, 0, 0));
}

TEST(PortPool, ConservesPortsOverAnyHistory) {
    SeededRandom random(9);
    PortPool pool({3001, 3080});
    std::vector<Port> held;
    Instant now = start;
    for (int step = 0; step < 20'000; ++step) {
        now += std::chrono::milliseconds{random.below(500)};
        switch (random.below(5)) {
        case 0:
            if (auto port = pool.take(now, random)) {
                held.push_back(std::move(*port));
            }
            break;
        case 1:
            if (auto port = pool.take_even(now, random)) {
                held.push_back(std::move(*port));
            }
            break;
        case 2:
            if (auto pair = pool.take_pair(now, random)) {
                held.push_back(std::move(pair->first));
                held.push_back(std::move(pair->second));
            }
            break;
        default:
            if (!held.empty()) {
                const auto victim = held.begin() + static_cast<std::ptrdiff_t>(random.below(held.size()));
                if (random.below(8) == 0) {
                    victim->set_aside(now + seconds{5});
                }
                held.erase(victim);
            }
        }
        std::set<std::uint16_t> distinct;
        for (const Port& port : held) {
            distinct.insert(port.number());
        }
        ASSERT_EQ(distinct.size(), held.size());
        ASSERT_EQ(pool.taken(), held.size());
    }
    held.clear();
    static_cast<void>(pool.take(now + seconds{6}, random));
    EXPECT_EQ(pool.free(), pool.size());
}

} // namespace
} // namespace fairlead::relay
