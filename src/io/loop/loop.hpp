#pragma once

#include "loop/moderation.hpp"
#include "process/descriptor.hpp"
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
#include <vector>

namespace fairlead::loop {

namespace asio = boost::asio;

using Task = std::move_only_function<void()>;

class Mailbox;
class TimerQueue;
class WatchTable;

/// Hears about descriptors of the loop's epoll set. Calls come on the loop's thread.
class ReadySink {
public:
    /// `word` is what the descriptor was registered with, `events` as in epoll_wait(2).
    virtual void on_ready(std::uint64_t word, std::uint32_t events) = 0;
    /// After all descriptors of this turn, if any of them was ours.
    virtual void on_turn_end() {}

protected:
    ~ReadySink() = default;
};

/// One thread's event loop: one epoll set, timers, the mailbox, and an Asio io_context that runs posted handlers and
/// coroutines. A turn: handlers → wait → datagrams → streams → mailbox → timers, each bounded. State belongs to a loop.
/// Except where noted, every call is for the loop's own thread (or for before run()).
///
/// Descriptors and time are the loop's, not Asio's: waiting in one epoll set without Asio's reactor saves two system
/// calls per datagram. So no Asio timer or socket on context(); the loop has Timer, sleep_until, stream::Stream and
/// datagram::Engine.
class Loop {
public:
    explicit Loop(std::string name);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Runs until stop(). An exception that leaves a handler is logged with the handler's name and counted; the loop
    /// goes on.
    void run();
    /// Ends run() after the current turn. Safe from any thread.
    void stop();
    /// One turn, which waits for at most `patience` when there is nothing to do. For tests and for embedding.
    void turn(Duration patience);

    /// Runs `task` on a later turn of this loop, or later in this one.
    void post(Task task);

    /// THE call that is safe from another thread: `task` runs on this loop's thread. Tasks from one thread arrive in
    /// order. What crosses is a value with ids, never a pointer into another loop's state. Never blocks; false, and
    /// counted, only when the receiver is so far behind that mailbox_capacity tasks of this sender wait.
    bool send(Task task);
    static constexpr std::size_t mailbox_capacity = 65'536;

    /// The clocks as read when this turn's wait was over.
    [[nodiscard]] Now now() const { return now_; }
    [[nodiscard]] Instant steady_now() const { return now_.steady; }
    /// Reads the clocks anew: for a handler that works for long.
    Now refresh_now();

    /// Starts a coroutine on this loop. An exception that leaves it is logged with `name` and counted.
    /// Coroutines are named functions that take values (docs/adr, coroutine rules).
    void spawn(std::string_view name, asio::awaitable<void> work);

    /// Names the current handler in case it throws. `name` must outlive the handler (a literal).
    void running(const char* name) { handler_ = name; }

    /// For co_spawn and post only, see above.
    [[nodiscard]] asio::io_context& context() { return context_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool in_loop_thread() const { return current() == this; }
    /// The loop whose run() is on this thread's stack; null elsewhere.
    [[nodiscard]] static Loop* current();

    // --- descriptors ------------------------------------------------------------------------------------------------

    /// Names a sink within this loop; at most 14 of them, hence one per kind of thing, not per descriptor. remove_sink
    /// silences it.
    [[nodiscard]] std::uint8_t add_sink(ReadySink& sink);
    void remove_sink(std::uint8_t id);
    /// Adds a descriptor to the epoll set with its `events` (EPOLLIN, EPOLLET...). `word` < 2^60 comes back with them.
    /// False with errno. Closing the descriptor removes it.
    [[nodiscard]] bool watch(std::uint8_t sink, int fd, std::uint32_t events, std::uint64_t word);
    /// Only for a descriptor that stays open.
    void unwatch(int fd);

    /// One ready descriptor brought `more` pieces of work beyond itself: see Moderation.
    void worked(std::size_t more) { moderation_.worked(more); }

    [[nodiscard]] TimerQueue& timers() { return *timers_; }
    [[nodiscard]] WatchTable& watches() { return *watches_; }

    /// When this loop was last seen turning (it turns twice a second even when idle). Safe from any thread; the health
    /// check compares it with its own clock.
    [[nodiscard]] Instant last_tick() const { return Instant(Duration(last_tick_.load(std::memory_order_relaxed))); }

    struct Stats {
        stats::Counter turns;
        stats::Counter pauses; ///< let work gather, see Moderation
        stats::Counter handler_exceptions;
        stats::Counter mailbox_tasks;
        /// Sends refused because the mailbox was full. Written by senders of any thread.
        std::atomic<std::uint64_t> mailbox_refused{0};
    };
    [[nodiscard]] const Stats& stats() const { return stats_; }

    /// Runs `work` the way the loop runs a handler: what it throws is logged with its name and counted.
    template <class Work>
    void guarded(const char* name, Work&& work) {
        handler_ = name;
        try {
            work();
        } catch (...) {
            report_current(handler_);
        }
    }

private:
    friend class Mailbox;
    [[nodiscard]] Duration patience_now(Duration most) const;
    void turn_once(Duration patience);
    void run_handlers();
    void dispatch(std::uint64_t word, std::uint32_t events);
    void report_current(std::string_view handler);

    std::string name_;
    // Before the context: what its handlers own says good-bye to these when the context is destroyed.
    process::Descriptor epoll_;
    std::vector<ReadySink*> sinks_{nullptr}; // index 0: the wake-up, which has nothing to say
    std::unique_ptr<WatchTable> watches_;
    std::unique_ptr<TimerQueue> timers_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::unique_ptr<Mailbox> mailbox_;
    const char* handler_ = "";
    Now now_{};
    std::uint32_t touched_ = 0; // sinks with something ready in this turn, a bit each
    bool more_handlers_ = false;
    Moderation moderation_;
    std::atomic<bool> stopping_{false};
    std::atomic<Duration::rep> last_tick_{0};
    Stats stats_;
};

} // namespace fairlead::loop
