#include "turn/core.hpp"

#include <algorithm>

namespace fairlead::turn {

using stun::Attribute;
using stun::ErrorCode;

/// The live allocation of this 5-tuple when it is this user's; else the error has been sent.
Allocation* Server::Core::own_allocation(const Exchange& exchange, const Identity& identity) {
    Allocation* allocation = live_allocation(exchange.path, exchange.now.steady);
    if (allocation == nullptr) {
        refuse(exchange, identity, {ErrorCode::allocation_mismatch, "no allocation on this 5-tuple"});
        return nullptr;
    }
    if (allocation->username != identity.username) {
        refuse(exchange, identity, {ErrorCode::wrong_credentials, "the allocation is another user's"});
        return nullptr;
    }
    return allocation;
}

void Server::Core::install_permission(const Exchange& exchange, Allocation& allocation, const net::IpAddress& peer) {
    const Instant expires = exchange.now.steady + config.permission_lifetime;
    const auto present = std::ranges::find(allocation.permissions, peer, &Permission::peer);
    if (present != allocation.permissions.end()) {
        present->expires = expires;
    } else {
        allocation.permissions.push_back({.expires = expires, .peer = peer});
    }
    allocations.expires_at(allocation, expires);
    stats.permissions_installed.add();
    events.add(PermissionInstalled{.id = allocation.id, .peer = peer, .lifetime = config.permission_lifetime});
}

bool Server::Core::has_room_for(const Allocation& allocation, std::span<const net::IpAddress> peers) const {
    const auto added = std::ranges::count_if(peers, [&](const net::IpAddress& peer) {
        return std::ranges::find(allocation.permissions, peer, &Permission::peer) == allocation.permissions.end();
    });
    return allocation.permissions.size() + static_cast<std::size_t>(added) <= config.max_permissions_per_allocation;
}

// RFC 8656 section 10.2. All of the peers or none.
void Server::Core::create_permission(const Exchange& exchange, const Identity& identity) {
    Allocation* allocation = own_allocation(exchange, identity);
    if (allocation == nullptr) {
        return;
    }
    std::array<net::IpAddress, stun::max_attributes> list{};
    std::size_t count = 0;
    for (std::size_t i = 0; i < exchange.request.attribute_count(); ++i) {
        const stun::AttributeView attribute = exchange.request.attribute(i);
        if (!attribute.is(Attribute::xor_peer_address)) {
            continue;
        }
        const auto peer = exchange.request.xor_address(attribute.value);
        if (!peer) {
            return refuse(exchange, identity, {ErrorCode::bad_request, "XOR-PEER-ADDRESS malformed"});
        }
        if (std::ranges::find(std::span(list).first(count), peer->address) == std::span(list).first(count).end()) {
            list[count++] = peer->address;
        }
    }
    const std::span<const net::IpAddress> peers = std::span(list).first(count);
    if (peers.empty()) {
        return refuse(exchange, identity, {ErrorCode::bad_request, "no XOR-PEER-ADDRESS"});
    }
    for (const net::IpAddress& peer : peers) {
        if (allocation->relay_of(peer.family(), exchange.now.steady) == nullptr) {
            return refuse(exchange, identity,
                          {ErrorCode::peer_address_family_mismatch, "the peer's address family is not the relay's"});
        }
    }
    for (const net::IpAddress& peer : peers) {
        if (const PeerVerdict verdict = deps.peers.verdict(peer); !verdict.allowed) {
            return refuse(exchange, identity, {ErrorCode::forbidden, verdict.rule});
        }
    }
    drop_expired(*allocation, exchange.now.steady);
    if (!has_room_for(*allocation, peers)) {
        return refuse(exchange, identity, {ErrorCode::insufficient_capacity, "too many permissions"});
    }
    for (const net::IpAddress& peer : peers) {
        install_permission(exchange, *allocation, peer);
    }
    succeed(exchange, identity, [](stun::Writer&) {});
}

} // namespace fairlead::turn
