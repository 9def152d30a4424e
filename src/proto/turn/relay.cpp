#include "turn/relay.hpp"

#include "bytes/reader.hpp"
#include "bytes/writer.hpp"
#include "stun/writer.hpp"
#include "turn/allocations.hpp"
#include "turn/channel_data.hpp"
#include "turn/config.hpp"
#include "turn/known_attributes.hpp"
#include "turn/peer_policy.hpp"
#include "turn/stats.hpp"
#include "turn/stream_framer.hpp"

namespace fairlead::turn {

namespace {

constexpr std::uint16_t send_indication = 0x0016;

// RFC 8656 section 11.5: what is passed on. ICMPv4 destination unreachable and time exceeded; ICMPv6 destination
// unreachable, packet too big and time exceeded.
bool is_relayed_icmp(net::Family family, std::uint8_t type) {
    return family == net::Family::v4 ? type == 3 || type == 11 : type >= 1 && type <= 3;
}

std::uint32_t second_of(Instant now) {
    // Only ever compared for equality, so the width does not matter.
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

} // namespace

std::string_view describe(DropReason reason) {
    switch (reason) {
    case DropReason::malformed:
        return "malformed";
    case DropReason::unknown_attribute:
        return "unknown attribute";
    case DropReason::no_allocation:
        return "no allocation";
    case DropReason::no_channel_binding:
        return "no channel binding";
    case DropReason::no_permission:
        return "no permission";
    case DropReason::peer_refused:
        return "peer refused";
    case DropReason::family_mismatch:
        return "family mismatch";
    case DropReason::not_for_us:
        return "not for us";
    case DropReason::no_room:
        return "no room";
    }
    return "unknown";
}

Relay::Relay(Allocations& allocations, const ServerConfig& config, PeerPolicy& policy, RelayStats& stats,
             std::uint64_t transaction_seed)
    : allocations_(allocations), config_(config), policy_(policy), stats_(stats), transaction_(transaction_seed) {}

ClientVerdict Relay::from_client(Instant now, const net::FiveTuple& path, Bytes datagram) {
    if (datagram.size() < ChannelData::header_size) {
        return dropped_from_client(DropReason::malformed);
    }
    const std::uint16_t start = bytes::load_u16(datagram, 0);
    if (start >= 0x4000 && start <= 0x7fff) {
        return channel_data(now, path, datagram);
    }
    if (start == send_indication) {
        return send(now, path, datagram);
    }
    if (start < 0x4000) {
        return ForServer{};
    }
    return dropped_from_client(DropReason::not_for_us);
}

ClientVerdict Relay::channel_data(Instant now, const net::FiveTuple& path, Bytes datagram) {
    const auto header = ChannelData::parse(datagram);
    if (!header) {
        return dropped_from_client(DropReason::malformed);
    }
    Allocation* allocation = allocations_.find(path);
    if (allocation == nullptr || !allocation->live(now)) {
        return dropped_from_client(DropReason::no_allocation);
    }
    const ChannelBinding* binding = allocation->binding_of(header->channel, now);
    if (binding == nullptr) {
        return dropped_from_client(DropReason::no_channel_binding);
    }
    const RelayedAddress* relayed = allocation->relay_of(binding->peer.family(), now);
    if (relayed == nullptr) {
        return dropped_from_client(DropReason::family_mismatch);
    }
    count_to_peer(*allocation, 1, header->length);
    return SendToPeer{.relay = relayed->relay.id(),
                      .peer = binding->peer,
                      .offset = ChannelData::header_size,
                      .length = header->length};
}

// RFC 8656 section 11.2.
ClientVerdict Relay::send(Instant now, const net::FiveTuple& path, Bytes datagram) {
    // Strangers' indications cost a table look-up, not a parse.
    Allocation* allocation = allocations_.find(path);
    if (allocation == nullptr || !allocation->live(now)) {
        return dropped_from_client(DropReason::no_allocation);
    }
    const auto message = stun::Message::parse(datagram);
    if (!message) {
        return dropped_from_client(DropReason::malformed);
    }
    if (has_unknown(*message, config_.dont_fragment)) {
        return dropped_from_client(DropReason::unknown_attribute);
    }
    const auto peer = message->xor_address(stun::Attribute::xor_peer_address);
    const auto data = message->find(stun::Attribute::data);
    if (!peer || !data) {
        return dropped_from_client(DropReason::malformed);
    }
    Permission* permission = allocation->permission_for(peer->address, now);
    if (permission == nullptr) {
        return dropped_from_client(DropReason::no_permission);
    }
    const RelayedAddress* relayed = allocation->relay_of(peer->family(), now);
    if (relayed == nullptr) {
        return dropped_from_client(DropReason::family_mismatch);
    }
    // The permission was judged by its address; what depends on the port is judged here, once a second and port.
    if (const std::uint32_t second = second_of(now);
        permission->allowed_port != peer->port || permission->allowed_at != second) {
        if (!policy_.verdict(*peer).allowed) {
            return dropped_from_client(DropReason::peer_refused);
        }
        permission->allowed_port = peer->port;
        permission->allowed_at = second;
    }
    count_to_peer(*allocation, 1, data->size());
    return SendToPeer{.relay = relayed->relay.id(),
                      .peer = *peer,
                      .offset = static_cast<std::size_t>(data->data() - datagram.data()),
                      .length = data->size(),
                      .dont_fragment = message->has(stun::Attribute::dont_fragment)};
}

void Relay::repeated(const SendToPeer& verdict, std::size_t n) {
    if (Allocation* allocation = allocations_.by_relay(verdict.relay); allocation != nullptr) {
        count_to_peer(*allocation, n, verdict.length);
    }
}

PeerDataVerdict Relay::from_peer(Instant now, RelayId relay, const net::TransportAddress& peer, std::size_t length,
                                 MutableBytes header, std::size_t segments) {
    Allocation* allocation = allocations_.by_relay(relay);
    if (allocation == nullptr || allocation->relay_of(peer.family(), now) == nullptr) {
        return dropped_from_peer(DropReason::no_allocation, segments);
    }
    if (allocation->permission_for(peer.address, now) == nullptr) {
        return dropped_from_peer(DropReason::no_permission, segments);
    }
    std::size_t header_size = 0;
    std::size_t padding = 0;
    if (const ChannelBinding* binding = allocation->binding_to(peer, now); binding != nullptr) {
        bytes::Writer out(header);
        out.u16(binding->channel);
        out.u16(static_cast<std::uint16_t>(length));
        header_size = out.ok() && length <= 0xffff ? out.size() : 0;
        padding = net::is_stream(allocation->path.transport) ? stream_padding(length) : 0;
    } else {
        stun::Writer out(header, stun::Class::indication, stun::Method::data, next_transaction_id());
        out.xor_address(stun::Attribute::xor_peer_address, peer);
        header_size = out.finish_before(stun::Attribute::data, length);
        padding = stream_padding(length);
    }
    if (header_size == 0) {
        return dropped_from_peer(DropReason::no_room, segments);
    }
    allocation->traffic.packets_to_client += segments;
    allocation->traffic.bytes_to_client += segments * length;
    stats_.sent_to_client(segments, segments * length);
    return SendToClient{.path = allocation->path,
                        .header = static_cast<std::uint8_t>(header_size),
                        .padding = static_cast<std::uint8_t>(padding)};
}

PeerDataVerdict Relay::from_peer_icmp(Instant now, RelayId relay, const net::TransportAddress& peer,
                                      const IcmpError& error, MutableBytes room) {
    if (!is_relayed_icmp(peer.family(), error.type)) {
        return dropped_from_peer(DropReason::not_for_us, 1);
    }
    Allocation* allocation = allocations_.by_relay(relay);
    if (allocation == nullptr || allocation->relay_of(peer.family(), now) == nullptr) {
        return dropped_from_peer(DropReason::no_allocation, 1);
    }
    if (allocation->permission_for(peer.address, now) == nullptr) {
        return dropped_from_peer(DropReason::no_permission, 1);
    }
    // RFC 8656 section 18.13: 16 bits reserved, type, code, error data.
    std::array<std::byte, 8> icmp{};
    bytes::Writer value(icmp);
    value.u16(0);
    value.u8(error.type);
    value.u8(error.code);
    value.u32(error.data);
    stun::Writer out(room, stun::Class::indication, stun::Method::data, next_transaction_id());
    out.xor_address(stun::Attribute::xor_peer_address, peer);
    out.put(stun::Attribute::icmp, icmp);
    const std::size_t size = out.finish();
    if (size == 0) {
        return dropped_from_peer(DropReason::no_room, 1);
    }
    stats_.icmp_to_clients.add();
    return SendToClient{.path = allocation->path, .header = static_cast<std::uint8_t>(size)};
}

void Relay::count_to_peer(Allocation& allocation, std::size_t packets, std::size_t length) {
    allocation.traffic.packets_to_peers += packets;
    allocation.traffic.bytes_to_peers += packets * length;
    stats_.sent_to_peer(packets, packets * length);
}

Drop Relay::dropped_from_client(DropReason why) {
    stats_.from_client_dropped[static_cast<std::size_t>(why)].add();
    return Drop{why};
}

Drop Relay::dropped_from_peer(DropReason why, std::size_t packets) {
    stats_.from_peer_dropped[static_cast<std::size_t>(why)].add(packets);
    return Drop{why};
}

// An indication's transaction id is matched with nothing (RFC 8489 section 6.3.2); it only has to differ from the last.
stun::TransactionId Relay::next_transaction_id() {
    stun::TransactionId id{};
    bytes::Writer out(id);
    out.u32(0);
    out.u64(++transaction_);
    return id;
}

} // namespace fairlead::turn
