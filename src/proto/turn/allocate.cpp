#include "bytes/reader.hpp"
#include "bytes/writer.hpp"
#include "turn/core.hpp"

#include <algorithm>

namespace fairlead::turn {

namespace {

using stun::Attribute;
using stun::ErrorCode;

constexpr std::uint8_t udp_protocol = 17; // RFC 8656 section 18.7: an IANA protocol number

struct Wish {
    net::Family family = net::Family::v4;
    bool family_by_default = true;
    bool additional_v6 = false;
    PortWish port = PortWish::any;
    std::optional<ReservationToken> token;
};

net::Family default_family(const ServerConfig& config, const net::FiveTuple& path) {
    switch (config.default_family) {
    case ServerConfig::DefaultFamily::v4:
        return net::Family::v4;
    case ServerConfig::DefaultFamily::v6:
        return net::Family::v6;
    case ServerConfig::DefaultFamily::as_client:
        return path.client.family();
    }
    return net::Family::v4;
}

std::optional<net::Family> family_in(Bytes value) {
    const auto number = std::to_integer<std::uint8_t>(value[0]);
    if (number == static_cast<std::uint8_t>(net::Family::v4)) {
        return net::Family::v4;
    }
    if (number == static_cast<std::uint8_t>(net::Family::v6)) {
        return net::Family::v6;
    }
    return std::nullopt;
}

// RFC 8656 section 7.2, the steps that look at the request alone, in the RFC's order.
Result<Wish, Refusal> wish_of(const stun::Message& request, const ServerConfig& config, const net::FiveTuple& path) {
    const auto bad = [](std::string_view why) { return fail(Refusal{.code = ErrorCode::bad_request, .why = why}); };

    const auto transport = request.find(Attribute::requested_transport);
    if (!transport || transport->size() != 4) {
        return bad("REQUESTED-TRANSPORT missing or malformed");
    }
    if (std::to_integer<std::uint8_t>((*transport)[0]) != udp_protocol) {
        return fail(
            Refusal{.code = ErrorCode::unsupported_transport_protocol, .why = "REQUESTED-TRANSPORT is not UDP"});
    }

    const auto token = request.find(Attribute::reservation_token);
    const auto even_port = request.find(Attribute::even_port);
    const auto family = request.find(Attribute::requested_address_family);
    const auto additional = request.find(Attribute::additional_address_family);
    Wish wish;
    wish.family = default_family(config, path);

    if (token) {
        if (even_port || family || additional) {
            return bad("RESERVATION-TOKEN together with EVEN-PORT or an address family");
        }
        if (token->size() != 8) {
            return bad("RESERVATION-TOKEN malformed");
        }
        wish.token = bytes::Reader(*token).u64();
        return wish;
    }
    if (family && additional) {
        return bad("REQUESTED-ADDRESS-FAMILY together with ADDITIONAL-ADDRESS-FAMILY");
    }
    if (family) {
        if (family->size() != 4) {
            return bad("REQUESTED-ADDRESS-FAMILY malformed");
        }
        const auto wanted = family_in(*family);
        if (!wanted) {
            return fail(Refusal{.code = ErrorCode::address_family_not_supported, .why = "unknown address family"});
        }
        wish.family = *wanted;
        wish.family_by_default = false;
    }
    if (even_port) {
        if (even_port->size() != 1) {
            return bad("EVEN-PORT malformed");
        }
        const bool reserve = (std::to_integer<unsigned>((*even_port)[0]) & 0x80U) != 0;
        wish.port = reserve ? PortWish::even_and_next : PortWish::even;
    }
    if (additional) {
        // "If the server receives ... ADDITIONAL-ADDRESS-FAMILY ... with the value 0x01, it MUST reject with 400"
        if (additional->size() != 4 || family_in(*additional) != net::Family::v6) {
            return bad("ADDITIONAL-ADDRESS-FAMILY is not IPv6");
        }
        if (wish.port == PortWish::even_and_next) {
            return bad("ADDITIONAL-ADDRESS-FAMILY together with EVEN-PORT's R bit");
        }
        wish.family = net::Family::v4;
        wish.family_by_default = false;
        wish.additional_v6 = true;
    }
    if (wish.port != PortWish::any && !config.even_port) {
        return fail(Refusal{.code = ErrorCode::insufficient_capacity, .why = "EVEN-PORT is switched off"});
    }
    return wish;
}

Refusal refusal_of(RelayError error) {
    return {.code = error == RelayError::family_unsupported ? ErrorCode::address_family_not_supported
                                                            : ErrorCode::insufficient_capacity,
            .why = describe(error)};
}

std::optional<Refusal> refusal_of(QuotaAnswer answer) {
    switch (answer) {
    case QuotaAnswer::granted:
        return std::nullopt;
    case QuotaAnswer::user_limit:
        return Refusal{.code = ErrorCode::allocation_quota_reached, .why = "the user's quota is used up"};
    case QuotaAnswer::capacity_limit:
        break;
    }
    return Refusal{.code = ErrorCode::insufficient_capacity, .why = "the server's capacity is used up"};
}

constexpr std::string_view too_many = "too many allocations";

} // namespace

std::optional<std::uint8_t> worker_of_reservation(Bytes datagram) {
    if (datagram.size() < stun::header_size || bytes::load_u16(datagram, 0) != 0x0003) {
        return std::nullopt; // not an Allocate request
    }
    const auto request = stun::Message::parse(datagram);
    const auto token = request ? request->find(Attribute::reservation_token) : std::nullopt;
    if (!token || token->size() != 8) {
        return std::nullopt;
    }
    return std::to_integer<std::uint8_t>((*token)[0]);
}

Result<OpenedRelays, RelayError> Server::Core::open_relay(const RelayRequest& request) {
    const auto opened = deps.relays.open(request);
    if (!opened) {
        return opened;
    }
    if (opened->relay.id < config.max_relays && (!opened->reserved || opened->reserved->id < config.max_relays) &&
        opened->reserved.has_value() == (request.port == PortWish::even_and_next)) {
        return opened;
    }
    // The opener broke its promise: refuse, and leak nothing.
    deps.relays.close(opened->relay.id);
    if (opened->reserved) {
        deps.relays.close(opened->reserved->id);
    }
    return fail(RelayError::system);
}

// RFC 8656 section 7.2: "If the request contains LIFETIME ... the server computes ... min(client's desired lifetime,
// maximum allowed); if this is greater than the default lifetime it is used, else the default".
std::chrono::seconds Server::Core::lifetime_for(const Exchange& exchange, const Identity& identity) const {
    std::chrono::seconds lifetime = config.default_lifetime;
    if (const auto wanted = exchange.request.u32(Attribute::lifetime)) {
        lifetime = std::max(lifetime, std::min(std::chrono::seconds(*wanted), config.max_lifetime));
    }
    if (config.lifetime_ends_with_credential && identity.expires != UnixTime::max()) {
        lifetime = std::min(lifetime, std::max(identity.expires - exchange.now.unix, std::chrono::seconds(1)));
    }
    return lifetime;
}

void Server::Core::allocate(const Exchange& exchange, const Identity& identity) {
    const Instant now = exchange.now.steady;
    const stun::Message& request = exchange.request;
    if (Allocation* existing = allocations.find(exchange.path); existing != nullptr) {
        if (!existing->live(now)) {
            end(*existing, now, EndReason::expired);
        } else if (existing->transaction_id == request.transaction_id() && existing->username == identity.username) {
            return answer_allocated(exchange, identity, *existing); // a retransmission
        } else {
            return refuse(exchange, identity, {ErrorCode::allocation_mismatch, "the 5-tuple has an allocation"});
        }
    }
    const auto refuse_for_now = [&](const Refusal& refusal) {
        recent_.remember(now, exchange.path, request.transaction_id(), static_cast<std::uint16_t>(refusal.code));
        refuse(exchange, identity, refusal);
    };
    if (const auto earlier = recent_.find(now, exchange.path, request.transaction_id()); earlier && *earlier != 0) {
        return refuse(exchange, identity, {static_cast<ErrorCode>(*earlier), "retransmitted"});
    }

    const auto wish = wish_of(request, config, exchange.path);
    if (!wish) {
        return refuse(exchange, identity, wish.error());
    }
    if (redirect) {
        return refuse_with_alternate(exchange, identity);
    }
    if (allocations.size() >= config.max_allocations) {
        return refuse_for_now({ErrorCode::insufficient_capacity, too_many});
    }

    auto allocation = std::make_unique<Allocation>();
    const std::chrono::seconds lifetime = lifetime_for(exchange, identity);
    const Instant expires = now + lifetime;
    const auto place = [&](std::size_t index, const OpenedRelay& opened) {
        allocation->relays[index] = {.relay = OwnedRelay(deps.relays, opened), .expires = expires};
    };

    if (wish->token) {
        auto reservation = reservations.redeem(*wish->token, identity.user, now);
        if (!reservation) {
            return refuse_for_now({ErrorCode::insufficient_capacity, "no such reservation"});
        }
        note_reservations();
        allocation->quota = std::move(reservation->quota);
        allocation->relays[0] = {.relay = std::move(reservation->relay), .expires = expires};
    } else {
        if (const auto refusal = refusal_of(deps.quota.take(realm, identity.user))) {
            return refuse_for_now(*refusal);
        }
        allocation->quota = QuotaHold(deps.quota, realm, identity.user);
        QuotaHold reserved_quota;
        if (wish->port == PortWish::even_and_next) {
            if (reservations.size() >= config.max_reservations) {
                return refuse_for_now({ErrorCode::insufficient_capacity, "too many reservations"});
            }
            if (const auto refusal = refusal_of(deps.quota.take(realm, identity.user))) {
                return refuse_for_now(*refusal);
            }
            reserved_quota = QuotaHold(deps.quota, realm, identity.user);
        }

        auto opened = open_relay({.family = wish->family, .port = wish->port, .path = exchange.path});
        if (!opened && opened.error() == RelayError::family_unsupported && wish->family_by_default) {
            // The family was our choice, so the other one will do.
            const net::Family other = wish->family == net::Family::v4 ? net::Family::v6 : net::Family::v4;
            opened = open_relay({.family = other, .port = wish->port, .path = exchange.path});
        }
        if (opened) {
            place(0, opened->relay);
        }
        if (wish->additional_v6) {
            const auto additional = open_relay({.family = net::Family::v6, .port = wish->port, .path = exchange.path});
            if (additional) {
                place(1, additional->relay);
            }
            if (opened.has_value() != additional.has_value()) {
                allocation->missing_family = opened ? net::Family::v6 : net::Family::v4;
                allocation->missing_because = refusal_of(opened ? additional.error() : opened.error()).code;
            }
        }
        if (!allocation->relays[0].relay.open() && !allocation->relays[1].relay.open()) {
            return refuse_for_now(refusal_of(opened.error()));
        }
        if (opened && opened->reserved) {
            allocation->reservation_token =
                (std::uint64_t{config.worker_index} << 56U) | (deps.random.next_u64() >> 8U);
            reservations.add(allocation->reservation_token, {.relay = OwnedRelay(deps.relays, *opened->reserved),
                                                             .quota = std::move(reserved_quota),
                                                             .expires = now + config.reservation_lifetime});
            note_reservations();
        }
    }

    allocation->id = next_allocation_++;
    allocation->path = exchange.path;
    allocation->transaction_id = request.transaction_id();
    allocation->created = now;
    allocation->username = identity.username;
    const Allocation& added = allocations.add(std::move(allocation));
    stats.allocations_created.add();
    stats.allocations.add();
    arm(now);

    AllocationCreated created{.id = added.id,
                              .path = added.path,
                              .username = added.username,
                              .user = added.quota.user(),
                              .relayed = {},
                              .additional = std::nullopt,
                              .lifetime = lifetime};
    const auto& [first, second] = added.relays;
    created.relayed = first.relay.open() ? first.relay.relayed() : second.relay.relayed();
    if (first.relay.open() && second.relay.open()) {
        created.additional = second.relay.relayed();
    }
    events.add(std::move(created));
    answer_allocated(exchange, identity, added);
}

// RFC 8656 section 7.2, for the first answer and for every retransmission: it is made of what the allocation is, so
// nothing has to be kept for the latter.
void Server::Core::answer_allocated(const Exchange& exchange, const Identity& identity, const Allocation& allocation) {
    succeed(exchange, identity, [&](stun::Writer& answer) {
        for (const RelayedAddress& relayed : allocation.relays) {
            if (relayed.live(exchange.now.steady)) {
                answer.xor_address(Attribute::xor_relayed_address, relayed.relay.relayed());
            }
        }
        const auto lifetime = whole_seconds(allocation.expires() - exchange.now.steady);
        answer.u32(Attribute::lifetime, static_cast<std::uint32_t>(lifetime.count()));
        if (allocation.reservation_token != 0) {
            std::array<std::byte, 8> token{};
            bytes::Writer(token).u64(allocation.reservation_token);
            answer.put(Attribute::reservation_token, token);
        }
        answer.xor_address(Attribute::xor_mapped_address, exchange.path.client);
        if (allocation.missing_because) {
            answer.address_error(allocation.missing_family, *allocation.missing_because,
                                 stun::describe(*allocation.missing_because));
        }
    });
}

// RFC 8489 section 10. ALTERNATE-DOMAIN gives clients over TLS the name to check the alternate's certificate against.
void Server::Core::refuse_with_alternate(const Exchange& exchange, const Identity& identity) {
    const auto& servers = redirect->servers;
    const auto family = exchange.path.client.family();
    std::optional<net::TransportAddress> alternate;
    for (std::size_t i = 0; i < servers.size() && !alternate; ++i) {
        const net::TransportAddress& candidate = servers[(next_alternate_ + i) % servers.size()];
        if (candidate.family() == family) {
            alternate = candidate;
            next_alternate_ = (next_alternate_ + i + 1) % servers.size();
        }
    }
    if (!alternate) {
        return refuse(exchange, identity,
                      {ErrorCode::insufficient_capacity, "draining, and no alternate of this family"});
    }
    refuse(exchange, identity, {ErrorCode::try_alternate, "redirected"}, [&](stun::Writer& answer) {
        answer.address(Attribute::alternate_server, *alternate);
        const net::Transport transport = exchange.path.transport;
        if (!redirect->domain.empty() && (transport == net::Transport::tls || transport == net::Transport::dtls)) {
            answer.put(Attribute::alternate_domain, redirect->domain);
        }
    });
}

} // namespace fairlead::turn
