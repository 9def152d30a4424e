#include "loop/fleet.hpp"
#include "loop/loop.hpp"
#include "loop/mailbox.hpp"
#include "loop/signals.hpp"
#include "loop/timer.hpp"
#include "loop/watch.hpp"

#include "process/clock.hpp"
#include "process/descriptor.hpp"
#include "random/seeded.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::loop {
namespace {

using namespace std::chrono_literals;

/// Runs `loop` on this thread until somebody stops it; a test that hangs ends after ten seconds, and fails.
void run(Loop& loop) {
    bool late = false;
    Timer guard(loop, "guard", [&] {
        late = true;
        loop.stop();
    });
    guard.expires_after(10s);
    loop.run();
    EXPECT_FALSE(late);
}

TEST(Loop, PostedTasksRunInOrderOnALaterTurn) {
    Loop loop("test");
    std::string order;
    loop.post([&] {
        loop.post([&] {
            order += "c";
            loop.stop();
        });
        order += "a";
    });
    loop.post([&] { order += "b"; });
    run(loop);
    EXPECT_EQ(order, "abc");
}

TEST(Loop, NowStandsStillDuringATurnAndMovesBetweenTurns) {
    Loop loop("test");
    Instant first;
    loop.post([&] {
        first = loop.steady_now();
        while (process::steady_now() < first + 1ms) {
        }
        loop.post([&] { EXPECT_EQ(loop.steady_now(), first); });
    });
    loop.turn(0s);
    EXPECT_GE(loop.steady_now(), first + 1ms);
    EXPECT_EQ(loop.last_tick(), loop.steady_now());
    EXPECT_EQ(Loop::current(), nullptr);
}

TEST(Loop, HandlerThatThrowsIsCountedAndTheLoopGoesOn) {
    Loop loop("test");
    loop.post([] { throw std::runtime_error("expected by the test"); });
    loop.post([] { throw 42; });
    bool reached = false;
    loop.post([&] {
        reached = true;
        loop.stop();
    });
    run(loop);
    EXPECT_TRUE(reached);
    EXPECT_EQ(loop.stats().handler_exceptions.value(), 2U);
}

asio::awaitable<void> fail_at_once() {
    throw std::runtime_error("expected by the test");
    co_return;
}

TEST(Loop, CoroutineThatThrowsIsCountedAndTheLoopGoesOn) {
    Loop loop("test");
    loop.spawn("failing", fail_at_once());
    std::function<void()> check = [&] {
        if (loop.stats().handler_exceptions.value() == 0) {
            loop.post([&] { check(); });
        } else {
            loop.stop();
        }
    };
    loop.post([&] { check(); });
    run(loop);
    EXPECT_EQ(loop.stats().handler_exceptions.value(), 1U);
}

TEST(Timer, FiresOnceNotBeforeItsDeadline) {
    Loop loop("test");
    int fired = 0;
    Instant deadline;
    Timer timer(loop, "timer", [&] {
        ++fired;
        EXPECT_GE(process::steady_now(), deadline);
        loop.post([&] { loop.stop(); });
    });
    deadline = process::steady_now() + 5ms;
    timer.expires_at(deadline);
    EXPECT_EQ(timer.deadline(), deadline);
    run(loop);
    EXPECT_EQ(fired, 1);
    EXPECT_EQ(timer.deadline(), never);
}

TEST(Timer, CancelledReplacedOrDestroyedItDoesNotFire) {
    Loop loop("test");
    int fired = 0;
    Timer cancelled(loop, "cancelled", [&] { fired += 100; });
    Timer replaced(loop, "replaced", [&] { ++fired; });
    auto destroyed = std::make_unique<Timer>(loop, "destroyed", [&] { fired += 100; });
    const Instant due = process::steady_now();
    Timer last(loop, "last", [&] { loop.stop(); });
    // All are due in the same turn; the first handler of that turn takes the others back although Asio has queued them.
    Timer first(loop, "first", [&] {
        cancelled.cancel();
        replaced.expires_at(due + 2ms);
        destroyed.reset();
        last.expires_at(due + 20ms);
    });
    first.expires_at(due);
    cancelled.expires_at(due + 1ns);
    replaced.expires_at(due + 1ns);
    destroyed->expires_at(due + 1ns);
    run(loop);
    EXPECT_EQ(fired, 1);
}

TEST(Timer, CallbackMaySetItAgainOrDestroyIt) {
    Loop loop("test");
    int fired = 0;
    std::unique_ptr<Timer> timer;
    timer = std::make_unique<Timer>(loop, "again", [&] {
        if (++fired < 3) {
            timer->expires_after(1us);
        } else {
            timer.reset();
            loop.stop();
        }
    });
    timer->expires_after(0s);
    run(loop);
    EXPECT_EQ(fired, 3);
}

TEST(Timer, ManyFireInTheOrderOfTheirDeadlinesWhateverWasMoved) {
    Loop loop("test");
    SeededRandom random(1);
    std::vector<Timer> timers;
    std::vector<Instant> fired;
    timers.reserve(500);
    const Instant start = process::steady_now();
    for (std::size_t i = 0; i < 500; ++i) {
        timers.emplace_back(loop, "many", [&, i] { fired.push_back(start + std::chrono::microseconds(i)); });
        timers[i].expires_at(start + std::chrono::microseconds(random.below(10'000)));
    }
    for (std::size_t i = 0; i < 500; ++i) { // earlier and later, to the deadline that its number says
        timers[i].expires_at(start + std::chrono::microseconds(i));
    }
    for (std::size_t i = 0; i < 500; i += 5) {
        timers[i].cancel();
    }
    while (process::steady_now() < start + 1ms) {
    }
    loop.turn(0s); // all are due at once
    EXPECT_EQ(fired.size(), 400U);
    EXPECT_TRUE(std::ranges::is_sorted(fired));
}

asio::awaitable<void> sleep_twice(Loop& loop, std::vector<Instant>& woke) {
    co_await sleep_until(loop, loop.steady_now() + 2ms);
    woke.push_back(process::steady_now());
    co_await sleep_until(loop, loop.steady_now() + 2ms);
    woke.push_back(process::steady_now());
    loop.stop();
}

TEST(Timer, CoroutineSleeps) {
    Loop loop("test");
    std::vector<Instant> woke;
    const Instant start = process::steady_now();
    loop.spawn("sleeper", sleep_twice(loop, woke));
    run(loop);
    ASSERT_EQ(woke.size(), 2U);
    EXPECT_GE(woke[0], start + 2ms);
    EXPECT_GE(woke[1], woke[0] + 1ms);
}

struct Tell {
    bool& told;
    ~Tell() { told = true; }
};
asio::awaitable<void> sleep_for_ever(Loop& loop, std::shared_ptr<Tell> tell) {
    co_await sleep_until(loop, loop.steady_now() + 1h);
    EXPECT_EQ(tell, nullptr); // not reached
}

TEST(Timer, SleepingCoroutineIsDestroyedWithItsLoop) {
    bool destroyed = false;
    {
        Loop loop("test");
        loop.spawn("sleeper", sleep_for_ever(loop, std::make_shared<Tell>(destroyed)));
        loop.turn(0s);
        EXPECT_FALSE(destroyed);
    }
    EXPECT_TRUE(destroyed);
}

asio::awaitable<void> read_bytes(Loop& loop, Watch& watch, int fd, std::string& got) {
    while (true) {
        if (const auto ec = co_await watch.readable()) {
            got += "!";
            loop.stop();
            co_return;
        }
        char byte = 0;
        const ssize_t n = ::read(fd, &byte, 1);
        if (n == 1) {
            got += byte;
        } else if (n < 0) {
            watch.drained();
        } else {
            got += ".";
            loop.stop();
            co_return;
        }
    }
}

TEST(Watch, ReaderIsResumedForEachArrivalAndForTheEnd) {
    Loop loop("test");
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    const process::Descriptor in(ends[0]);
    process::Descriptor out(ends[1]);
    std::string got;
    Watch watch(loop, in.get());
    ASSERT_TRUE(watch.ok());
    loop.spawn("reader", read_bytes(loop, watch, in.get(), got));
    loop.turn(0s);
    EXPECT_EQ(got, "");
    ASSERT_EQ(::write(out.get(), "ab", 2), 2);
    loop.turn(1s);
    EXPECT_EQ(got, "ab");
    ASSERT_EQ(::write(out.get(), "c", 1), 1);
    out.reset();
    run(loop);
    EXPECT_EQ(got, "abc.");
}

TEST(Watch, CancelledOrDestroyedItResumesWhoeverWaits) {
    Loop loop("test");
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    const process::Descriptor in(ends[0]);
    const process::Descriptor out(ends[1]);
    std::string got;
    auto watch = std::make_unique<Watch>(loop, in.get());
    loop.spawn("reader", read_bytes(loop, *watch, in.get(), got));
    loop.turn(0s);
    watch.reset();
    run(loop);
    EXPECT_EQ(got, "!");
}

TEST(SpscRing, RefusesWhenFullAndKeepsTheTask) {
    auto ring = std::make_unique<SpscRing>();
    int ran = 0;
    for (std::size_t i = 0; i < SpscRing::capacity; ++i) {
        Task task = [&ran] { ++ran; };
        ASSERT_TRUE(ring->push(task));
    }
    Task extra = [&ran] { ran += 10'000; };
    EXPECT_FALSE(ring->push(extra));
    ASSERT_TRUE(extra);
    Task out;
    EXPECT_TRUE(ring->pop(out));
    EXPECT_TRUE(ring->push(extra));
    int taken = 1;
    while (ring->pop(out)) {
        ++taken;
    }
    EXPECT_EQ(taken, static_cast<int>(SpscRing::capacity) + 1);
}

TEST(Mailbox, TasksOfEachSenderArriveInOrderThroughRingAndOverflow) {
    Loop receiver("receiver");
    constexpr int each = 20'000; // twenty rings full
    constexpr int senders = 3;
    std::vector<int> next(senders, 0);
    int total = 0;
    bool ordered = true;
    std::vector<std::thread> threads;
    for (int s = 0; s < senders; ++s) {
        threads.emplace_back([&, s] {
            const auto send_all = [&, s] {
                for (int i = 0; i < each; ++i) {
                    ASSERT_TRUE(receiver.send([&, s, i] {
                        ordered = ordered && next[static_cast<std::size_t>(s)]++ == i;
                        if (++total == each * senders) {
                            receiver.stop();
                        }
                    }));
                }
            };
            if (s == 0) {
                return send_all(); // a thread without a loop
            }
            Loop own("sender " + std::to_string(s));
            own.post([&] {
                send_all();
                own.stop();
            });
            own.run();
        });
    }
    run(receiver);
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_TRUE(ordered);
    EXPECT_EQ(total, each * senders);
    EXPECT_EQ(receiver.stats().mailbox_tasks.value(), static_cast<std::uint64_t>(each) * senders);
}

TEST(Mailbox, IsBoundedAndCountsWhatItRefused) {
    Loop loop("asleep");
    for (std::size_t i = 0; i < Loop::mailbox_capacity; ++i) {
        ASSERT_TRUE(loop.send([] {}));
    }
    EXPECT_FALSE(loop.send([] {}));
    EXPECT_EQ(loop.stats().mailbox_refused.load(), 1U);
}

TEST(Mailbox, TaskThatThrowsDoesNotLoseThoseBehindIt) {
    Loop loop("test");
    ASSERT_TRUE(loop.send([] { throw std::runtime_error("expected by the test"); }));
    ASSERT_TRUE(loop.send([&] { loop.stop(); }));
    run(loop);
    EXPECT_EQ(loop.stats().handler_exceptions.value(), 1U);
}

TEST(Mailbox, SleepingLoopsWakeEachOther) {
    Fleet fleet({.workers = 2, .hub_thread = false, .blocking_thread = false});
    std::atomic<int> hops{0};
    std::function<void(std::size_t)> hop = [&](std::size_t at) {
        EXPECT_TRUE(fleet.worker(at).in_loop_thread());
        if (++hops < 2000) {
            EXPECT_TRUE(fleet.worker(1 - at).send([&hop, at] { hop(1 - at); }));
        } else {
            fleet.stop();
        }
    };
    ASSERT_TRUE(fleet.worker(0).send([&] { hop(0); }));
    ASSERT_TRUE(fleet.start());
    fleet.join();
    EXPECT_EQ(hops.load(), 2000);
}

TEST(Fleet, SmallMachineHasTheHubOnWorkerZeroAndALargerOneApart) {
    Fleet one({.workers = 1, .blocking_thread = false});
    EXPECT_EQ(&one.hub(), &one.worker(0));
    EXPECT_EQ(&one.blocking(), &one.hub());
    EXPECT_EQ(one.loops().size(), 1U);
    Fleet two({.workers = 2});
    EXPECT_NE(&two.hub(), &two.worker(0));
    EXPECT_NE(&two.hub(), &two.worker(1));
    EXPECT_EQ(two.loops().size(), 4U);
    EXPECT_GE(Fleet({.workers = 0}).workers(), 1U);
}

TEST(Fleet, RunsATaskOnEveryWorkerAndWaits) {
    Fleet fleet({.workers = 3, .blocking_thread = false});
    std::atomic<int> started{0};
    ASSERT_TRUE(fleet.start([&](Loop&) { ++started; }));
    std::vector<Loop*> seen(3);
    fleet.on_each_worker([&](std::size_t i, Loop& loop) {
        seen[i] = Loop::current();
        EXPECT_EQ(&loop, Loop::current());
    });
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(seen[i], &fleet.worker(i));
    }
    fleet.stop();
    fleet.join();
    EXPECT_EQ(started.load(), 4); // and the hub
}

TEST(Signals, ArriveAsCallsOnTheLoop) {
    block_signals();
    Loop loop("test");
    std::vector<int> seen;
    Signals signals(loop, [&](int signal) {
        seen.push_back(signal);
        EXPECT_TRUE(loop.in_loop_thread());
        if (signal == SIGTERM) {
            loop.stop();
        } else {
            ::kill(::getpid(), signal == SIGHUP ? SIGUSR2 : SIGTERM);
        }
    });
    ::kill(::getpid(), SIGHUP);
    run(loop);
    EXPECT_EQ(seen, (std::vector<int>{SIGHUP, SIGUSR2, SIGTERM}));
}

} // namespace
} // namespace fairlead::loop
