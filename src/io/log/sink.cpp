#include "log/log.hpp"

#include "log/fold.hpp"
#include "log/line.hpp"
#include "process/clock.hpp"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>

namespace fairlead::log {
namespace {

using namespace std::chrono_literals;

// Levels are read on every call and changed on reload: an atomic for the common case, a table behind a shared lock for
// topics with a level of their own.
struct Levels {
    std::atomic<Level> common{Level::info};
    std::atomic<Level> lowest{Level::info}; // of all: what is below it needs no look-up
    std::atomic<bool> any_topic{false};
    std::shared_mutex mutex;
    std::map<std::string, Level, std::less<>> by_topic;

    void recompute_lowest() {
        Level low = common.load();
        for (const auto& [topic, level] : by_topic) {
            low = std::min(low, level);
        }
        lowest.store(low);
        any_topic.store(!by_topic.empty());
    }
};

class Sink {
public:
    ~Sink() { stop(); }

    void start(const Options& options) {
        stop();
        const std::lock_guard lock(mutex_);
        descriptor_ = options.descriptor;
        format_ = options.format;
        choose_style();
        fold_ = Fold(options.lines_per_event_and_second);
        queue_limit_ = options.queue_bytes;
        running_ = true;
        // The writer must not be the thread that gets the program's signals.
        sigset_t all;
        sigset_t old;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &old);
        try {
            writer_ = std::thread([this] { run(); });
        } catch (const std::system_error&) {
            running_ = false; // no thread to be had: callers write themselves, as before start()
        }
        ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    }

    void stop() {
        {
            const std::lock_guard lock(mutex_);
            if (!running_) {
                return;
            }
            running_ = false;
            flush_until_ = process::steady_now() + 2s;
        }
        wake_.notify_one();
        writer_.join();
    }

    void redirect(int descriptor) {
        const std::lock_guard lock(mutex_);
        descriptor_ = descriptor;
        choose_style();
    }

    void write(Level level, std::string_view topic, std::string_view event, std::string_view message, Fields fields) {
        const std::int64_t now = process::unix_microseconds();
        const Instant steady = process::steady_now();
        const std::lock_guard lock(mutex_);
        line_.clear();
        append_line(line_, style_, now, level, topic, message, fields);
        const auto body = std::string_view(line_).substr(timestamp_length(style_));
        const Fold::Verdict verdict = fold_.judge(steady, topic, event, message, body);
        if (verdict.summary != 0) {
            summary_.clear();
            append_summary(summary_, style_, now, level, topic, verdict.summary_event, verdict.summary);
            put(summary_);
        }
        if (verdict.pass) {
            put(line_);
        } else {
            folded_.fetch_add(1, std::memory_order_relaxed);
        }
    }

    std::atomic<std::uint64_t> dropped_{0};
    std::atomic<std::uint64_t> folded_{0};

private:
    void choose_style() {
        const bool terminal = ::isatty(descriptor_) == 1;
        style_ = Style{.json = format_ == Format::json || (format_ == Format::automatic && !terminal),
                       .colour = terminal && format_ != Format::json};
    }

    // With the lock held.
    void put(std::string_view line) {
        if (!running_) {
            write_all(descriptor_, line);
            return;
        }
        if (queue_.size() + line.size() > queue_limit_) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
            ++lost_;
            return;
        }
        const bool was_empty = queue_.empty();
        queue_.append(line);
        if (was_empty) {
            wake_.notify_one();
        }
    }

    static void write_all(int descriptor, std::string_view text) {
        while (!text.empty()) {
            const ssize_t n = ::write(descriptor, text.data(), text.size());
            if (n > 0) {
                text.remove_prefix(static_cast<std::size_t>(n));
            } else if (errno == EAGAIN) {
                pollfd ready{descriptor, POLLOUT, 0};
                ::poll(&ready, 1, 100);
            } else if (errno != EINTR) {
                return; // disk full, closed pipe: there is nobody to tell
            }
        }
    }

    // The writer thread may wait for a slow destination as long as it likes; while stopping it looks at the clock.
    bool write_waiting(int descriptor, std::string_view text) {
        while (!text.empty()) {
            pollfd ready{descriptor, POLLOUT, 0};
            if (::poll(&ready, 1, 100) == 0) {
                const std::lock_guard lock(mutex_);
                if (!running_ && process::steady_now() >= flush_until_) {
                    return false;
                }
                continue;
            }
            // At most what a pipe that polls writable takes without blocking.
            const ssize_t n = ::write(descriptor, text.data(), std::min<std::size_t>(text.size(), 4096));
            if (n > 0) {
                text.remove_prefix(static_cast<std::size_t>(n));
            } else if (errno != EAGAIN && errno != EINTR) {
                return true;
            }
        }
        return true;
    }

    void run() {
        ::pthread_setname_np(::pthread_self(), "log");
        std::string writing;
        std::unique_lock lock(mutex_);
        while (true) {
            wake_.wait_for(lock, 1s, [this] { return !queue_.empty() || !running_; });
            const std::int64_t now = process::unix_microseconds();
            fold_.expire(process::steady_now(), !running_, [&](std::string_view topic, std::string_view event, auto n) {
                append_summary(queue_, style_, now, Level::info, topic, event, n);
            });
            if (lost_ != 0 && queue_.size() < queue_limit_ / 2) {
                append_line(queue_, style_, now, Level::warn, "log", "lines were dropped, the destination is too slow",
                            {{"lines", lost_}});
                lost_ = 0;
            }
            if (queue_.empty()) {
                if (!running_) {
                    return;
                }
                continue;
            }
            writing.swap(queue_);
            const int descriptor = descriptor_;
            lock.unlock();
            const bool go_on = write_waiting(descriptor, writing);
            writing.clear();
            if (writing.capacity() > std::size_t{64} << 10U) {
                writing.shrink_to_fit();
            }
            lock.lock();
            if (!go_on) {
                return;
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    int descriptor_ = 2;
    Format format_ = Format::automatic;
    Style style_{.json = ::isatty(2) != 1, .colour = ::isatty(2) == 1};
    Fold fold_{200};
    std::size_t queue_limit_ = 0;
    std::string queue_;
    std::string line_;
    std::string summary_;
    std::uint64_t lost_ = 0;
    bool running_ = false;
    Instant flush_until_;
    std::thread writer_;
};

Levels& levels() {
    static Levels instance;
    return instance;
}

Sink& sink() {
    static Sink instance;
    return instance;
}

} // namespace

std::string_view describe(Level level) {
    static constexpr std::array<std::string_view, 5> names = {"debug", "info", "warn", "error", "off"};
    return names.at(static_cast<std::size_t>(level));
}

bool parse_level(std::string_view text, Level& into) {
    for (const Level level : {Level::debug, Level::info, Level::warn, Level::error, Level::off}) {
        if (text == describe(level)) {
            into = level;
            return true;
        }
    }
    if (text == "warning") {
        into = Level::warn;
        return true;
    }
    return false;
}

void start(const Options& options) {
    set_level(options.level);
    sink().start(options);
}

void stop() {
    sink().stop();
}

void redirect(int descriptor) {
    sink().redirect(descriptor);
}

void set_level(Level level) {
    const std::unique_lock lock(levels().mutex);
    levels().common.store(level);
    levels().recompute_lowest();
}

void set_level(std::string_view topic, Level level) {
    const std::unique_lock lock(levels().mutex);
    levels().by_topic.insert_or_assign(std::string(topic), level);
    levels().recompute_lowest();
}

bool enabled(std::string_view topic, Level level) {
    Levels& all = levels();
    if (level < all.lowest.load(std::memory_order_relaxed)) {
        return false;
    }
    if (all.any_topic.load(std::memory_order_relaxed)) {
        const std::shared_lock lock(all.mutex);
        if (const auto own = all.by_topic.find(topic); own != all.by_topic.end()) {
            return level >= own->second;
        }
    }
    return level >= all.common.load(std::memory_order_relaxed);
}

std::uint64_t lines_dropped() {
    return sink().dropped_.load(std::memory_order_relaxed);
}

std::uint64_t lines_folded() {
    return sink().folded_.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view topic, std::string_view event, std::string_view message, Fields fields) {
    if (enabled(topic, level)) {
        sink().write(level, topic, event, message, fields);
    }
}

void detail::vwrite(Level level, std::string_view topic, fmt::string_view format, fmt::format_args args) {
    sink().write(level, topic, {format.data(), format.size()}, fmt::vformat(format, args), {});
}

} // namespace fairlead::log
