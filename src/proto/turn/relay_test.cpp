#include "turn/relay.hpp"

#include "bytes/hex.hpp"
#include "bytes/reader.hpp"
#include "turn/fakes.hpp"

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
const auto same_host = address("203.0.113.9:7001");
const auto stranger = address("203.0.113.66:7000");

/// An allocation with channel 0x4000 bound to `peer`.
struct Relayed {
    explicit Relayed(net::Transport transport = net::Transport::udp, const ServerConfig& config = World::defaults())
        : world(config), path(world.path(4000, transport)) {
        relay_id = world.relay_of(world.allocate(path));
        EXPECT_TRUE(world.bind_channel(path, 0x4000, peer).success());
    }
    Relay& relay() { return world.server->relay(); }
    ClientVerdict from_client(Bytes bytes) { return relay().from_client(world.now.steady, path, bytes); }
    PeerDataVerdict from_peer(const net::TransportAddress& from, std::size_t length, std::size_t segments = 1) {
        return relay().from_peer(world.now.steady, relay_id, from, length, header, segments);
    }
    World world;
    net::FiveTuple path;
    RelayId relay_id = 0;
    std::array<std::byte, Relay::max_header> header{};
};

std::vector<std::byte> channel_data(std::uint16_t channel, std::uint16_t length, std::size_t actual) {
    std::vector<std::byte> bytes(4 + actual);
    bytes::Writer out(bytes);
    out.u16(channel);
    out.u16(length);
    return bytes;
}

DropReason why(const auto& verdict) {
    return std::get<Drop>(verdict).why;
}

TEST(FromClient, ChannelDataGoesToItsPeer) {
    Relayed r;
    const auto verdict = std::get<SendToPeer>(r.from_client(channel_data(0x4000, 10, 10)));
    EXPECT_EQ(verdict.relay, r.relay_id);
    EXPECT_EQ(verdict.peer, peer);
    EXPECT_EQ(verdict.offset, 4U);
    EXPECT_EQ(verdict.length, 10U);
}

TEST(FromClient, EmptyAndPaddedChannelDataPass) {
    Relayed r;
    EXPECT_EQ(std::get<SendToPeer>(r.from_client(channel_data(0x4000, 0, 0))).length, 0U);
    EXPECT_EQ(std::get<SendToPeer>(r.from_client(channel_data(0x4000, 5, 8))).length, 5U);
}

TEST(FromClient, DropsHaveTheirReasons) {
    Relayed r;
    EXPECT_EQ(why(r.from_client(Bytes())), DropReason::malformed);
    EXPECT_EQ(why(r.from_client(channel_data(0x4000, 11, 10))), DropReason::malformed);
    EXPECT_EQ(why(r.from_client(channel_data(0x4001, 10, 10))), DropReason::no_channel_binding);
    EXPECT_EQ(why(r.from_client(channel_data(0x8000, 10, 10))), DropReason::not_for_us);
    EXPECT_EQ(why(r.relay().from_client(r.world.now.steady, r.world.path(4001), channel_data(0x4000, 10, 10))),
              DropReason::no_allocation);
    EXPECT_EQ(
        r.world.server->stats().relay.from_client_dropped[static_cast<std::size_t>(DropReason::malformed)].value(), 2U);
}

TEST(FromClient, OtherStunIsForTheServer) {
    Relayed r;
    EXPECT_TRUE(std::holds_alternative<ForServer>(r.from_client(Crafted(Class::request, Method::refresh).bytes())));
    EXPECT_TRUE(std::holds_alternative<ForServer>(r.from_client(Crafted(Class::request, Method::binding).bytes())));
}

TEST(FromClient, SendIndicationGoesToAPermittedPeer) {
    Relayed r;
    const auto bytes = Crafted(Class::indication, Method::send).peer(same_host).put(Attribute::data, "hello").bytes();
    const auto verdict = std::get<SendToPeer>(r.from_client(bytes));
    EXPECT_EQ(verdict.peer, same_host);
    EXPECT_EQ(as_text(Bytes(bytes).subspan(verdict.offset, verdict.length)), "hello");
    EXPECT_FALSE(verdict.dont_fragment);
    const auto empty = Crafted(Class::indication, Method::send)
                           .peer(peer)
                           .put(Attribute::data, "")
                           .put(Attribute::dont_fragment, "")
                           .bytes();
    EXPECT_EQ(std::get<SendToPeer>(r.from_client(empty)).length, 0U);
    EXPECT_TRUE(std::get<SendToPeer>(r.from_client(empty)).dont_fragment);
}

TEST(FromClient, SendIndicationsThatAreDropped) {
    Relayed r;
    const auto drop = [&](Crafted& indication) { return why(r.from_client(indication.bytes())); };
    Crafted to_stranger(Class::indication, Method::send);
    EXPECT_EQ(drop(to_stranger.peer(stranger).put(Attribute::data, "x")), DropReason::no_permission);
    Crafted no_data(Class::indication, Method::send);
    EXPECT_EQ(drop(no_data.peer(peer)), DropReason::malformed);
    Crafted no_peer(Class::indication, Method::send);
    EXPECT_EQ(drop(no_peer.put(Attribute::data, "x")), DropReason::malformed);
    Crafted unknown(Class::indication, Method::send);
    EXPECT_EQ(drop(unknown.peer(peer).put(Attribute::data, "x").u32(Attribute{0x7777}, 1)),
              DropReason::unknown_attribute);
    Crafted optional(Class::indication, Method::send);
    EXPECT_TRUE(std::holds_alternative<SendToPeer>(
        r.from_client(optional.peer(peer).put(Attribute::data, "x").u32(Attribute{0xff00}, 1).bytes())));
    Crafted covered(Class::indication, Method::send);
    EXPECT_EQ(drop(covered.peer(peer).integrity(as_bytes("k")).put(Attribute::data, "x")), DropReason::malformed);
}

TEST(FromClient, PortsOfAPermittedAddressAreJudgedBySend) {
    Relayed r;
    r.world.rules.refused_ports.insert(22);
    const auto send_to = [&](std::uint16_t port) {
        return r.from_client(Crafted(Class::indication, Method::send)
                                 .peer({.address = peer.address, .port = port})
                                 .put(Attribute::data, "x")
                                 .bytes());
    };
    EXPECT_EQ(why(send_to(22)), DropReason::peer_refused);
    const std::size_t asked = r.world.rules.asked;
    EXPECT_TRUE(std::holds_alternative<SendToPeer>(send_to(7000)));
    EXPECT_TRUE(std::holds_alternative<SendToPeer>(send_to(7000)));
    EXPECT_EQ(r.world.rules.asked, asked + 1); // the answer holds for a second
    r.world.rules.refused_ports.insert(7000);
    r.world.advance(1s);
    EXPECT_EQ(why(send_to(7000)), DropReason::peer_refused);
}

TEST(FromPeer, ChannelDataIsPutInFront) {
    Relayed r;
    const auto verdict = std::get<SendToClient>(r.from_peer(peer, 9));
    EXPECT_EQ(verdict.path, r.path);
    EXPECT_EQ(verdict.header, 4);
    EXPECT_EQ(verdict.padding, 0);
    EXPECT_EQ(bytes::to_hex(Bytes(r.header).first(4)), "40000009");
}

TEST(FromPeer, StreamsGetPadding) {
    Relayed r(net::Transport::tcp);
    EXPECT_EQ(std::get<SendToClient>(r.from_peer(peer, 9)).padding, 3);
    EXPECT_EQ(std::get<SendToClient>(r.from_peer(peer, 8)).padding, 0);
}

TEST(FromPeer, WithoutAChannelADataIndicationIsPutInFront) {
    Relayed r;
    for (const std::size_t length : {0U, 1U, 2U, 3U, 4U, 1200U}) {
        const auto verdict = std::get<SendToClient>(r.from_peer(same_host, length));
        std::vector<std::byte> whole(r.header.begin(), r.header.begin() + verdict.header);
        whole.resize(whole.size() + length, std::byte{0x5a});
        whole.resize(whole.size() + verdict.padding);
        const auto message = stun::Message::parse(whole);
        ASSERT_TRUE(message) << length;
        EXPECT_TRUE(message->is(Class::indication, Method::data));
        EXPECT_EQ(message->xor_address(Attribute::xor_peer_address), same_host);
        EXPECT_EQ(message->find(Attribute::data)->size(), length);
    }
}

TEST(FromPeer, DropsHaveTheirReasons) {
    Relayed r;
    EXPECT_EQ(why(r.from_peer(stranger, 9)), DropReason::no_permission);
    EXPECT_EQ(why(r.from_peer(address("[2001:db8::1]:9"), 9)), DropReason::no_allocation);
    EXPECT_EQ(why(r.relay().from_peer(r.world.now.steady, 12'345, peer, 9, r.header)), DropReason::no_allocation);
    std::array<std::byte, 3> small{};
    EXPECT_EQ(why(r.relay().from_peer(r.world.now.steady, r.relay_id, peer, 9, small)), DropReason::no_room);
}

TEST(FromPeer, ReservedPortTakesNothing) {
    Relayed r;
    const Answer even = r.world.ask_signed(
        r.world.path(1), Crafted(Class::request, Method::allocate).udp().put(Attribute::even_port, "\x80"));
    ASSERT_TRUE(even.success());
    auto reserved = *even.message().xor_address(Attribute::xor_relayed_address);
    ++reserved.port;
    EXPECT_EQ(why(r.relay().from_peer(r.world.now.steady, r.world.pool.id_of(reserved).value(), peer, 9, r.header)),
              DropReason::no_allocation);
}

TEST(Lifetimes, EndToTheInstantWithoutASweep) {
    Relayed r;
    r.world.advance(300s - 1ms);
    EXPECT_TRUE(std::holds_alternative<SendToClient>(r.from_peer(peer, 1)));
    r.world.advance(1ms); // the permission ends, the channel goes on
    EXPECT_EQ(why(r.from_peer(peer, 1)), DropReason::no_permission);
    EXPECT_TRUE(std::holds_alternative<SendToPeer>(r.from_client(channel_data(0x4000, 1, 1))));
    ASSERT_TRUE(r.world.permit(r.path, peer).success());
    EXPECT_EQ(std::get<SendToClient>(r.from_peer(peer, 1)).header, 4);
    ASSERT_TRUE(r.world.refresh(r.path, 3600).success());
    r.world.advance(300s);
    EXPECT_EQ(why(r.from_client(channel_data(0x4000, 1, 1))), DropReason::no_channel_binding);
    r.world.advance(3300s);
    EXPECT_EQ(why(r.from_client(channel_data(0x4000, 1, 1))), DropReason::no_allocation);
}

TEST(Icmp, BecomesADataIndicationWithoutData) {
    Relayed r;
    const auto icmp = [&](const net::TransportAddress& about, IcmpError error) {
        return r.relay().from_peer_icmp(r.world.now.steady, r.relay_id, about, error, r.header);
    };
    const auto verdict = std::get<SendToClient>(icmp(peer, {.type = 3, .code = 4, .data = 1400}));
    const auto message = stun::Message::parse(Bytes(r.header).first(verdict.header));
    ASSERT_TRUE(message);
    EXPECT_TRUE(message->is(Class::indication, Method::data));
    EXPECT_EQ(message->xor_address(Attribute::xor_peer_address), peer);
    EXPECT_EQ(bytes::to_hex(*message->find(Attribute::icmp)), "0000030400000578");
    EXPECT_FALSE(message->has(Attribute::data));
    EXPECT_EQ(why(icmp(stranger, {.type = 3})), DropReason::no_permission);
    EXPECT_EQ(why(icmp(peer, {.type = 8})), DropReason::not_for_us); // an echo is nobody's error
}

TEST(Traffic, IsCountedWithTrains) {
    Relayed r;
    const auto verdict = std::get<SendToPeer>(r.from_client(channel_data(0x4000, 100, 100)));
    r.relay().repeated(verdict, 15);
    ASSERT_TRUE(std::holds_alternative<SendToClient>(r.from_peer(peer, 200, 4)));
    Traffic traffic;
    r.world.server->for_each_allocation(r.world.now.steady,
                                        [&](const AllocationInfo& info) { traffic = info.traffic; });
    EXPECT_EQ(traffic.packets_to_peers, 16U);
    EXPECT_EQ(traffic.bytes_to_peers, 1'600U);
    EXPECT_EQ(traffic.packets_to_client, 4U);
    EXPECT_EQ(traffic.bytes_to_client, 800U);
    EXPECT_EQ(r.world.server->stats().relay.packets_to_peers.value(), 16U);
}

TEST(Families, EachPeerIsReachedFromItsOwn) {
    World world;
    const auto path = world.path();
    ASSERT_TRUE(
        world
            .ask_signed(
                path,
                Crafted(Class::request, Method::allocate).udp().u32(Attribute::additional_address_family, 2U << 24U))
            .success());
    const auto v6 = address("[2001:db8:1::9]:7000");
    ASSERT_TRUE(world.bind_channel(path, 0x4000, peer).success());
    ASSERT_TRUE(world.bind_channel(path, 0x4001, v6).success());
    Relay& relay = world.server->relay();
    const auto to_v4 = std::get<SendToPeer>(relay.from_client(world.now.steady, path, channel_data(0x4000, 1, 1)));
    const auto to_v6 = std::get<SendToPeer>(relay.from_client(world.now.steady, path, channel_data(0x4001, 1, 1)));
    EXPECT_NE(to_v4.relay, to_v6.relay);
    std::array<std::byte, Relay::max_header> header{};
    EXPECT_TRUE(std::holds_alternative<SendToClient>(relay.from_peer(world.now.steady, to_v6.relay, v6, 1, header)));
}

} // namespace
} // namespace fairlead::turn
