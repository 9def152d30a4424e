#include "loop/timer.hpp"

#include <boost/asio/steady_timer.hpp>

namespace fairlead::loop {

struct Timer::State : std::enable_shared_from_this<State> {
    State(Loop& l, const char* n, Task task) : loop(l), name(n), on_expiry(std::move(task)), timer(l.context()) {}

    void arm() {
        timer.expires_at(deadline);
        // Asio may have queued the completion of a wait that was replaced since: only the latest series counts.
        timer.async_wait([self = shared_from_this(), awaited = ++series](const boost::system::error_code&) {
            if (self->series == awaited && self->deadline != never) {
                self->fire();
            }
        });
    }

    void fire() {
        loop.running(name);
        deadline = never;
        on_expiry();
    }

    Loop& loop;
    const char* name;
    Task on_expiry;
    asio::steady_timer timer;
    Instant deadline = never;
    std::uint64_t series = 0;
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
    if (deadline == state_->deadline) {
        return;
    }
    if (deadline == never) {
        return cancel();
    }
    state_->deadline = deadline;
    state_->arm();
}

void Timer::expires_after(Duration delay) {
    expires_at(state_->loop.steady_now() + delay);
}

void Timer::cancel() {
    if (state_->deadline == never) {
        return;
    }
    state_->deadline = never;
    ++state_->series;
    state_->timer.cancel();
}

Instant Timer::deadline() const {
    return state_->deadline;
}

} // namespace fairlead::loop
