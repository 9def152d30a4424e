#include "relay/quota.hpp"

#include "random/seeded.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace fairlead::relay {
namespace {

using turn::QuotaAnswer;

TEST(QuotaLedger, CountsPerUserAndRealm) {
    QuotaLedger ledger({.per_user = 2});
    EXPECT_EQ(ledger.take("a.org", "alice"), QuotaAnswer::granted);
    EXPECT_EQ(ledger.take("a.org", "alice"), QuotaAnswer::granted);
    EXPECT_EQ(ledger.take("a.org", "alice"), QuotaAnswer::user_limit);
    EXPECT_EQ(ledger.take("a.org", "bob"), QuotaAnswer::granted);
    EXPECT_EQ(ledger.take("b.org", "alice"), QuotaAnswer::granted) << "another realm's alice is somebody else";
    ledger.give_back("a.org", "alice");
    EXPECT_EQ(ledger.take("a.org", "alice"), QuotaAnswer::granted);
    EXPECT_EQ(ledger.in_use("a.org", "alice"), 2U);
    EXPECT_EQ(ledger.in_use("a.org"), 3U);
    EXPECT_EQ(ledger.in_use(), 4U);
}

TEST(QuotaLedger, TwentyPerUserUnlessSaidOtherwise) {
    QuotaLedger ledger;
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(ledger.take("r", "u"), QuotaAnswer::granted);
    }
    EXPECT_EQ(ledger.take("r", "u"), QuotaAnswer::user_limit);
}

TEST(QuotaLedger, RealmAndTotalAreCapacity) {
    QuotaLedger ledger({.per_user = 0, .per_realm = 2, .total = 3});
    EXPECT_EQ(ledger.take("a", "x"), QuotaAnswer::granted);
    EXPECT_EQ(ledger.take("a", "x"), QuotaAnswer::granted);
    EXPECT_EQ(ledger.take("a", "y"), QuotaAnswer::capacity_limit);
    EXPECT_EQ(ledger.take("b", "x"), QuotaAnswer::granted);
    EXPECT_EQ(ledger.take("b", "x"), QuotaAnswer::capacity_limit);
    ledger.give_back("a", "x");
    EXPECT_EQ(ledger.take("b", "x"), QuotaAnswer::granted);
}

TEST(QuotaLedger, RealmMayHaveLimitsOfItsOwn) {
    QuotaLedger ledger({.per_user = 1, .total = 10});
    ledger.set_realm_limits("big", {.per_user = 3, .per_realm = 0, .total = 0});
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(ledger.take("big", "u"), QuotaAnswer::granted);
    }
    EXPECT_EQ(ledger.take("big", "u"), QuotaAnswer::user_limit);
    EXPECT_EQ(ledger.take("small", "u"), QuotaAnswer::granted);
    EXPECT_EQ(ledger.take("small", "u"), QuotaAnswer::user_limit);
}

TEST(QuotaLedger, LowerLimitsThrowNobodyOut) {
    QuotaLedger ledger({.per_user = 5});
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(ledger.take("r", "u"), QuotaAnswer::granted);
    }
    ledger.set_limits({.per_user = 2});
    EXPECT_EQ(ledger.in_use("r", "u"), 5U);
    for (int i = 0; i < 3; ++i) {
        ledger.give_back("r", "u");
        EXPECT_EQ(ledger.take("r", "u"), QuotaAnswer::user_limit);
    }
    ledger.give_back("r", "u");
    EXPECT_EQ(ledger.take("r", "u"), QuotaAnswer::granted);
}

TEST(QuotaLedger, HoldGivesBackExactlyOnce) {
    QuotaLedger ledger;
    {
        ASSERT_EQ(ledger.take("r", "u"), QuotaAnswer::granted);
        turn::QuotaHold hold(ledger, "r", "u");
        turn::QuotaHold moved = std::move(hold);
        EXPECT_EQ(ledger.in_use(), 1U);
        moved.release();
        EXPECT_EQ(ledger.in_use(), 0U);
    }
    EXPECT_EQ(ledger.in_use(), 0U);
}

TEST(QuotaLedger, AgreesWithASimpleModelOverAnyHistory) {
    SeededRandom random(3);
    QuotaLedger ledger({.per_user = 3, .per_realm = 0, .total = 12});
    std::map<std::string, std::size_t> model;
    std::vector<std::string> held;
    const std::vector<std::string> users = {"a", "b", "c", "d", "e", "f"};
    for (int step = 0; step < 20'000; ++step) {
        if (random.below(2) == 0 || held.empty()) {
            const auto& user = users[random.below(users.size())];
            const auto answer = ledger.take("r", user);
            const auto expected = model[user] >= 3    ? QuotaAnswer::user_limit
                                  : held.size() >= 12 ? QuotaAnswer::capacity_limit
                                                      : QuotaAnswer::granted;
            ASSERT_EQ(answer, expected);
            if (answer == QuotaAnswer::granted) {
                ++model[user];
                held.push_back(user);
            }
        } else {
            const std::size_t i = random.below(held.size());
            ledger.give_back("r", held[i]);
            --model[held[i]];
            held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
        }
        ASSERT_EQ(ledger.in_use(), held.size());
    }
}

} // namespace
} // namespace fairlead::relay
