#include "sim/simulation.hpp"

#include <gmock/gmock.h>

namespace fairlead::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(Simulation, ThingsHappenInTheOrderOfTheirTimesAndOfBeingAsked) {
    Simulation simulation(1);
    std::vector<int> seen;
    simulation.after(2s, [&] { seen.push_back(3); });
    simulation.after(1s, [&] { seen.push_back(1); });
    simulation.after(1s, [&] { seen.push_back(2); });
    simulation.run_for(3s);
    EXPECT_THAT(seen, ElementsAre(1, 2, 3));
}

TEST(Simulation, BothClocksMoveTogetherAndStopExactlyAtTheLimit) {
    Simulation simulation(1);
    const Now begin = simulation.now();
    simulation.after(1h, [] {});
    EXPECT_FALSE(simulation.run_until([] { return false; }, 90min));
    EXPECT_EQ(simulation.now().steady - begin.steady, 90min);
    EXPECT_EQ(simulation.now().unix - begin.unix, 90min);
}

TEST(Simulation, RunUntilStopsAtTheEventThatMadeItTrue) {
    Simulation simulation(1);
    const Now begin = simulation.now();
    int count = 0;
    for (int i = 1; i <= 10; ++i) {
        simulation.after(i * 1s, [&] { ++count; });
    }
    EXPECT_TRUE(simulation.run_until([&] { return count == 4; }, 1h));
    EXPECT_EQ(simulation.now().steady - begin.steady, 4s);
}

TEST(Simulation, WhatIsAskedForThePastHappensNowAndWhatIsNeverNeverDoes) {
    Simulation simulation(1);
    bool past = false;
    bool impossible = false;
    simulation.run_for(1min);
    const Instant now = simulation.now().steady;
    simulation.at(now - 30s, [&] { past = simulation.now().steady == now; });
    simulation.at(never, [&] { impossible = true; });
    simulation.run_for(std::chrono::hours(24));
    EXPECT_TRUE(past);
    EXPECT_FALSE(impossible);
}

TEST(Simulation, TraceDependsOnEveryFactAndOnTheirOrder) {
    Simulation a(1);
    Simulation b(1);
    a.note(1);
    a.note(2);
    b.note(1);
    EXPECT_NE(a.trace_hash(), b.trace_hash());
    b.note(2);
    EXPECT_EQ(a.trace_hash(), b.trace_hash());
    Simulation swapped(1);
    swapped.note(2);
    swapped.note(1);
    EXPECT_NE(a.trace_hash(), swapped.trace_hash());
}

TEST(Alarm, RingsOnceAtTheDeadlineThatWasSetLast) {
    Simulation simulation(1);
    const Instant begin = simulation.now().steady;
    std::vector<Duration> rung;
    Alarm alarm(simulation, [&] { rung.push_back(simulation.now().steady - begin); });
    alarm.set(begin + 10s);
    alarm.set(begin + 5s);
    alarm.set(begin + 20s); // later than what is queued: the events at 5 and 10 s must stay silent
    simulation.run_for(1min);
    EXPECT_THAT(rung, ElementsAre(Duration(20s)));
    alarm.set(begin + 70s);
    alarm.set(never);
    simulation.run_for(1min);
    EXPECT_THAT(rung, ElementsAre(Duration(20s)));
}

TEST(Alarm, MayBeSetAgainWhileItRings) {
    Simulation simulation(1);
    int rung = 0;
    Alarm* self = nullptr;
    Alarm alarm(simulation, [&] {
        ++rung;
        self->set(simulation.now().steady + 1s);
    });
    self = &alarm;
    alarm.set(simulation.now().steady);
    simulation.run_for(10s);
    EXPECT_EQ(rung, 11);
}

TEST(Alarm, IsSilentOnceDestroyed) {
    Simulation simulation(1);
    bool rang = false;
    {
        Alarm alarm(simulation, [&] { rang = true; });
        alarm.set(simulation.now().steady + 1s);
    }
    simulation.run_for(1min);
    EXPECT_FALSE(rang);
}

} // namespace
} // namespace fairlead::sim
