#include "turn/answer_budget.hpp"

#include <gtest/gtest.h>

namespace fairlead::turn {
namespace {

using namespace std::chrono_literals;

struct Budget {
    AnswerBudget budget{{}, 99};
    Instant now = Instant{} + 1000h;
    net::IpAddress source = net::IpAddress::v4(198, 51, 100, 7);

    int taken(int tries, const net::IpAddress& from) {
        int n = 0;
        for (int i = 0; i < tries; ++i) {
            n += budget.take(now, from) ? 1 : 0;
        }
        return n;
    }
    int taken(int tries) { return taken(tries, source); }
};

TEST(AnswerBudget, IsABurstAndThenARate) {
    Budget b;
    EXPECT_EQ(b.taken(3000), 20);
    b.now += 1s;
    EXPECT_EQ(b.taken(3000), 20);
    b.now += 250ms;
    EXPECT_EQ(b.taken(3000), 5);
    b.now += 1h;
    EXPECT_EQ(b.taken(3000), 20);
    EXPECT_GT(b.budget.refused(), 0U);
}

TEST(AnswerBudget, SourcesDoNotShareButAPrefixDoes) {
    Budget b;
    EXPECT_EQ(b.taken(100), 20);
    EXPECT_EQ(b.taken(100, net::IpAddress::v4(198, 51, 100, 8)), 20);
    EXPECT_EQ(b.taken(100, *net::IpAddress::parse("2001:db8:1:200::1")), 20);
    EXPECT_EQ(b.taken(100, *net::IpAddress::parse("2001:db8:1:2ff:1234::9")), 0);
    EXPECT_EQ(b.taken(100, *net::IpAddress::parse("2001:db8:1:300::1")), 20);
    EXPECT_EQ(b.budget.occupied(), 4U);
}

TEST(AnswerBudget, IsBoundedForAllTogether) {
    AnswerBudget budget({.burst = 20, .per_second = 20, .total_burst = 100, .total_per_second = 50}, 99);
    Instant now = Instant{} + 1000h;
    const auto flood = [&] {
        int taken = 0;
        for (unsigned i = 0; i < 100'000; ++i) {
            const auto source = net::IpAddress::v4(10, static_cast<std::uint8_t>(i >> 16U),
                                                   static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i));
            taken += budget.take(now, source) ? 1 : 0;
        }
        return taken;
    };
    EXPECT_EQ(flood(), 100);
    now += 1s;
    EXPECT_EQ(flood(), 50);
    EXPECT_LE(budget.occupied(), budget.buckets());
}

TEST(AnswerBudget, CyclingThroughAddressesRefillsNothing) {
    AnswerBudget budget({}, 99, 4);
    const Instant now = Instant{} + 1000h;
    int taken = 0;
    for (unsigned i = 0; i < 10'000; ++i) {
        taken += budget.take(
                     now, net::IpAddress::v4(10, 0, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)))
                     ? 1
                     : 0;
    }
    EXPECT_LE(taken, 4 * 20);
}

TEST(AnswerBudget, AuthenticatedSourceEarnsMore) {
    Budget b;
    EXPECT_EQ(b.taken(100), 20);
    for (int i = 0; i < 20; ++i) {
        b.budget.verified(b.now, b.source);
    }
    EXPECT_EQ(b.taken(1000), 200);
    for (int i = 0; i < 1000; ++i) {
        b.budget.verified(b.now, b.source);
    }
    EXPECT_EQ(b.taken(1000), 200);
}

} // namespace
} // namespace fairlead::turn
