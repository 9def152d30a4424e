#pragma once

#include "bytes/bytes.hpp"
#include "net/address.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fairlead::datagram {

/// Names a socket of one engine. Never reused: after close() the old id names nothing.
struct SocketId {
    std::uint32_t index = 0;
    std::uint32_t generation = 0;
    friend bool operator==(const SocketId&, const SocketId&) = default;
};

enum class OpenError : std::uint8_t {
    address_in_use,
    address_not_available,
    family_not_supported,
    not_permitted,
    too_many_descriptors,
    out_of_memory,
    other,
};
[[nodiscard]] std::string_view describe(OpenError error);

class Receiver;

struct OpenOptions {
    /// IPv6 sockets are IPv6 only. Port 0 takes any port.
    net::TransportAddress local{};
    /// Hears about this socket; must outlive it. `tag` is handed back with every event.
    Receiver* receiver = nullptr;
    std::uint64_t tag = 0;

    bool reuse_port = false;  ///< one socket per worker on the same address (SO_REUSEPORT)
    bool trains = true;       ///< take runs of equal datagrams as one buffer (UDP_GRO)
    bool tos_and_ttl = false; ///< fill Received::tos and ttl
    /// ICMP errors arrive at Receiver::on_icmp_error (IP_RECVERR).
    bool icmp_errors = false;
    /// IP_PMTUDISC_DONT when false: the network may fragment what we send; when true DF is set on everything.
    bool dont_fragment = false;
    /// Bytes; 0 leaves the system's default.
    int receive_buffer = 0;
    int send_buffer = 0;
};

/// One datagram, or a train: datagrams of the same sender that the kernel received as one buffer.
struct Received {
    net::TransportAddress from;
    /// The address it came to: the socket's own, or on a wildcard socket the one the packet named (so that the answer
    /// leaves from there).
    net::TransportAddress to;
    /// Valid, and writable, until the end of the turn (after the flush that follows on_turn_end). In front of it are
    /// `headroom` bytes that may be written; behind it `tailroom`.
    MutableBytes bytes;
    /// Size of each datagram of a train (the last may be shorter). Equal to bytes.size() when there is only one.
    std::uint16_t segment_size = 0;
    /// Type of Service / Traffic Class and TTL / Hop Limit as received; 0 unless asked for.
    std::uint8_t tos = 0;
    std::uint8_t ttl = 0;

    static constexpr std::size_t headroom = 64;
    static constexpr std::size_t tailroom = 64;

    [[nodiscard]] bool is_train() const { return segment_size < bytes.size(); }
    [[nodiscard]] std::size_t segments() const {
        return segment_size == 0 ? 1 : (bytes.size() + segment_size - 1) / segment_size;
    }
    /// The i-th datagram, i < segments().
    [[nodiscard]] MutableBytes segment(std::size_t i) const {
        const std::size_t begin = i * segment_size;
        const std::size_t rest = bytes.size() - begin;
        return bytes.subspan(begin, segment_size < rest ? segment_size : rest);
    }
    /// The first datagram with `n` <= headroom writable bytes in front of it.
    [[nodiscard]] std::byte* in_front(std::size_t n) const { return bytes.data() - n; }
};

/// What a router or host told us about a datagram that we sent from this socket (RFC 792, RFC 4443).
struct IcmpError {
    net::TransportAddress peer; ///< where our datagram was going
    net::IpAddress reporter;    ///< who sent the ICMP message
    std::uint8_t type = 0;      ///< of ICMP or ICMPv6, by peer.family()
    std::uint8_t code = 0;
    std::uint32_t data = 0; ///< next-hop MTU (type 3 code 4, ICMPv6 type 2) or pointer; else 0
    Bytes original;         ///< the start of our datagram's payload as it was returned; valid for the call
};

/// Hears about datagrams. Calls come on the loop's thread; all may open and close sockets of the engine, also the one
/// the call is about.
class Receiver {
public:
    /// 1 to 64 buffers of one socket, in order of arrival.
    virtual void on_batch(SocketId socket, std::uint64_t tag, std::span<Received> batch) = 0;
    virtual void on_icmp_error(SocketId /*socket*/, std::uint64_t /*tag*/, const IcmpError& /*error*/) {}
    /// Once per turn, after every ready socket of it was read and before what was queued is flushed.
    virtual void on_turn_end() {}

protected:
    ~Receiver() = default;
};

} // namespace fairlead::datagram
