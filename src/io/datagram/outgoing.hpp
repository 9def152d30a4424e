#pragma once

#include "datagram/engine.hpp"
#include "datagram/socket_table.hpp"
#include "datagram/stats.hpp"
#include "process/socket_address.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace fairlead::datagram {

/// Datagrams waiting for the end of the turn. flush() groups what goes from one socket to one destination into runs of
/// equal size, each of which is one message with UDP_SEGMENT, and hands all messages of a socket to one sendmmsg.
class Outgoing {
public:
    Outgoing(SocketTable& sockets, Stats& stats);

    void queue(SocketId via, const net::TransportAddress& to, Bytes head, Bytes body, const SendOptions& options);
    [[nodiscard]] MutableBytes reserve(std::size_t at_most);
    [[nodiscard]] Bytes reserved(std::size_t length);

    void flush(Instant now);
    void flush_socket(std::uint32_t index, Instant now);
    [[nodiscard]] bool empty() const { return entries_used_ == 0; }

    /// The clock for learnt refusals; set once per turn.
    void set_now(Instant now) { now_ = now; }

private:
    struct Entry {
        net::TransportAddress to;
        net::IpAddress from;
        bool has_from = false;
        bool dont_fragment = false;
        std::uint8_t tos = 0;
        std::uint8_t ttl = 0;
        std::uint8_t head_length = 0;
        std::uint32_t body_length = 0;
        std::uint32_t next = none; // of the same socket; once grouped, of the same message
        const std::byte* head = nullptr;
        const std::byte* body = nullptr;
        [[nodiscard]] std::size_t length() const { return head_length + body_length; }
    };
    /// One msghdr: a single datagram, or a run whose last may be shorter than `segment`.
    struct Message {
        std::uint32_t first = none;
        std::uint32_t last = none;
        std::uint32_t count = 0;
        std::uint32_t segment = 0;
        std::uint32_t total = 0;
        bool closed = false;
        bool dont_fragment = false;
    };
    struct alignas(cmsghdr) Control {
        std::array<std::byte, 128> bytes;
    };
    enum class Next : std::uint8_t { retry, skip, give_up };

    void group(Socket& socket);
    [[nodiscard]] bool extends(const Message& message, const Entry& entry) const;
    void fill(std::size_t at, const Message& message, const Socket& socket);
    void send(Socket& socket, std::size_t begin, std::size_t end);
    void send_fragmentation_forbidden(Socket& socket, std::size_t begin, std::size_t end);
    Next failed(Socket& socket, std::size_t at, int error, bool again);
    void send_singly(Socket& socket, const Message& train);
    void sent(const Message& message);

    [[nodiscard]] bool refuses_trains(const net::IpAddress& to) const;
    void remember_refusal(const net::IpAddress& to);

    static constexpr std::size_t entry_count = 1024;
    static constexpr std::size_t arena_size = std::size_t{256} << 10U;
    static constexpr std::uint32_t most_segments = 64; // UDP_MAX_SEGMENTS of every kernel that can

    SocketTable& sockets_;
    Stats& stats_;
    Instant now_{};
    bool segmentation_; // what the kernel can

    std::vector<Entry> entries_;
    std::uint32_t entries_used_ = 0;
    std::vector<std::uint32_t> dirty_; // sockets with something queued
    std::vector<std::byte> arena_;
    std::size_t arena_used_ = 0;

    std::vector<Message> messages_;
    std::size_t message_count_ = 0;
    std::vector<mmsghdr> headers_;
    std::vector<iovec> pieces_;
    std::size_t pieces_used_ = 0;
    std::vector<process::SocketAddress> addresses_;
    std::vector<Control> controls_;

    // The message that the next datagram to a destination may extend, by a hash of the destination. A collision costs a
    // shorter run, never the order.
    std::array<std::uint32_t, 256> open_runs_{};
    // Destinations whose path refused a train (no checksum offload, smaller MTU), until when. Direct mapped.
    struct Refusal {
        net::IpAddress to;
        Instant until{};
    };
    std::array<Refusal, 64> refusals_{};
    Instant refusals_until_{};
};

} // namespace fairlead::datagram
