#include "bytes/reader.hpp"
#include "turn/core.hpp"

#include <algorithm>

namespace fairlead::turn {

namespace {

using stun::Attribute;
using stun::ErrorCode;

// RFC 8656 section 12: "Channel numbers ... 0x4000 through 0x4FFF"; RFC 5766 section 11 had them up to 0x7FFF.
bool is_channel_number(std::uint16_t number, ServerConfig::ChannelRange range) {
    return number >= 0x4000 && number <= (range == ServerConfig::ChannelRange::rfc8656 ? 0x4fff : 0x7fff);
}

} // namespace

// RFC 8656 section 12.2.
void Server::Core::channel_bind(const Exchange& exchange, const Identity& identity) {
    Allocation* allocation = own_allocation(exchange, identity);
    if (allocation == nullptr) {
        return;
    }
    const Instant now = exchange.now.steady;
    const auto number_value = exchange.request.find(Attribute::channel_number);
    const auto peer = exchange.request.xor_address(Attribute::xor_peer_address);
    if (!number_value || number_value->size() != 4 || !peer) {
        return refuse(exchange, identity,
                      {ErrorCode::bad_request, "CHANNEL-NUMBER or XOR-PEER-ADDRESS missing or malformed"});
    }
    const std::uint16_t channel = bytes::load_u16(*number_value, 0); // 16 reserved bits follow
    if (!is_channel_number(channel, config.channel_range)) {
        return refuse(exchange, identity, {ErrorCode::bad_request, "channel number out of range"});
    }
    drop_expired(*allocation, now);
    ChannelBinding* binding = allocation->binding_of(channel, now);
    if (binding != nullptr && binding->peer != *peer) {
        return refuse(exchange, identity, {ErrorCode::bad_request, "the channel is bound to another peer"});
    }
    if (const ChannelBinding* other = allocation->binding_to(*peer, now); other != nullptr && other != binding) {
        return refuse(exchange, identity, {ErrorCode::bad_request, "the peer is bound to another channel"});
    }
    if (allocation->relay_of(peer->family(), now) == nullptr) {
        return refuse(exchange, identity,
                      {ErrorCode::peer_address_family_mismatch, "the peer's address family is not the relay's"});
    }
    if (const PeerVerdict verdict = deps.peers.verdict(*peer); !verdict.allowed) {
        return refuse(exchange, identity, {ErrorCode::forbidden, verdict.rule});
    }
    const bool too_many = binding == nullptr && allocation->channels.size() >= config.max_channels_per_allocation;
    if (too_many || !has_room_for(*allocation, std::span(&peer->address, 1))) {
        return refuse(exchange, identity, {ErrorCode::insufficient_capacity, "too many channels"});
    }

    const Instant expires = now + config.channel_lifetime;
    if (binding != nullptr) {
        binding->expires = expires;
    } else {
        allocation->channels.push_back({.expires = expires, .peer = *peer, .channel = channel});
    }
    allocations.expires_at(*allocation, expires);
    stats.channels_bound.add();
    events.add(
        ChannelBound{.id = allocation->id, .channel = channel, .peer = *peer, .lifetime = config.channel_lifetime});
    // "A ChannelBind transaction ... also creates or refreshes a permission towards the peer" (section 12)
    install_permission(exchange, *allocation, peer->address);
    succeed(exchange, identity, [](stun::Writer&) {});
}

} // namespace fairlead::turn
