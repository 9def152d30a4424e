#pragma once

#include "bytes/bytes.hpp"
#include "net/address.hpp"
#include "stun/message.hpp"
#include "time/instant.hpp"
#include "turn/relay_opener.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

namespace fairlead::turn {

class Allocations;
class PeerPolicy;
struct Allocation;
struct ServerConfig;
struct RelayStats;

/// Why a datagram goes nowhere. Every drop is counted under its name.
enum class DropReason : std::uint8_t {
    malformed,         ///< ChannelData shorter than it says, STUN that does not parse, a Send without DATA
    unknown_attribute, ///< comprehension-required, in an indication (RFC 8489 section 6.3.2)
    no_allocation,     ///< 5-tuple or relay without a (live) allocation
    no_channel_binding,
    no_permission,
    peer_refused,    ///< by the peer policy
    family_mismatch, ///< a peer of a family that the allocation has no relayed address of
    not_for_us,      ///< neither ChannelData nor STUN, or an indication or answer that no client sends
    no_room,         ///< the caller's header room is too small
};
inline constexpr std::size_t drop_reasons = 9;
[[nodiscard]] std::string_view describe(DropReason reason);

struct Drop {
    DropReason why;
};
/// Send bytes [offset, offset + length) of the caller's buffer from this relay socket to `peer`.
struct SendToPeer {
    RelayId relay = 0;
    net::TransportAddress peer{};
    std::size_t offset = 0;
    std::size_t length = 0;
    bool dont_fragment = false; ///< set DF (RFC 8656 section 11.2)
};
/// A STUN message for Server::handle().
struct ForServer {};
using ClientVerdict = std::variant<Drop, SendToPeer, ForServer>;

/// Send to the client: `header` bytes of the room the caller gave, then the payload, then `padding` zero bytes.
struct SendToClient {
    net::FiveTuple path{};
    std::uint8_t header = 0;
    std::uint8_t padding = 0; ///< 0 to 3; streams (RFC 8656 section 12.5) and DATA attributes need it
};
using PeerDataVerdict = std::variant<Drop, SendToClient>;

/// What the kernel tells about a datagram that we sent for an allocation (RFC 8656 section 18.13).
struct IcmpError {
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    /// The MTU for "fragmentation needed" and "packet too big", else 0.
    std::uint32_t data = 0;
};

/// The hot path: what to do with application data. No allocation, no lock, no output: every verdict refers to the
/// caller's buffer. Verdicts are valid until the next call of the Server's handle(), handle_timeout(),
/// connection_closed() or provide_key(): in practice for the current batch.
///
/// Trains. A train of datagrams of equal size from one 5-tuple (GRO) needs one verdict as long as the segments are
/// alike:
///  * client to peer: every segment whose first four bytes (channel number and length) and total size equal those of
///    the segment judged gets the same SendToPeer; call repeated(verdict, n) for the n segments not judged, so that
///    they are counted. A segment that differs (usually the last, shorter one) is judged by from_client() itself.
///  * peer to client: from_peer(…, length, …, segments) judges `segments` datagrams of `length` bytes from one peer at
///    once; the header is the same for all of them, except that a Data indication's transaction id then repeats, which
///    no client looks at (RFC 8489 section 6.3.2). The shorter last one needs its own call.
class Relay {
public:
    /// Room that from_peer() and from_peer_icmp() may need.
    static constexpr std::size_t max_header = 64;

    Relay(Allocations& allocations, const ServerConfig& config, PeerPolicy& policy, RelayStats& stats,
          std::uint64_t transaction_seed);

    /// A datagram from a client, or one frame from its stream: ChannelData and Send indications are decided here; any
    /// other STUN message is ForServer.
    [[nodiscard]] ClientVerdict from_client(Instant now, const net::FiveTuple& path, Bytes datagram);

    /// `n` more segments exactly like the one that got this verdict.
    void repeated(const SendToPeer& verdict, std::size_t n);

    /// `segments` datagrams of `length` bytes each, received from `peer` on the relay socket. The header that goes in
    /// front of each is written to `header`.
    [[nodiscard]] PeerDataVerdict from_peer(Instant now, RelayId relay, const net::TransportAddress& peer,
                                            std::size_t length, MutableBytes header, std::size_t segments = 1);

    /// An ICMP error about a datagram that this relay socket sent to `peer`. The whole Data indication (RFC 8656
    /// section 11.5: XOR-PEER-ADDRESS and ICMP, no DATA) is written to `room`.
    [[nodiscard]] PeerDataVerdict from_peer_icmp(Instant now, RelayId relay, const net::TransportAddress& peer,
                                                 const IcmpError& error, MutableBytes room);

private:
    ClientVerdict channel_data(Instant now, const net::FiveTuple& path, Bytes datagram);
    ClientVerdict send(Instant now, const net::FiveTuple& path, Bytes datagram);
    void count_to_peer(Allocation& allocation, std::size_t packets, std::size_t length);
    Drop dropped_from_client(DropReason why);
    Drop dropped_from_peer(DropReason why, std::size_t packets);
    stun::TransactionId next_transaction_id();

    Allocations& allocations_;
    const ServerConfig& config_;
    PeerPolicy& policy_;
    RelayStats& stats_;
    std::uint64_t transaction_;
};

} // namespace fairlead::turn
