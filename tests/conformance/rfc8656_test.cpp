// RFC 8656, server side: what it demands, by section. Finer points are in src/proto/turn/*_test.cpp.

#include "turn/fakes.hpp"

#include "bytes/reader.hpp"

#include <gtest/gtest.h>

namespace fairlead::turn {
namespace {

using fakes::address;
using fakes::Answer;
using fakes::Crafted;
using fakes::World;
using stun::Attribute;
using stun::Class;
using stun::Method;
using namespace std::chrono_literals;

const auto peer = address("203.0.113.9:7000");
const auto other = address("203.0.113.10:7000");
const auto peer_v6 = address("[2001:db8:1::9]:7000");
constexpr std::string_view reserve("\x80", 1);
constexpr std::string_view even("\0", 1);

Crafted allocate(std::uint32_t transaction = 1) {
    return std::move(Crafted(Class::request, Method::allocate, transaction).udp());
}

struct Error {
    const char* name;
    unsigned code;
    std::function<Answer(World&)> ask;
};

// One row per error code that the RFC wants, and where.
TEST(Rfc8656, EveryErrorCodeHasItsPlace) {
    const auto signed_on = [](World& world, Crafted&& request) {
        return world.ask_signed(world.path(), std::move(request));
    };
    const auto with_allocation = [](World& world) { ASSERT_TRUE(world.allocate(world.path(), 99).success()); };
    const std::vector<Error> rows{
        {"7.2 step 1: no credentials", 401, [](World& w) { return w.ask(w.path(), allocate().bytes()); }},
        {"7.2 step 2: 5-tuple in use", 437,
         [&](World& w) {
             with_allocation(w);
             return w.allocate(w.path(), 2);
         }},
        {"7.2 step 3: no REQUESTED-TRANSPORT", 400,
         [&](World& w) { return signed_on(w, Crafted(Class::request, Method::allocate)); }},
        {"7.2 step 3: not UDP", 442,
         [&](World& w) {
             return signed_on(
                 w,
                 std::move(Crafted(Class::request, Method::allocate).u32(Attribute::requested_transport, 6U << 24U)));
         }},
        {"7.2 step 4: DONT-FRAGMENT unsupported", 420,
         [&](World& w) {
             auto config = World::defaults();
             config.dont_fragment = false;
             w.server->reconfigure(config);
             return signed_on(w, std::move(allocate().put(Attribute::dont_fragment, "")));
         }},
        {"7.2 step 5: token with EVEN-PORT", 400,
         [&](World& w) {
             return signed_on(
                 w,
                 std::move(allocate().put(Attribute::reservation_token, "12345678").put(Attribute::even_port, even)));
         }},
        {"7.2 step 5: token unknown", 508,
         [&](World& w) { return signed_on(w, std::move(allocate().put(Attribute::reservation_token, "12345678"))); }},
        {"7.2 step 6: both family attributes", 400,
         [&](World& w) {
             return signed_on(w, std::move(allocate()
                                               .u32(Attribute::requested_address_family, 1U << 24U)
                                               .u32(Attribute::additional_address_family, 2U << 24U)));
         }},
        {"7.2 step 7: family unsupported", 440,
         [&](World& w) {
             w.pool.families = {net::Family::v4};
             return signed_on(w, std::move(allocate().u32(Attribute::requested_address_family, 2U << 24U)));
         }},
        {"7.2 step 7: family unknown", 440,
         [&](World& w) {
             return signed_on(w, std::move(allocate().u32(Attribute::requested_address_family, 9U << 24U)));
         }},
        {"7.2 step 8: no even port left", 508,
         [&](World& w) {
             w.pool = fakes::PortPool(50'001, 1);
             return signed_on(w, std::move(allocate().put(Attribute::even_port, even)));
         }},
        {"7.2 step 9: additional family is IPv4", 400,
         [&](World& w) {
             return signed_on(w, std::move(allocate().u32(Attribute::additional_address_family, 1U << 24U)));
         }},
        {"7.2 step 10: R bit with an additional family", 400,
         [&](World& w) {
             return signed_on(w, std::move(allocate()
                                               .u32(Attribute::additional_address_family, 2U << 24U)
                                               .put(Attribute::even_port, reserve)));
         }},
        {"7.2 step 11: quota", 486,
         [](World& w) {
             w.quota.per_user = 0;
             return w.allocate(w.path());
         }},
        {"7.2 step 12: alternate server", 300,
         [](World& w) {
             w.server->redirect(Redirect{.servers = {address("192.0.2.77:3478")}});
             return w.allocate(w.path());
         }},
        {"7.2: capacity", 508,
         [](World& w) {
             w.pool = fakes::PortPool(50'000, 0);
             return w.allocate(w.path());
         }},
        {"8.2: no allocation", 437, [](World& w) { return w.refresh(w.path(), 600); }},
        {"8.2: family mismatch", 443,
         [&](World& w) {
             with_allocation(w);
             return signed_on(
                 w, std::move(
                        Crafted(Class::request, Method::refresh).u32(Attribute::requested_address_family, 2U << 24U)));
         }},
        {"10.2: no allocation", 437, [](World& w) { return w.permit(w.path(), peer); }},
        {"10.2: no peer", 400,
         [&](World& w) {
             with_allocation(w);
             return signed_on(w, Crafted(Class::request, Method::create_permission));
         }},
        {"10.2: family mismatch", 443,
         [&](World& w) {
             with_allocation(w);
             return w.permit(w.path(), peer_v6);
         }},
        {"10.2: peer refused", 403,
         [&](World& w) {
             with_allocation(w);
             w.rules.refused.insert(peer.address);
             return w.permit(w.path(), peer);
         }},
        {"10.2: capacity", 508,
         [&](World& w) {
             with_allocation(w);
             auto config = World::defaults();
             config.max_permissions_per_allocation = 0;
             w.server->reconfigure(config);
             return w.permit(w.path(), peer);
         }},
        {"12.2: no allocation", 437, [](World& w) { return w.bind_channel(w.path(), 0x4000, peer); }},
        {"12.2: channel out of range", 400,
         [&](World& w) {
             with_allocation(w);
             return w.bind_channel(w.path(), 0x5000, peer);
         }},
        {"12.2: channel bound to another peer", 400,
         [&](World& w) {
             with_allocation(w);
             EXPECT_TRUE(w.bind_channel(w.path(), 0x4000, other, 5).success());
             return w.bind_channel(w.path(), 0x4000, peer, 6);
         }},
        {"12.2: peer bound to another channel", 400,
         [&](World& w) {
             with_allocation(w);
             EXPECT_TRUE(w.bind_channel(w.path(), 0x4000, peer, 5).success());
             return w.bind_channel(w.path(), 0x4001, peer, 6);
         }},
        {"12.2: family mismatch", 443,
         [&](World& w) {
             with_allocation(w);
             return w.bind_channel(w.path(), 0x4000, peer_v6);
         }},
        {"12.2: peer refused", 403,
         [&](World& w) {
             with_allocation(w);
             w.rules.refused_ports.insert(peer.port);
             return w.bind_channel(w.path(), 0x4000, peer);
         }},
        {"12.2: capacity", 508,
         [&](World& w) {
             with_allocation(w);
             auto config = World::defaults();
             config.max_channels_per_allocation = 0;
             w.server->reconfigure(config);
             return w.bind_channel(w.path(), 0x4000, peer);
         }},
    };
    for (const Error& row : rows) {
        World world;
        const Answer answer = row.ask(world);
        ASSERT_FALSE(answer.bytes.empty()) << row.name;
        EXPECT_EQ(answer.error(), row.code) << row.name;
    }
}

TEST(Rfc8656, Section5_WrongCredentialsFor441OnEveryMethod) {
    World world;
    ASSERT_TRUE(world.allocate(world.path()).success());
    for (const Method method : {Method::refresh, Method::create_permission, Method::channel_bind}) {
        Crafted request(Class::request, method, 7);
        request.peer(peer).channel(0x4000);
        EXPECT_EQ(world.ask(world.path(), world.sign(world.path(), request, "bob", "hunter2")).error(), 441U);
    }
}

TEST(Rfc8656, Section7_2_SuccessHasRelayedMappedAndLifetime) {
    World world;
    const Answer answer = world.allocate(world.path());
    EXPECT_TRUE(answer.message().xor_address(Attribute::xor_relayed_address));
    EXPECT_EQ(answer.message().xor_address(Attribute::xor_mapped_address), world.path().client);
    EXPECT_EQ(answer.message().u32(Attribute::lifetime), 600U);
}

TEST(Rfc8656, Section7_2_Ipv4IsTheDefaultAlsoOverIpv6) {
    World world;
    world.client = *net::IpAddress::parse("2001:db8:2::1");
    EXPECT_EQ(world.allocate(world.path()).message().xor_address(Attribute::xor_relayed_address)->family(),
              net::Family::v4);
}

TEST(Rfc8656, Section7_2_EvenPortReservesTheNextForThirtySeconds) {
    World world;
    const Answer answer = world.ask_signed(world.path(1), std::move(allocate().put(Attribute::even_port, reserve)));
    const auto relayed = *answer.message().xor_address(Attribute::xor_relayed_address);
    EXPECT_EQ(relayed.port % 2, 0);
    const Bytes token = *answer.message().find(Attribute::reservation_token);
    ASSERT_EQ(token.size(), 8U);
    world.run(29s);
    const Answer next =
        world.ask_signed(world.path(2), std::move(allocate(2).put(Attribute::reservation_token, token)));
    EXPECT_EQ(next.message().xor_address(Attribute::xor_relayed_address)->port, relayed.port + 1);
}

TEST(Rfc8656, Section8_2_LifetimeZeroDeletesAtOnce) {
    World world;
    ASSERT_TRUE(world.allocate(world.path(), 1).success());
    EXPECT_EQ(world.refresh(world.path(), 0).message().u32(Attribute::lifetime), 0U);
    EXPECT_EQ(world.refresh(world.path(), 600, 5).error(), 437U);
    EXPECT_TRUE(world.allocate(world.path(), 6).success());
}

TEST(Rfc8656, Section9_PermissionIsByAddressAndLastsFiveMinutes) {
    World world;
    const RelayId relay = world.relay_of(world.allocate(world.path()));
    ASSERT_TRUE(world.permit(world.path(), peer).success());
    std::array<std::byte, Relay::max_header> header{};
    const auto arrives = [&](const net::TransportAddress& from) {
        return std::holds_alternative<SendToClient>(
            world.server->relay().from_peer(world.now.steady, relay, from, 1, header));
    };
    EXPECT_TRUE(arrives({.address = peer.address, .port = 1}));
    EXPECT_FALSE(arrives(other));
    world.advance(300s);
    EXPECT_FALSE(arrives(peer));
}

TEST(Rfc8656, Section11_2_UnknownRequiredAttributeInASendIndicationIsDropped) {
    World world;
    ASSERT_TRUE(world.allocate(world.path()).success());
    ASSERT_TRUE(world.permit(world.path(), peer).success());
    const auto verdict = world.server->relay().from_client(world.now.steady, world.path(),
                                                           Crafted(Class::indication, Method::send)
                                                               .peer(peer)
                                                               .put(Attribute::data, "x")
                                                               .u32(Attribute{0x7ffe}, 1)
                                                               .bytes());
    EXPECT_EQ(std::get<Drop>(verdict).why, DropReason::unknown_attribute);
}

TEST(Rfc8656, Section11_5_IcmpTypesThatArePassedOn) {
    World world;
    const Answer answer =
        world.ask_signed(world.path(), std::move(allocate().u32(Attribute::additional_address_family, 2U << 24U)));
    ASSERT_TRUE(answer.success());
    ASSERT_TRUE(world.permit(world.path(), peer, 2).success());
    ASSERT_TRUE(world.permit(world.path(), peer_v6, 3).success());
    std::array<std::byte, Relay::max_header> room{};
    const auto passed_on = [&](const net::TransportAddress& about, std::uint8_t type) {
        for (RelayId id = 0; id < 2; ++id) {
            if (std::holds_alternative<SendToClient>(
                    world.server->relay().from_peer_icmp(world.now.steady, id, about, {.type = type}, room))) {
                return true;
            }
        }
        return false;
    };
    for (unsigned type = 0; type < 256; ++type) {
        EXPECT_EQ(passed_on(peer, static_cast<std::uint8_t>(type)), type == 3 || type == 11) << type;
        EXPECT_EQ(passed_on(peer_v6, static_cast<std::uint8_t>(type)), type >= 1 && type <= 3) << type;
    }
}

TEST(Rfc8656, Section12_ChannelNumbersAre4000To4FFF) {
    World world;
    ASSERT_TRUE(world.allocate(world.path()).success());
    for (const auto& [number, good] : {std::pair<std::uint16_t, bool>{0x0000, false},
                                       {0x3fff, false},
                                       {0x4000, true},
                                       {0x4fff, true},
                                       {0x5000, false},
                                       {0x7fff, false},
                                       {0xffff, false}}) {
        const auto to = net::TransportAddress{.address = peer.address, .port = number};
        EXPECT_EQ(world.bind_channel(world.path(), number, to, number).success(), good) << number;
    }
}

TEST(Rfc8656, Section12_2_ChannelBindInstallsAPermissionToo) {
    World world;
    const RelayId relay = world.relay_of(world.allocate(world.path()));
    ASSERT_TRUE(world.bind_channel(world.path(), 0x4000, peer).success());
    std::array<std::byte, Relay::max_header> header{};
    const auto verdict =
        world.server->relay().from_peer(world.now.steady, relay, {.address = peer.address, .port = 9}, 1, header);
    ASSERT_TRUE(std::holds_alternative<SendToClient>(verdict));
    EXPECT_GT(std::get<SendToClient>(verdict).header, 4); // another port of the host: a Data indication
}

TEST(Rfc8656, Section12_5_ChannelDataIsPaddedOnStreamsOnly) {
    for (const auto transport : {net::Transport::udp, net::Transport::dtls, net::Transport::tcp, net::Transport::tls}) {
        World world;
        const auto path = world.path(4000, transport);
        const RelayId relay = world.relay_of(world.allocate(path));
        ASSERT_TRUE(world.bind_channel(path, 0x4000, peer).success());
        std::array<std::byte, Relay::max_header> header{};
        const auto verdict =
            std::get<SendToClient>(world.server->relay().from_peer(world.now.steady, relay, peer, 5, header));
        EXPECT_EQ(verdict.padding, net::is_stream(transport) ? 3 : 0);
        EXPECT_EQ(bytes::load_u16(header, 2), 5); // not counted
    }
}

} // namespace
} // namespace fairlead::turn
