#include "turn/client.hpp"

#include "turn/fakes.hpp"

#include <gtest/gtest.h>

namespace fairlead::turn {
namespace {

using fakes::address;
using fakes::RecordingOutbox;
using fakes::World;
using namespace std::chrono_literals;

const auto peer = address("203.0.113.9:7000");

/// A client and a server with nothing in between.
struct Pair {
    explicit Pair(ClientConfig config = alice(), const ServerConfig& server = World::defaults())
        : world(server), path(world.path()), client(std::move(config), path, world.random) {}
    static ClientConfig alice() { return {.username = "alice", .password = "secret"}; }

    // Carries messages to and fro until nobody has anything to say.
    void settle() {
        for (int rounds = 0; rounds < 50 && !to_server.sent.empty(); ++rounds) {
            for (const auto& sent : to_server.take()) {
                ++requests;
                if (drop_requests) {
                    continue;
                }
                world.server->handle(world.now, path, sent.bytes, world.out);
            }
            for (const auto& sent : world.out.take()) {
                client.handle(world.now.steady, sent.bytes, to_server);
                collect();
            }
        }
        collect();
    }
    void run(std::chrono::seconds by) {
        const Instant end = world.now.steady + by;
        for (;;) {
            const Instant next = std::min(client.next_timeout(), world.server->next_timeout());
            if (next > end) {
                break;
            }
            world.advance(std::max(next - world.now.steady, Duration::zero()));
            world.server->handle_timeout(world.now, world.out);
            client.handle_timeout(world.now.steady, to_server);
            settle();
        }
        world.advance(end - world.now.steady);
    }
    void collect() {
        for (auto& event : client.take_events()) {
            events.push_back(std::move(event));
        }
    }
    template <class T>
    std::size_t count() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(events, [](const auto& e) { return std::holds_alternative<T>(e); }));
    }
    void allocate(const AllocateOptions& options = {}) {
        client.allocate(world.now.steady, options, to_server);
        settle();
    }

    World world;
    net::FiveTuple path;
    Client client;
    RecordingOutbox to_server;
    std::vector<ClientEvent> events;
    int requests = 0;
    bool drop_requests = false;
};

TEST(Client, Binds) {
    Pair p;
    p.client.bind(p.world.now.steady, p.to_server);
    p.settle();
    ASSERT_EQ(p.count<ClientBound>(), 1U);
    EXPECT_EQ(std::get<ClientBound>(p.events[0]).mapped, p.path.client);
}

TEST(Client, AllocatesInTwoRoundTrips) {
    Pair p;
    p.allocate();
    ASSERT_TRUE(p.client.allocated());
    EXPECT_EQ(p.requests, 2);
    EXPECT_EQ(p.client.allocation()->relayed, address("192.0.2.15:50000"));
    EXPECT_EQ(p.client.allocation()->lifetime, 600s);
}

TEST(Client, AuthenticatesWithSha256AndUserhash) {
    auto server = World::defaults();
    server.offer_sha256 = ServerConfig::OfferSha256::always;
    server.username_anonymity = true;
    server.md5_keys = false;
    Pair p(Pair::alice(), server);
    p.allocate();
    EXPECT_TRUE(p.client.allocated());
}

TEST(Client, OfRfc5389IsServedToo) {
    auto server = World::defaults();
    server.offer_sha256 = ServerConfig::OfferSha256::always;
    auto config = Pair::alice();
    config.sha256 = false;
    Pair p(config, server);
    p.allocate();
    EXPECT_TRUE(p.client.allocated());
}

TEST(Client, WrongPasswordFailsOnce) {
    Pair p({.username = "alice", .password = "wrong"});
    p.allocate();
    ASSERT_EQ(p.count<ClientFailed>(), 1U);
    EXPECT_EQ(std::get<ClientFailed>(p.events[0]).error, 401);
    EXPECT_EQ(p.requests, 2);
}

TEST(Client, KeepsEverythingAliveForHours) {
    Pair p;
    p.allocate();
    p.client.bind_channel(p.world.now.steady, 0x4000, peer, p.to_server);
    p.client.permit(p.world.now.steady, std::array{address("203.0.113.10:1")}, p.to_server);
    p.settle();
    const RelayId relay = p.world.pool.id_of(p.client.allocation()->relayed).value();
    for (int i = 0; i < 60; ++i) {
        p.run(180s);
        std::array<std::byte, Relay::max_header> header{};
        for (const auto& from : {peer, address("203.0.113.10:1")}) {
            ASSERT_TRUE(std::holds_alternative<SendToClient>(
                p.world.server->relay().from_peer(p.world.now.steady, relay, from, 10, header)))
                << i;
        }
    }
    EXPECT_EQ(p.count<ClientFailed>(), 0U);
}

TEST(Client, SendsByIndicationThenByChannel) {
    Pair p;
    p.allocate();
    p.client.permit(p.world.now.steady, std::array{peer}, p.to_server);
    p.settle();
    Relay& relay = p.world.server->relay();
    ASSERT_TRUE(p.client.send(p.world.now.steady, peer, as_bytes("hello"), p.to_server));
    auto sent = p.to_server.take();
    auto verdict = std::get<SendToPeer>(relay.from_client(p.world.now.steady, p.path, sent.at(0).bytes));
    EXPECT_EQ(as_text(Bytes(sent[0].bytes).subspan(verdict.offset, verdict.length)), "hello");

    p.client.bind_channel(p.world.now.steady, 0x4000, peer, p.to_server);
    p.settle();
    ASSERT_TRUE(p.client.send(p.world.now.steady, peer, as_bytes("again"), p.to_server));
    sent = p.to_server.take();
    EXPECT_EQ(sent.at(0).bytes.size(), 9U);
    verdict = std::get<SendToPeer>(relay.from_client(p.world.now.steady, p.path, sent[0].bytes));
    EXPECT_EQ(as_text(Bytes(sent[0].bytes).subspan(verdict.offset, verdict.length)), "again");
}

TEST(Client, ReceivesDataAndIcmp) {
    Pair p;
    p.allocate();
    p.client.permit(p.world.now.steady, std::array{peer}, p.to_server);
    p.settle();
    p.events.clear();
    Relay& relay = p.world.server->relay();
    const RelayId id = p.world.pool.id_of(p.client.allocation()->relayed).value();
    const auto deliver = [&](std::string_view text) {
        std::array<std::byte, Relay::max_header> header{};
        const auto verdict = std::get<SendToClient>(relay.from_peer(p.world.now.steady, id, peer, text.size(), header));
        std::vector<std::byte> datagram(header.begin(), header.begin() + verdict.header);
        datagram.insert(datagram.end(), as_bytes(text).begin(), as_bytes(text).end());
        datagram.resize(datagram.size() + verdict.padding);
        p.client.handle(p.world.now.steady, datagram, p.to_server);
        const auto events = p.client.take_events();
        const auto& data = std::get<ClientData>(events.at(0));
        EXPECT_EQ(as_text(data.data), text);
        EXPECT_EQ(data.peer, peer);
        return data.by_channel;
    };
    EXPECT_FALSE(deliver("by indication"));
    p.client.bind_channel(p.world.now.steady, 0x4000, peer, p.to_server);
    p.settle();
    EXPECT_TRUE(deliver("by channel"));

    std::array<std::byte, Relay::max_header> room{};
    const auto icmp =
        std::get<SendToClient>(relay.from_peer_icmp(p.world.now.steady, id, peer, {.type = 3, .code = 3}, room));
    p.client.handle(p.world.now.steady, Bytes(room).first(icmp.header), p.to_server);
    const auto events = p.client.take_events();
    EXPECT_EQ(std::get<ClientIcmp>(events.at(0)).code, 3);
}

TEST(Client, RetransmitsAsTheRfcSaysAndGivesUp) {
    Pair p;
    p.drop_requests = true;
    const Instant start = p.world.now.steady;
    p.client.bind(start, p.to_server);
    std::vector<std::int64_t> at;
    while (p.client.next_timeout() != never) {
        for (std::size_t i = p.to_server.take().size(); i != 0; --i) {
            at.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(p.world.now.steady - start).count());
        }
        p.world.advance(p.client.next_timeout() - p.world.now.steady);
        p.client.handle_timeout(p.world.now.steady, p.to_server);
    }
    EXPECT_EQ(at, (std::vector<std::int64_t>{0, 500, 1500, 3500, 7500, 15500, 31500}));
    p.collect();
    ASSERT_EQ(p.count<ClientFailed>(), 1U);
    EXPECT_EQ(std::get<ClientFailed>(p.events[0]).error, 0);
    EXPECT_EQ(p.world.now.steady - start, 39'500ms);
}

TEST(Client, RecoversFromAStaleNonce) {
    Pair p;
    p.allocate({.lifetime = 3600s});
    p.run(1000s);
    p.client.permit(p.world.now.steady, std::array{peer}, p.to_server);
    p.settle();
    EXPECT_EQ(p.count<ClientPermitted>(), 1U);
    EXPECT_EQ(p.count<ClientFailed>(), 0U);
}

TEST(Client, IgnoresForgedSuccess) {
    Pair p;
    p.client.allocate(p.world.now.steady, {}, p.to_server);
    p.world.server->handle(p.world.now, p.path, p.to_server.take().at(0).bytes, p.world.out);
    p.client.handle(p.world.now.steady, p.world.out.take().at(0).bytes, p.to_server);
    const auto request = stun::Message::parse(p.to_server.sent.at(0).bytes).value();
    std::array<std::byte, 128> room{};
    stun::Writer forged(room, stun::Class::success, stun::Method::allocate, request.transaction_id());
    forged.xor_address(stun::Attribute::xor_relayed_address, address("203.0.113.66:66"));
    const std::size_t size = forged.finish();
    p.client.handle(p.world.now.steady, Bytes(room).first(size), p.to_server);
    EXPECT_FALSE(p.client.allocated());
    p.settle();
    EXPECT_TRUE(p.client.allocated());
}

TEST(Client, RefusesAChallengeWhoseAlgorithmsWereTakenOut) {
    Pair p;
    p.client.allocate(p.world.now.steady, {}, p.to_server);
    const auto request = p.to_server.take().at(0).bytes;
    std::array<std::byte, 256> room{};
    stun::Writer challenge(room, stun::Class::error, stun::Method::allocate,
                           stun::Message::parse(request).value().transaction_id());
    challenge.error(stun::ErrorCode::unauthenticated);
    challenge.put(stun::Attribute::realm, "example.org");
    challenge.put(stun::Attribute::nonce, "obMatJos2gAAAxxxxxxxx");
    const std::size_t size = challenge.finish();
    p.client.handle(p.world.now.steady, Bytes(room).first(size), p.to_server);
    p.collect();
    EXPECT_TRUE(p.to_server.take().empty());
    EXPECT_EQ(p.count<ClientFailed>(), 1U);
}

} // namespace
} // namespace fairlead::turn
