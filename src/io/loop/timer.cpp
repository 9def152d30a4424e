#include "loop/timer.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <limits>
#include <utility>

namespace fairlead::loop {
namespace {

constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

} // namespace

struct Timer::State : std::enable_shared_from_this<State> {
    State(Loop& l, const char* n, Task task) : loop(l), name(n), on_expiry(std::move(task)) {}

    Loop& loop;
    const char* name;
    Task on_expiry;
    Instant deadline = never;
    std::size_t position = nowhere; // in the heap
};

Timer::Timer(Loop& loop, const char* name, Task on_expiry)
    : state_(std::make_shared<State>(loop, name, std::move(on_expiry))) {}

Timer::~Timer() {
    if (state_) {
        cancel();
    }
}

Timer::Timer(Timer&&) noexcept = default;

Timer& Timer::operator=(Timer&& other) noexcept {
    if (this != &other) {
        if (state_) {
            cancel();
        }
        state_ = std::move(other.state_);
    }
    return *this;
}

void Timer::expires_at(Instant deadline) {
    if (deadline == never) {
        return cancel();
    }
    State& state = *state_;
    TimerQueue& queue = state.loop.timers();
    const bool earlier = deadline < state.deadline;
    state.deadline = deadline;
    if (state.position == nowhere) {
        queue.push(state, deadline);
    } else if (earlier) {
        queue.remove(state);
        queue.push(state, deadline);
    }
}

void Timer::expires_after(Duration delay) {
    expires_at(state_->loop.steady_now() + delay);
}

void Timer::cancel() {
    state_->deadline = never;
    if (state_->position != nowhere) {
        state_->loop.timers().remove(*state_);
    }
}

Instant Timer::deadline() const {
    return state_->deadline;
}

asio::awaitable<void> sleep_until(Loop& loop, Instant deadline) {
    auto initiate = [&loop, deadline](auto handler) { loop.timers().sleep(loop, deadline, std::move(handler)); };
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(initiate, asio::use_awaitable);
}

TimerQueue::TimerQueue() = default;
TimerQueue::~TimerQueue() = default;

void TimerQueue::sleep(Loop& loop, Instant deadline, Task then) {
    const auto at = sleeps_.emplace(sleeps_.end());
    at->then = std::move(then);
    at->timer = std::make_unique<Timer>(loop, "sleep", [this, at] {
        Task resume = std::move(at->then);
        sleeps_.erase(at);
        resume();
    });
    at->timer->expires_at(deadline);
}

Instant TimerQueue::next() const {
    return heap_.empty() ? never : heap_.front().when;
}

void TimerQueue::fire(Loop& loop, Instant now) {
    // Bounded by what is there at the start: a callback that sets itself again for now waits for the next turn.
    for (std::size_t left = heap_.size(); left > 0 && !heap_.empty() && heap_.front().when <= now;) {
        Timer::State& timer = *heap_.front().timer;
        if (timer.deadline > heap_.front().when) {
            heap_.front().when = timer.deadline;
            sift_down(0);
            continue;
        }
        --left;
        remove(timer);
        timer.deadline = never;
        loop.guarded(timer.name, [&timer] {
            // The callback may destroy the timer, and itself with it.
            Task running = std::move(timer.on_expiry);
            const std::weak_ptr<Timer::State> alive = timer.weak_from_this();
            struct Restore {
                Task& task;
                const std::weak_ptr<Timer::State>& alive;
                ~Restore() {
                    if (const auto state = alive.lock()) {
                        state->on_expiry = std::move(task);
                    }
                }
            } const restore{running, alive};
            running();
        });
    }
}

void TimerQueue::push(Timer::State& timer, Instant when) {
    heap_.push_back({when, &timer});
    timer.position = heap_.size() - 1;
    sift_up(timer.position);
}

void TimerQueue::remove(Timer::State& timer) {
    const std::size_t at = std::exchange(timer.position, nowhere);
    const Entry last = heap_.back();
    heap_.pop_back();
    if (at < heap_.size()) {
        place(at, last);
        sift_up(at);
        sift_down(last.timer->position);
    }
}

void TimerQueue::place(std::size_t at, const Entry& entry) {
    heap_[at] = entry;
    entry.timer->position = at;
}

void TimerQueue::sift_up(std::size_t at) {
    const Entry entry = heap_[at];
    while (at > 0 && entry.when < heap_[(at - 1) / 2].when) {
        place(at, heap_[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(at, entry);
}

void TimerQueue::sift_down(std::size_t at) {
    const Entry entry = heap_[at];
    while (true) {
        std::size_t child = 2 * at + 1;
        if (child + 1 < heap_.size() && heap_[child + 1].when < heap_[child].when) {
            ++child;
        }
        if (child >= heap_.size() || entry.when <= heap_[child].when) {
            break;
        }
        place(at, heap_[child]);
        at = child;
    }
    place(at, entry);
}

} // namespace fairlead::loop
