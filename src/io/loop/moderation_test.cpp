#include "loop/moderation.hpp"

#include <gtest/gtest.h>

namespace fairlead::loop {
namespace {

using namespace std::chrono_literals;

/// Turns with so many pieces each, evenly spread; how many of them were followed by a pause.
struct Load {
    Moderation moderation;
    Instant now{1h};

    int pauses(double pieces_per_second, std::size_t pieces_per_turn, Duration length) {
        const auto between = std::chrono::duration_cast<Duration>(
            std::chrono::duration<double>(static_cast<double>(pieces_per_turn) / pieces_per_second));
        int paused = 0;
        for (const Instant end = now + length; now < end; now += between) {
            moderation.worked(pieces_per_turn);
            paused += moderation.after_turn(now) > 0s ? 1 : 0;
        }
        return paused;
    }
};

TEST(Moderation, NothingIsDelayedBelowTheRateWhereItBegins) {
    Load load;
    EXPECT_EQ(load.pauses(20'000, 1, 1s), 0);
    EXPECT_EQ(load.pauses(39'000, 1, 1s), 0);
}

TEST(Moderation, ManySinglePiecesAreLetGather) {
    Load load;
    EXPECT_EQ(load.pauses(50'000, 1, 4ms), 0) << "not before a window has shown the rate";
    EXPECT_GT(load.pauses(50'000, 1, 100ms), 4'500);
}

TEST(Moderation, WhatComesInBatchesIsNotDelayed) {
    Load load;
    EXPECT_EQ(load.pauses(800'000, 16, 1s), 0);
}

TEST(Moderation, ItGoesOnWhileThePausesMakeSmallBatchesAndEndsWhenTheyAreLarge) {
    Load load;
    ASSERT_GT(load.pauses(50'000, 1, 20ms), 0);
    EXPECT_GT(load.pauses(50'000, 3, 100ms), 1'600);
    static_cast<void>(load.pauses(400'000, 20, 8ms)); // the window in which the batches grow
    EXPECT_EQ(load.pauses(400'000, 20, 100ms), 0);
}

TEST(Moderation, ItEndsWithTheLoadAndWithSilence) {
    Load load;
    ASSERT_GT(load.pauses(50'000, 1, 20ms), 0);
    EXPECT_GT(load.pauses(35'000, 1, 20ms), 600) << "a little less is no end yet";
    static_cast<void>(load.pauses(25'000, 1, 8ms));
    EXPECT_EQ(load.pauses(25'000, 1, 100ms), 0);
    ASSERT_GT(load.pauses(50'000, 1, 20ms), 0);
    load.now += 10s;
    EXPECT_EQ(load.pauses(1'000, 1, 100ms), 0);
}

} // namespace
} // namespace fairlead::loop
