#pragma once

#include "stats/counter.hpp"
#include "time/instant.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::loop {

namespace asio = boost::asio;

class Mailbox;

using Task = std::move_only_function<void()>;

/// One thread's event loop: an Asio io_context plus the clock of the current turn and the loop's mailbox. State belongs
/// to a loop. Except where noted, every call is for the loop's own thread (or for before run()).
class Loop {
public:
    explicit Loop(std::string name);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Runs until stop(). An exception that leaves a handler is logged with the handler's name and counted; the loop
    /// goes on.
    void run();
    /// Ends run() after the current handler. Safe from any thread.
    void stop();

    /// Runs `task` on a later turn of this loop.
    void post(Task task);

    /// THE call that is safe from another thread: `task` runs on this loop's thread. Tasks from one thread arrive in
    /// order. What crosses is a value with ids, never a pointer into another loop's state. Never blocks; false, and
    /// counted, only when the receiver is so far behind that mailbox_capacity tasks of this sender wait.
    bool send(Task task);
    static constexpr std::size_t mailbox_capacity = 65'536;

    /// The clocks as read first in this turn (one handler of the loop).
    [[nodiscard]] Now now();
    [[nodiscard]] Instant steady_now() { return now().steady; }
    /// Reads the clocks anew: for a handler that works for long.
    Now refresh_now();

    /// Starts a coroutine on this loop. An exception that leaves it is logged with `name` and counted.
    /// Coroutines are named functions that take values (docs/adr, coroutine rules).
    void spawn(std::string_view name, asio::awaitable<void> work);

    /// Names the current handler in case it throws. `name` must outlive the handler (a literal).
    void running(const char* name) { handler_ = name; }

    [[nodiscard]] asio::io_context& context() { return context_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool in_loop_thread() const { return current() == this; }
    /// The loop whose run() is on this thread's stack; null elsewhere.
    [[nodiscard]] static Loop* current();

    /// When this loop was last seen turning (a heartbeat beats twice a second even when idle). Safe from any thread;
    /// the health check compares it with its own clock.
    [[nodiscard]] Instant last_tick() const { return Instant(Duration(last_tick_.load(std::memory_order_relaxed))); }

    struct Stats {
        stats::Counter handler_exceptions;
        stats::Counter mailbox_tasks;
        /// Sends refused because the mailbox was full. Written by senders of any thread.
        std::atomic<std::uint64_t> mailbox_refused{0};
    };
    [[nodiscard]] const Stats& stats() const { return stats_; }

private:
    class Heartbeat;
    friend class Mailbox;
    void drain_mailbox();
    void report(std::string_view handler, const char* what);

    std::string name_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::unique_ptr<Mailbox> mailbox_;
    std::unique_ptr<Heartbeat> heartbeat_;
    const char* handler_ = "";
    bool stale_ = true;
    Now now_{};
    std::atomic<bool> stopping_{false};
    std::atomic<Duration::rep> last_tick_{0};
    Stats stats_;
};

} // namespace fairlead::loop
