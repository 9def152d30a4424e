#pragma once

#include "loop/loop.hpp"

#include <boost/system/error_code.hpp>

#include <cstdint>
#include <functional>
#include <vector>

namespace fairlead::loop {

using ErrorCode = boost::system::error_code;

/// A descriptor in the loop's epoll set, edge-triggered, and the two who may wait for it: one for reading, one for
/// writing. It is asked for readiness once, when made; from then on waiting costs no system call.
class Watch {
public:
    /// `fd` is borrowed, and must be closed after the watch is gone. ok() is false when epoll refused it.
    Watch(Loop& loop, int fd);
    /// Whoever waits is resumed with operation_aborted.
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    [[nodiscard]] bool ok() const { return ok_; }

    /// Completes when there is something to read (an end or an error count), or with the reason given to cancel().
    asio::awaitable<ErrorCode> readable();
    asio::awaitable<ErrorCode> writable();
    /// The last read found nothing, or less than it had room for. Not after the peer has ended: then every read has
    /// something to say.
    void drained() { readable_ = ended_; }
    [[nodiscard]] bool maybe_readable() const { return readable_; }
    /// The last write did not fit.
    void filled() { writable_ = ended_; }
    /// Resumes both with `why`, on a later handler of this turn.
    void cancel(ErrorCode why);

private:
    friend class WatchTable;
    using Handler = std::move_only_function<void(ErrorCode)>;
    void on_ready(std::uint32_t events);
    void resume_later(Handler handler, ErrorCode why);
    static asio::awaitable<ErrorCode> wait(Watch* self, Handler Watch::* slot, bool Watch::* ready);

    Loop& loop_;
    int fd_;
    std::uint32_t index_ = 0;
    std::uint32_t generation_ = 0;
    bool ok_ = false;
    // A fresh socket is taken for ready: the first call says what is true.
    bool readable_ = true;
    bool writable_ = true;
    bool ended_ = false;
    std::uint8_t unsuspended_ = 0; // waits in a row that were over before they began
    Handler on_readable_;
    Handler on_writable_;
};

/// All watches of one loop.
class WatchTable final : public ReadySink {
public:
    explicit WatchTable(Loop& loop);
    void on_ready(std::uint64_t word, std::uint32_t events) override;
    [[nodiscard]] std::uint8_t sink() const { return sink_; }
    /// Destroys whoever waits, unresumed.
    void abandon();

private:
    friend class Watch;
    struct Slot {
        Watch* watch = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t next_free = 0;
    };
    void insert(Watch& watch);
    void erase(const Watch& watch);

    std::uint8_t sink_;
    std::vector<Slot> slots_;
    std::uint32_t first_free_ = no_slot;
    static constexpr std::uint32_t no_slot = 0xFFFFFFFFU;
};

} // namespace fairlead::loop
