#include "loop/loop.hpp"

#include "log/log.hpp"
#include "loop/mailbox.hpp"
#include "loop/timer.hpp"
#include "loop/watch.hpp"
#include "process/clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <exception>
#include <span>
#include <utility>

namespace fairlead::loop {
namespace {

using namespace std::chrono_literals;

thread_local Loop* current_loop = nullptr;

// The epoll word: four bits name the sink, sixty are the sink's.
constexpr unsigned sink_shift = 60;
[[maybe_unused]] constexpr std::size_t most_sinks = 15;
constexpr std::size_t events_per_turn = 64;
constexpr std::size_t handlers_per_turn = 256;

// An idle loop turns twice a second, so that last_tick says "alive" and not "idle".
constexpr Duration longest_wait = 500ms;

// epoll_wait counts in milliseconds, which is too coarse for pacing media; epoll_pwait2 (Linux 5.11) in nanoseconds.
int wait_for_events(int epoll, std::span<epoll_event> events, Duration patience) {
    static std::atomic<bool> has_pwait2{true};
    const int room = static_cast<int>(events.size());
    const auto ns = std::chrono::nanoseconds(patience).count();
    if (ns > 0 && has_pwait2.load(std::memory_order_relaxed)) {
        const timespec timeout{ns / 1'000'000'000, ns % 1'000'000'000};
        const long n = ::syscall(SYS_epoll_pwait2, epoll, events.data(), room, &timeout, nullptr, 0);
        if (n >= 0 || errno != ENOSYS) {
            return static_cast<int>(n);
        }
        has_pwait2.store(false, std::memory_order_relaxed);
    }
    return ::epoll_wait(epoll, events.data(), room, static_cast<int>((ns + 999'999) / 1'000'000));
}

// Less than a second.
void sleep_for(Duration time) {
    const timespec wanted{0, static_cast<long>(std::chrono::nanoseconds(time).count())};
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &wanted, nullptr);
}

} // namespace

Loop::Loop(std::string name)
    : name_(std::move(name)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      watches_(std::make_unique<WatchTable>(*this)),
      timers_(std::make_unique<TimerQueue>()),
      work_(context_.get_executor()),
      mailbox_(std::make_unique<Mailbox>(*this)) {
    epoll_event wakeup{};
    wakeup.events = EPOLLIN | EPOLLET; // never read: each ring is an edge
    if (!epoll_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, mailbox_->descriptor(), &wakeup) != 0) {
        log::error("loop", "no epoll set", {{"loop", name_}, {"errno", errno}});
        std::terminate(); // at start-up, out of descriptors: there is nothing to serve with
    }
    refresh_now();
}

Loop::~Loop() {
    // Coroutines that wait are owned by what they wait for. Let go of, they end when the context is destroyed.
    timers_->abandon();
    watches_->abandon();
    work_.reset();
}

Loop* Loop::current() {
    return current_loop;
}

void Loop::run() {
    // The kernel may end waits late by this much to wake up for several at once: 50 us unless told, a whole pause.
    ::prctl(PR_SET_TIMERSLACK, 1'000UL);
    refresh_now();
    while (!stopping_.load(std::memory_order_relaxed)) {
        turn_once(longest_wait);
    }
}

void Loop::stop() {
    stopping_.store(true);
    mailbox_->wake();
}

Duration Loop::patience_now(Duration most) const {
    if (more_handlers_ || stopping_.load(std::memory_order_relaxed)) {
        return Duration::zero();
    }
    const Instant next = timers_->next();
    return next == never ? most : std::clamp(next - process::steady_now(), Duration::zero(), most);
}

void Loop::turn(Duration patience) {
    refresh_now();
    turn_once(patience);
}

void Loop::turn_once(Duration patience) {
    Loop* const outer = std::exchange(current_loop, this);
    run_handlers();
    std::array<epoll_event, events_per_turn> events;
    patience = patience_now(patience);
    if (patience > Duration::zero() && !mailbox_->fall_asleep()) {
        patience = {};
    }
    if (const Duration pause = std::min(moderation_.after_turn(now_.steady), patience); pause > Duration::zero()) {
        stats_.pauses.add();
        sleep_for(pause);
    }
    const int ready = wait_for_events(epoll_.get(), events, patience);
    mailbox_->awake();
    refresh_now();
    stats_.turns.add();
    moderation_.worked(static_cast<std::size_t>(std::max(ready, 0)));

    // Datagrams first: a storm of streams delays streams, not media.
    const auto each = [&](bool streams) {
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (((event.data.u64 >> sink_shift) == watches_->sink()) == streams) {
                dispatch(event.data.u64, event.events);
            }
        }
    };
    each(false);
    for (std::size_t sink = 1; touched_ != 0 && sink < sinks_.size(); ++sink) {
        if ((std::exchange(touched_, touched_ & ~(1U << sink)) & (1U << sink)) != 0 && sinks_[sink] != nullptr) {
            guarded("end of turn", [&] { sinks_[sink]->on_turn_end(); });
        }
    }
    each(true);
    touched_ = 0;
    mailbox_->drain();
    timers_->fire(*this, now_.steady);
    current_loop = outer;
}

// Posted handlers and coroutines, those posted meanwhile included, up to a share of the turn.
void Loop::run_handlers() {
    // After a handler that threw, `ran` is still what it was, and the next one gets its turn.
    std::size_t ran = 1;
    for (std::size_t left = handlers_per_turn; left > 0 && ran != 0; --left) {
        guarded("handler", [&] { ran = context_.poll_one(); });
    }
    more_handlers_ = ran != 0;
}

void Loop::dispatch(std::uint64_t word, std::uint32_t events) {
    const std::size_t sink = word >> sink_shift;
    if (sink < sinks_.size() && sinks_[sink] != nullptr) {
        touched_ |= 1U << sink;
        guarded("descriptor", [&] { sinks_[sink]->on_ready(word & ((std::uint64_t{1} << sink_shift) - 1), events); });
    }
}

std::uint8_t Loop::add_sink(ReadySink& sink) {
    for (std::size_t i = 1; i < sinks_.size(); ++i) {
        if (sinks_[i] == nullptr) {
            sinks_[i] = &sink;
            return static_cast<std::uint8_t>(i);
        }
    }
    assert(sinks_.size() <= most_sinks);
    sinks_.push_back(&sink);
    return static_cast<std::uint8_t>(sinks_.size() - 1);
}

void Loop::remove_sink(std::uint8_t id) {
    sinks_[id] = nullptr;
}

bool Loop::watch(std::uint8_t sink, int fd, std::uint32_t events, std::uint64_t word) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = (std::uint64_t{sink} << sink_shift) | word;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::unwatch(int fd) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::post(Task task) {
    asio::post(context_, [this, posted = std::move(task)]() mutable {
        running("posted task");
        posted();
    });
}

bool Loop::send(Task task) {
    if (mailbox_->send(std::move(task))) {
        return true;
    }
    stats_.mailbox_refused.fetch_add(1, std::memory_order_relaxed);
    return false;
}

Now Loop::refresh_now() {
    now_ = process::now();
    last_tick_.store(now_.steady.time_since_epoch().count(), std::memory_order_relaxed);
    return now_;
}

// Inside a catch block.
void Loop::report_current(std::string_view handler) {
    stats_.handler_exceptions.add();
    try {
        throw;
    } catch (const std::exception& error) {
        log::error("loop", "handler failed", {{"loop", name_}, {"handler", handler}, {"error", error.what()}});
    } catch (...) {
        log::error("loop", "handler failed", {{"loop", name_}, {"handler", handler}, {"error", "unknown"}});
    }
}

void Loop::spawn(std::string_view name, asio::awaitable<void> work) {
    asio::co_spawn(context_, std::move(work), [this, label = std::string(name)](const std::exception_ptr& failure) {
        if (failure != nullptr) {
            try {
                std::rethrow_exception(failure);
            } catch (...) {
                report_current(label);
            }
        }
    });
}

} // namespace fairlead::loop
