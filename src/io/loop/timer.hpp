#pragma once

#include "loop/loop.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <vector>

namespace fairlead::loop {

/// A one-shot deadline on the steady clock. Destroying or cancelling it guarantees that the callback does not run any
/// more. The callback may set the timer again or destroy it.
class Timer {
public:
    /// `name` (a literal) appears in the log when the callback throws.
    Timer(Loop& loop, const char* name, Task on_expiry);
    ~Timer();
    Timer(Timer&&) noexcept;
    Timer& operator=(Timer&&) noexcept;

    /// Replaces a deadline set before. `never` cancels; the past fires on the next turn. Moving a deadline back is a
    /// store.
    void expires_at(Instant deadline);
    void expires_after(Duration delay);
    void cancel();
    [[nodiscard]] Instant deadline() const;

private:
    friend class TimerQueue;
    struct State;
    std::shared_ptr<State> state_;
};

/// Completes at `deadline`, for coroutines.
asio::awaitable<void> sleep_until(Loop& loop, Instant deadline);

/// The timers of one loop, a binary heap. An entry may be earlier than its timer's deadline, which was moved back
/// since; it is then put where it belongs instead of fired.
class TimerQueue {
public:
    TimerQueue();
    ~TimerQueue();

    /// When to look again; `never` without timers.
    [[nodiscard]] Instant next() const;
    /// Fires what is due; each callback under Loop::guarded.
    void fire(Loop& loop, Instant now);
    /// `then` runs once, at `deadline`; it is destroyed unrun when the loop ends before.
    void sleep(Loop& loop, Instant deadline, Task then);
    /// Destroys whoever sleeps, unresumed.
    void abandon() { sleeps_.clear(); }

private:
    friend class Timer;
    struct Entry {
        Instant when;
        Timer::State* timer;
    };
    void push(Timer::State& timer, Instant when);
    void remove(Timer::State& timer);
    void place(std::size_t at, const Entry& entry);
    void sift_up(std::size_t at);
    void sift_down(std::size_t at);

    struct Sleep {
        Task then;
        std::unique_ptr<Timer> timer;
    };
    std::vector<Entry> heap_;
    std::list<Sleep> sleeps_;
};

} // namespace fairlead::loop
