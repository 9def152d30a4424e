// Random sessions against a model of a page: lifetimes, permissions and bindings as maps of expiry times.

#include "bytes/writer.hpp"
#include "turn/fakes.hpp"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

namespace fairlead::turn {
namespace {

using fakes::Answer;
using fakes::Crafted;
using fakes::World;
using std::chrono::seconds;
using stun::Attribute;
using stun::Class;
using stun::Method;

constexpr std::size_t clients = 3;
constexpr std::size_t peers = 3;
constexpr std::size_t channels = 3;
constexpr std::size_t ports = 4;

net::TransportAddress peer_address(std::size_t peer) {
    return {.address = net::IpAddress::v4(203, 0, 113, static_cast<std::uint8_t>(peer + 1)), .port = 7'000};
}
std::uint16_t channel_number(std::size_t channel) {
    return static_cast<std::uint16_t>(0x4000 + channel);
}

struct ModelBinding {
    std::size_t peer = 0;
    Instant expires{};
};
struct ModelAllocation {
    Instant expires{};
    RelayId relay = 0;
    std::map<std::size_t, Instant> permissions{};
    std::map<std::size_t, ModelBinding> bindings{};
};

/// What the server should do, in the plainest words.
struct Model {
    std::array<std::optional<ModelAllocation>, clients> allocations{};

    ModelAllocation* live(std::size_t client, Instant now) {
        auto& allocation = allocations[client];
        return allocation && now < allocation->expires ? &*allocation : nullptr;
    }
    static bool permitted(const ModelAllocation& allocation, std::size_t peer, Instant now) {
        const auto found = allocation.permissions.find(peer);
        return found != allocation.permissions.end() && now < found->second;
    }
    static const ModelBinding* bound(const ModelAllocation& allocation, std::size_t channel, Instant now) {
        const auto found = allocation.bindings.find(channel);
        return found != allocation.bindings.end() && now < found->second.expires ? &found->second : nullptr;
    }
    static std::optional<std::size_t> channel_to(const ModelAllocation& allocation, std::size_t peer, Instant now) {
        for (const auto& [channel, binding] : allocation.bindings) {
            if (binding.peer == peer && now < binding.expires) {
                return channel;
            }
        }
        return std::nullopt;
    }
};

struct Session {
    World world{[] {
        auto config = World::defaults();
        config.nonce_lifetime = seconds(0);
        return config;
    }()};
    Model model;
    std::string nonce;
    std::uint32_t transaction = 0;

    Session() {
        world.pool = fakes::PortPool(50'000, ports);
        nonce = world.nonce(path(0));
    }
    net::FiveTuple path(std::size_t client) const { return world.path(static_cast<std::uint16_t>(1'000 + client)); }
    Instant now() const { return world.now.steady; }
    Answer ask(std::size_t client, Crafted& request) {
        request.put(Attribute::username, "alice").put(Attribute::realm, "example.org").put(Attribute::nonce, nonce);
        return world.ask(path(client), request.integrity(*world.keys().md5).bytes());
    }

    void allocate(std::size_t client) {
        Crafted request(Class::request, Method::allocate, ++transaction);
        const Answer answer = ask(client, request.udp());
        if (model.live(client, now()) != nullptr) {
            RC_ASSERT(answer.error() == 437U);
            return;
        }
        RC_ASSERT(answer.success());
        model.allocations[client] = ModelAllocation{.expires = now() + seconds(600), .relay = world.relay_of(answer)};
    }
    void refresh(std::size_t client, std::uint32_t lifetime) {
        Crafted request(Class::request, Method::refresh, ++transaction);
        const Answer answer = ask(client, request.u32(Attribute::lifetime, lifetime));
        ModelAllocation* allocation = model.live(client, now());
        if (allocation == nullptr) {
            RC_ASSERT(answer.error() == 437U);
        } else if (lifetime == 0) {
            RC_ASSERT(answer.success());
            model.allocations[client].reset();
        } else {
            RC_ASSERT(answer.success());
            const auto granted = seconds(std::clamp<std::uint32_t>(lifetime, 600, 3'600));
            RC_ASSERT(answer.message().u32(Attribute::lifetime) == static_cast<std::uint32_t>(granted.count()));
            allocation->expires = now() + granted;
        }
    }
    void permit(std::size_t client, std::size_t peer) {
        Crafted request(Class::request, Method::create_permission, ++transaction);
        const Answer answer = ask(client, request.peer(peer_address(peer)));
        ModelAllocation* allocation = model.live(client, now());
        RC_ASSERT(answer.error() == (allocation == nullptr ? 437U : 0U));
        if (allocation != nullptr) {
            allocation->permissions[peer] = now() + seconds(300);
        }
    }
    void bind(std::size_t client, std::size_t channel, std::size_t peer) {
        Crafted request(Class::request, Method::channel_bind, ++transaction);
        const Answer answer = ask(client, request.channel(channel_number(channel)).peer(peer_address(peer)));
        ModelAllocation* allocation = model.live(client, now());
        if (allocation == nullptr) {
            RC_ASSERT(answer.error() == 437U);
            return;
        }
        const ModelBinding* binding = Model::bound(*allocation, channel, now());
        const auto other = Model::channel_to(*allocation, peer, now());
        if ((binding != nullptr && binding->peer != peer) || (other && *other != channel)) {
            RC_ASSERT(answer.error() == 400U);
            return;
        }
        RC_ASSERT(answer.success());
        allocation->bindings[channel] = {.peer = peer, .expires = now() + seconds(600)};
        allocation->permissions[peer] = now() + seconds(300);
    }
    void end(std::size_t client) {
        world.server->connection_closed(world.now, path(client));
        model.allocations[client].reset();
    }

    // Everything that can be relayed is, and nothing else.
    void check() {
        Relay& relay = world.server->relay();
        for (std::size_t client = 0; client < clients; ++client) {
            ModelAllocation* allocation = model.live(client, now());
            RC_ASSERT(world.server->has_allocation(now(), path(client)) == (allocation != nullptr));
            for (std::size_t channel = 0; channel < channels; ++channel) {
                std::array<std::byte, 4> data{};
                bytes::Writer(data).u16(channel_number(channel));
                const auto verdict = relay.from_client(now(), path(client), data);
                const ModelBinding* binding =
                    allocation != nullptr ? Model::bound(*allocation, channel, now()) : nullptr;
                const auto* sent = std::get_if<SendToPeer>(&verdict);
                RC_ASSERT((sent != nullptr) == (binding != nullptr));
                if (sent != nullptr) {
                    RC_ASSERT(sent->peer == peer_address(binding->peer));
                    RC_ASSERT(sent->relay == allocation->relay);
                }
            }
            for (std::size_t peer = 0; allocation != nullptr && peer < peers; ++peer) {
                std::array<std::byte, Relay::max_header> header{};
                const auto verdict = relay.from_peer(now(), allocation->relay, peer_address(peer), 8, header);
                const auto* sent = std::get_if<SendToClient>(&verdict);
                RC_ASSERT((sent != nullptr) == Model::permitted(*allocation, peer, now()));
                if (sent != nullptr) {
                    RC_ASSERT(sent->path == path(client));
                    RC_ASSERT((sent->header == 4) == Model::channel_to(*allocation, peer, now()).has_value());
                }
            }
        }
        // Ports and quotas are conserved: one of each per allocation that has not been swept.
        RC_ASSERT(world.pool.open_count() == world.server->allocation_count());
        RC_ASSERT(world.quota.total == static_cast<int>(world.server->allocation_count()));
    }
};

RC_GTEST_PROP(ServerProperty, DoesWhatTheModelSays, ()) {
    Session session;
    const auto steps = *rc::gen::resize(200, rc::gen::arbitrary<std::vector<std::array<std::uint8_t, 4>>>());
    for (const auto& [kind, a, b, c] : steps) {
        switch (kind % 8) {
        case 0:
            session.allocate(a % clients);
            break;
        case 1:
            session.refresh(a % clients, b < 32 ? 0 : b * 20U);
            break;
        case 2:
            session.permit(a % clients, b % peers);
            break;
        case 3:
        case 4:
            session.bind(a % clients, b % channels, c % peers);
            break;
        case 5:
            session.world.advance(seconds(b)); // without a sweep
            break;
        case 6:
            session.world.run(seconds(b));
            break;
        default:
            if (b < 32) {
                session.end(a % clients);
            }
            break;
        }
        session.check();
    }
    session.world.run(seconds(7'200));
    RC_ASSERT(session.world.pool.open_count() == 0U);
    RC_ASSERT(session.world.quota.total == 0);
    RC_ASSERT(session.world.server->next_timeout() == never);
}

} // namespace
} // namespace fairlead::turn
