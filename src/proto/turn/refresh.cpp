#include "turn/core.hpp"

namespace fairlead::turn {

using stun::Attribute;
using stun::ErrorCode;

// RFC 8656 section 8.2.
void Server::Core::refresh(const Exchange& exchange, const Identity& identity) {
    const Instant now = exchange.now.steady;
    const auto answer_lifetime = [&](std::chrono::seconds lifetime) {
        succeed(exchange, identity, [&](stun::Writer& answer) {
            answer.u32(Attribute::lifetime, static_cast<std::uint32_t>(lifetime.count()));
        });
    };
    if (live_allocation(exchange.path, now) == nullptr &&
        recent_.find(now, exchange.path, exchange.request.transaction_id()) == 0) {
        return answer_lifetime(std::chrono::seconds(0)); // this very request deleted it; the answer got lost
    }
    Allocation* allocation = own_allocation(exchange, identity);
    if (allocation == nullptr) {
        return;
    }
    const auto family = exchange.request.find(Attribute::requested_address_family);
    if (family && family->size() != 4) {
        return refuse(exchange, identity, {ErrorCode::bad_request, "REQUESTED-ADDRESS-FAMILY malformed"});
    }
    const auto lifetime_attribute = exchange.request.find(Attribute::lifetime);
    if (lifetime_attribute && lifetime_attribute->size() != 4) {
        return refuse(exchange, identity, {ErrorCode::bad_request, "LIFETIME malformed"});
    }
    const auto concerns = [&](const RelayedAddress& relayed) {
        return relayed.live(now) && (!family || std::to_integer<std::uint8_t>((*family)[0]) ==
                                                    static_cast<std::uint8_t>(relayed.relay.family()));
    };
    if (std::ranges::none_of(allocation->relays, concerns)) {
        return refuse(exchange, identity,
                      {ErrorCode::peer_address_family_mismatch, "no relayed address of this family"});
    }

    if (exchange.request.u32(Attribute::lifetime) == 0U) {
        recent_.remember(now, exchange.path, exchange.request.transaction_id(), 0);
        if (std::ranges::all_of(allocation->relays, [&](const auto& r) { return !r.live(now) || concerns(r); })) {
            end(*allocation, now, EndReason::refreshed_to_zero);
        } else {
            for (RelayedAddress& relayed : allocation->relays) {
                if (concerns(relayed)) {
                    allocations.forget_relay(relayed.relay.id());
                    relayed.relay.close();
                }
            }
        }
        return answer_lifetime(std::chrono::seconds(0));
    }

    const std::chrono::seconds lifetime = lifetime_for(exchange, identity);
    for (RelayedAddress& relayed : allocation->relays) {
        if (concerns(relayed)) {
            relayed.expires = now + lifetime;
        }
    }
    allocations.expires_at(*allocation, now + lifetime);
    events.add(AllocationRefreshed{.id = allocation->id, .lifetime = lifetime});
    answer_lifetime(lifetime);
}

} // namespace fairlead::turn
