#include "loop/loop.hpp"

#include "log/log.hpp"
#include "loop/mailbox.hpp"
#include "process/clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <exception>

namespace fairlead::loop {
namespace {

thread_local Loop* current_loop = nullptr;

} // namespace

/// Turns an idle loop twice a second, so that last_tick says "alive" and not "idle".
class Loop::Heartbeat {
public:
    explicit Heartbeat(Loop& loop) : loop_(loop), timer_(loop.context_) {}

    void beat() {
        loop_.running("heartbeat");
        loop_.refresh_now();
        timer_.expires_after(std::chrono::milliseconds(500));
        timer_.async_wait([this](const boost::system::error_code& ec) {
            if (!ec) {
                beat();
            }
        });
    }

private:
    Loop& loop_;
    asio::steady_timer timer_;
};

Loop::Loop(std::string name)
    : name_(std::move(name)),
      work_(context_.get_executor()),
      mailbox_(std::make_unique<Mailbox>(*this)),
      heartbeat_(std::make_unique<Heartbeat>(*this)) {
    last_tick_.store(process::steady_now().time_since_epoch().count());
}

Loop::~Loop() {
    heartbeat_.reset();
    work_.reset();
}

Loop* Loop::current() {
    return current_loop;
}

void Loop::run() {
    Loop* const outer = std::exchange(current_loop, this);
    heartbeat_->beat();
    // One handler is one turn: its clock is read when it first asks.
    while (!stopping_.load(std::memory_order_relaxed)) {
        stale_ = true;
        handler_ = "handler";
        try {
            context_.run_one();
        } catch (const std::exception& error) {
            report(handler_, error.what());
        } catch (...) {
            report(handler_, "an exception that is not a std::exception");
        }
    }
    current_loop = outer;
}

void Loop::stop() {
    stopping_.store(true);
    context_.stop();
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

Now Loop::now() {
    return stale_ ? refresh_now() : now_;
}

Now Loop::refresh_now() {
    now_ = process::now();
    stale_ = false;
    last_tick_.store(now_.steady.time_since_epoch().count(), std::memory_order_relaxed);
    return now_;
}

void Loop::report(std::string_view handler, const char* what) {
    stats_.handler_exceptions.add();
    log::error("loop", "handler failed", {{"loop", name_}, {"handler", handler}, {"error", what}});
}

void Loop::spawn(std::string_view name, asio::awaitable<void> work) {
    asio::co_spawn(context_, std::move(work), [this, label = std::string(name)](const std::exception_ptr& failure) {
        if (failure == nullptr) {
            return;
        }
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            report(label, error.what());
        } catch (...) {
            report(label, "an exception that is not a std::exception");
        }
    });
}

} // namespace fairlead::loop
