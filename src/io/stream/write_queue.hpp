#pragma once

#include "bytes/bytes.hpp"
#include "stream/stream.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace fairlead::stream {

enum class WriteFailure : std::uint8_t {
    slow_peer, ///< more than the limit was waiting
    timed_out, ///< nothing was taken for `stall_limit`
    broken,    ///< the stream failed
};
[[nodiscard]] std::string_view describe(WriteFailure failure);

/// Bytes waiting for a stream, bounded. push() appends; flush() writes everything in one call and leaves the rest to a
/// coroutine that waits for room. An idle queue holds no memory.
class WriteQueue {
public:
    struct Limits {
        std::size_t high = std::size_t{256} << 10U; ///< above it congested() is true: stop feeding
        std::size_t low = std::size_t{64} << 10U;   ///< below it again: on_drained
        std::size_t most = std::size_t{1} << 20U;   ///< above it the stream is closed: slow_peer
        Duration stall_limit = std::chrono::seconds(30);
        /// Each push() leaves as a TLS record of its own (Stream::try_write_records).
        bool records = false;
    };
    /// `stream` must outlive the queue, or close() be called before it dies. on_failure runs once, from the loop (never
    /// from inside push or flush); the stream is closed then.
    WriteQueue(loop::Loop& loop, Stream& stream, const Limits& limits, std::function<void(WriteFailure)> on_failure,
               std::function<void()> on_drained = {});
    ~WriteQueue();
    WriteQueue(const WriteQueue&) = delete;
    WriteQueue& operator=(const WriteQueue&) = delete;

    /// Copies `bytes` behind what waits. False (and nothing was taken) after a failure or when this would exceed
    /// `most`, in which case the stream fails as slow_peer.
    bool push(Bytes bytes);
    bool push(std::span<const Bytes> pieces);
    /// Room to write `n` bytes in place; commit() what was written before any other call.
    [[nodiscard]] MutableBytes reserve(std::size_t n);
    void commit(std::size_t n);

    /// Writes now what can be written. Call once per turn after a series of push().
    void flush();
    /// push() and flush() without a copy when nothing waits: only what the kernel did not take is copied.
    bool write(std::span<const Bytes> pieces);

    /// Ends the stream's writing side once everything is written.
    void shutdown_when_empty();
    /// Forgets what waits and stops.
    void close();

    [[nodiscard]] std::size_t waiting() const;
    [[nodiscard]] bool congested() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace fairlead::stream
