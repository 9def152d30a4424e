#pragma once

#include "bytes/bytes.hpp"
#include "datagram/socket.hpp"
#include "datagram/stats.hpp"
#include "loop/loop.hpp"
#include "net/address.hpp"
#include "random/random.hpp"
#include "result/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace fairlead::datagram {

/// How one datagram is to leave. Fields left alone cost nothing.
struct SendOptions {
    /// Source address, for sockets bound to a wildcard. Ignored where the socket has an address of its own.
    std::optional<net::IpAddress> from = std::nullopt;
    /// Type of Service / Traffic Class; 0 leaves the socket's.
    std::uint8_t tos = 0;
    /// TTL / Hop Limit; 0 leaves the system's default.
    std::uint8_t ttl = 0;
    /// Sets DF on this datagram. Two more system calls on IPv4.
    bool dont_fragment = false;
};

/// The UDP engine of one loop: sockets in the loop's epoll set, one slab of receive slots, one outgoing queue. A turn:
/// every ready socket is read in batches (recvmmsg, UDP_GRO) → Receiver::on_batch → Receiver::on_turn_end → flush
/// (UDP_SEGMENT runs, sendmmsg). A turn is bounded, so timers, mailbox and streams of the loop get theirs. Everything
/// on the loop's thread.
class Engine {
public:
    explicit Engine(loop::Loop& loop);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Opens, binds and starts reading.
    [[nodiscard]] Result<SocketId, OpenError> open(const OpenOptions& options);
    /// One socket bound to the first of `ports` that is free on options.local.address: one socket call however many
    /// ports are taken. address_in_use when none was free.
    [[nodiscard]] Result<SocketId, OpenError> open_any(const OpenOptions& options,
                                                       std::span<const std::uint16_t> ports);
    /// A random port of [first, last]: a few random ones are tried, then all in order from a random start, at most 512
    /// of them. address_in_use when none was free.
    [[nodiscard]] Result<SocketId, OpenError> open_random(const OpenOptions& options, std::uint16_t first,
                                                          std::uint16_t last, Random& random);

    /// Sends what this socket still has queued and closes it. An id of a closed socket is ignored.
    void close(SocketId socket);
    [[nodiscard]] bool is_open(SocketId socket) const;
    /// The bound address (with the port the kernel chose); nothing for a closed socket.
    [[nodiscard]] std::optional<net::TransportAddress> local(SocketId socket) const;
    /// The underlying descriptor, for options this interface has no word for; -1 for a closed socket. Stays ours.
    [[nodiscard]] int descriptor(SocketId socket) const;

    // --- sending --------------------------------------------------------------------------------------------------

    /// Queues head+body as one datagram. `head` (at most 96 bytes, may be empty) is copied; `body` is referenced until
    /// the flush: a slot of this turn, or memory that lives that long. Inside on_batch and on_turn_end the flush
    /// follows by itself; elsewhere (timers, mailbox) call flush(). Equal datagrams to one destination become one
    /// train. A full queue flushes itself, so there is no failure to handle: drops are counted in stats().
    void queue(SocketId via, const net::TransportAddress& to, Bytes head, Bytes body, const SendOptions& options = {});

    /// Room for one datagram written in place, valid until the next commit(), reserve(), queue() or flush(). At most
    /// 65,507 bytes.
    [[nodiscard]] MutableBytes reserve(std::size_t at_most);
    /// Queues the first `length` bytes of the room reserved last.
    void commit(SocketId via, const net::TransportAddress& to, std::size_t length, const SendOptions& options = {});

    /// Sends everything queued. Never blocks, never fails: what the kernel refuses is counted by reason and does not
    /// touch the other datagrams. Order within a flow (socket, destination) is kept.
    void flush();
    /// True while something is queued.
    [[nodiscard]] bool has_queued() const;

    [[nodiscard]] const Stats& stats() const { return stats_; }
    [[nodiscard]] loop::Loop& loop() { return loop_; }

    static constexpr std::size_t max_head = 96;
    static constexpr std::size_t max_datagram = 65'507;

private:
    class Impl;
    loop::Loop& loop_;
    Stats stats_;
    std::unique_ptr<Impl> impl_;
};

} // namespace fairlead::datagram
