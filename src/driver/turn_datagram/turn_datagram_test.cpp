#include "turn_datagram/turn_datagram.hpp"

#include "crypto/hmac.hpp"
#include "datagram/engine.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "random/seeded.hpp"
#include "stun/credential.hpp"
#include "turn/client.hpp"
#include "turn_relay/shared_quota.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

// The whole of TURN over UDP on loopback: the pure client on one socket, a peer on another, the server's own engine
// between them.
namespace fairlead::turn_datagram {
namespace {

using net::Family;
using net::IpAddress;
using net::TransportAddress;

constexpr std::string_view realm = "test";

class OneUser final : public turn::Credentials {
public:
    turn::CredentialAnswer find(const turn::Claim& claim, UnixTime /*now*/) override {
        if (claim.username != "alice") {
            return turn::UnknownUser{};
        }
        turn::Account account;
        account.username = "alice";
        account.user = "alice";
        account.keys[0] = stun::long_term_keys("alice", realm, "secret");
        account.key_count = 1;
        return account;
    }
};

class LoopbackOnly final : public turn::PeerPolicy {
public:
    turn::PeerVerdict verdict(const IpAddress& peer) override {
        return peer.is_loopback() ? turn::PeerVerdict::allow("loopback") : turn::PeerVerdict::refuse("test");
    }
    turn::PeerVerdict verdict(const TransportAddress& peer) override { return verdict(peer.address); }
};

// A socket of the test's own: remembers what came, and tells a callback.
class Socket final : public datagram::Receiver, public net::Outbox {
public:
    Socket(datagram::Engine& engine, IpAddress address) : engine_(engine) {
        datagram::OpenOptions options;
        options.local = {address, 0};
        options.receiver = this;
        id_ = *engine.open(options);
        local_ = *engine.local(id_);
    }
    void on_batch(datagram::SocketId /*socket*/, std::uint64_t /*tag*/, std::span<datagram::Received> batch) override {
        for (const datagram::Received& received : batch) {
            for (std::size_t i = 0; i < received.segments(); ++i) {
                if (on_datagram) {
                    on_datagram(received.from, received.segment(i));
                }
            }
        }
    }
    MutableBytes reserve(std::size_t at_most) override { return engine_.reserve(at_most); }
    void transmit(const net::FiveTuple& path, std::size_t length) override { engine_.commit(id_, path.server, length); }
    void send(const TransportAddress& to, Bytes data) { engine_.queue(id_, to, {}, data); }

    [[nodiscard]] const TransportAddress& local() const { return local_; }
    std::function<void(const TransportAddress&, Bytes)> on_datagram;

private:
    datagram::Engine& engine_;
    datagram::SocketId id_;
    TransportAddress local_;
};

class TurnOverUdp : public testing::TestWithParam<Family> {
protected:
    TurnOverUdp() {
        client_.on_datagram = [this](const TransportAddress& from, Bytes data) {
            last_from_ = from;
            turn_.handle(loop_.steady_now(), data, client_);
            for (const turn::ClientEvent& event : turn_.take_events()) {
                on_event(event);
            }
            engine_.flush();
        };
    }

    static turn::ServerConfig config() {
        turn::ServerConfig config;
        config.realm = realm;
        return config;
    }
    TransportAddress listen(IpAddress address) {
        return *server_.listen({.local = {address, 0}, .stun = true, .dtls = false});
    }

    // Runs the loop until `done` is called, five seconds at most.
    void run(const std::function<void()>& start) {
        loop::Timer limit(loop_, "test limit", [this] {
            ADD_FAILURE() << "nothing more happened";
            loop_.stop();
        });
        limit.expires_after(std::chrono::seconds(5));
        loop_.post([&] {
            start();
            engine_.flush();
        });
        loop_.run();
    }
    void done() { loop_.stop(); }

    virtual void on_event(const turn::ClientEvent& event) {
        if (handler_) {
            handler_(event);
        }
    }

    loop::Loop loop_{"test"};
    datagram::Engine engine_{loop_};
    SeededRandom random_{11};
    OneUser users_;
    LoopbackOnly peers_;
    turn_relay::SharedQuota quota_{relay::QuotaLimits{}};
    IpAddress address_ = IpAddress::loopback(GetParam());
    turn_relay::LiveRelays live_{{{address_, address_}}};
    turn_relay::TurnRelay relay_{config(),
                                 {.addresses = {{address_, address_}}, .ports = {50'000, 50'999}},
                                 {engine_, users_, peers_, quota_, random_, live_}};
    TurnDatagram server_{relay_, {.reuse_port = false, .socket_buffer = 0}};
    TransportAddress listener_ = listen(address_);
    Socket client_{engine_, address_};
    Socket peer_{engine_, address_};
    turn::Client turn_{
        {.username = "alice", .password = "secret"}, {client_.local(), listener_, net::Transport::udp}, random_};
    std::function<void(const turn::ClientEvent&)> handler_;
    TransportAddress last_from_;
};

TEST_P(TurnOverUdp, TrainsGoThroughTheRelayWholeAndInOrderBothWays) {
    constexpr std::size_t count = 32;
    std::vector<std::string> messages;
    for (std::size_t i = 0; i < count; ++i) {
        messages.push_back(std::string(1000, static_cast<char>('a' + i % 26)) + std::to_string(i % 10));
    }
    messages.emplace_back("short tail");
    std::vector<std::string> at_peer;
    std::vector<std::string> at_client;
    TransportAddress relayed;
    peer_.on_datagram = [&](const TransportAddress& from, Bytes data) {
        EXPECT_EQ(from, relayed);
        at_peer.emplace_back(as_text(data));
        if (at_peer.size() == messages.size()) {
            for (const std::string& message : messages) {
                peer_.send(relayed, as_bytes(message));
            }
            engine_.flush();
        }
    };
    handler_ = [&](const turn::ClientEvent& event) {
        if (const auto* allocated = std::get_if<turn::ClientAllocated>(&event)) {
            relayed = allocated->relayed;
            turn_.bind_channel(loop_.steady_now(), 0x4000, peer_.local(), client_);
        } else if (std::holds_alternative<turn::ClientChannelBound>(event)) {
            for (const std::string& message : messages) {
                EXPECT_TRUE(turn_.send(loop_.steady_now(), peer_.local(), as_bytes(message), client_));
            }
        } else if (const auto* data = std::get_if<turn::ClientData>(&event)) {
            EXPECT_TRUE(data->by_channel);
            EXPECT_EQ(data->peer, peer_.local());
            at_client.emplace_back(as_text(data->data));
            if (at_client.size() == messages.size()) {
                done();
            }
        } else if (const auto* failed = std::get_if<turn::ClientFailed>(&event)) {
            ADD_FAILURE() << failed->error << " " << failed->reason;
            done();
        }
    };
    run([&] { turn_.allocate(loop_.steady_now(), {.family = GetParam()}, client_); });
    EXPECT_EQ(at_peer, messages);
    EXPECT_EQ(at_client, messages);
    const turn::RelayStats& stats = relay_.server().stats().relay;
    EXPECT_EQ(stats.packets_to_peers.value(), messages.size());
    EXPECT_EQ(stats.packets_to_clients.value(), messages.size());
    EXPECT_GE(relayed.port, 50'000);
    EXPECT_LE(relayed.port, 50'999);
    EXPECT_TRUE(live_.is_live(relayed));
}

TEST_P(TurnOverUdp, DataIndicationsCarryAnyLengthAndNothingPassesWithoutPermission) {
    Socket stranger(engine_, address_);
    std::vector<std::string> at_client;
    handler_ = [&](const turn::ClientEvent& event) {
        if (std::holds_alternative<turn::ClientAllocated>(event)) {
            // Permissions are by address, and everybody here has the same one: only a fresh allocation can be strict.
            stranger.send(turn_.allocation()->relayed, as_bytes("too early"));
            engine_.flush();
            turn_.permit(loop_.steady_now(), std::array{peer_.local()}, client_);
        } else if (std::holds_alternative<turn::ClientPermitted>(event)) {
            for (const std::string_view text : {"1", "22", "333", "4444", ""}) {
                peer_.send(turn_.allocation()->relayed, as_bytes(text));
            }
        } else if (const auto* data = std::get_if<turn::ClientData>(&event)) {
            EXPECT_FALSE(data->by_channel);
            at_client.emplace_back(as_text(data->data));
            if (at_client.size() == 5) {
                turn_.refresh(loop_.steady_now(), std::chrono::seconds(0), client_);
            }
        } else if (std::holds_alternative<turn::ClientRefreshed>(event)) {
            done();
        }
    };
    run([&] { turn_.allocate(loop_.steady_now(), {.family = GetParam()}, client_); });
    EXPECT_EQ(at_client, (std::vector<std::string>{"1", "22", "333", "4444", ""}));
    const auto& dropped = relay_.server().stats().relay.from_peer_dropped;
    EXPECT_EQ(dropped[static_cast<std::size_t>(turn::DropReason::no_permission)].value(), 1U);
    EXPECT_EQ(relay_.ports_free(), relay_.ports_total()) << "the deleted allocation gives its port back at once";
}

TEST_P(TurnOverUdp, AClosedPeerPortIsToldByAnIcmpIndication) {
    TransportAddress closed;
    {
        const Socket gone(engine_, address_);
        closed = gone.local();
    }
    // The test's sockets stay open for the engine's life; a port that nobody has is one above the relay's range.
    closed.port = 51'001;
    handler_ = [&](const turn::ClientEvent& event) {
        if (std::holds_alternative<turn::ClientAllocated>(event)) {
            turn_.permit(loop_.steady_now(), std::array{closed}, client_);
        } else if (std::holds_alternative<turn::ClientPermitted>(event)) {
            EXPECT_TRUE(turn_.send(loop_.steady_now(), closed, as_bytes("anybody?"), client_));
        } else if (const auto* icmp = std::get_if<turn::ClientIcmp>(&event)) {
            EXPECT_EQ(icmp->peer, closed);
            EXPECT_EQ(icmp->type, GetParam() == Family::v4 ? 3 : 1); // destination unreachable
            EXPECT_EQ(icmp->code, GetParam() == Family::v4 ? 3 : 4); // port unreachable
            done();
        }
    };
    run([&] { turn_.allocate(loop_.steady_now(), {.family = GetParam()}, client_); });
}

INSTANTIATE_TEST_SUITE_P(Families, TurnOverUdp, testing::Values(Family::v4, Family::v6),
                         [](const auto& family) { return family.param == Family::v4 ? "IPv4" : "IPv6"; });

class OnAWildcard : public TurnOverUdp {};

TEST_P(OnAWildcard, AnswersLeaveFromTheAddressThatWasAsked) {
    const TransportAddress bound =
        *server_.listen({.local = {IpAddress::any(Family::v4), 0}, .stun = true, .dtls = false});
    const TransportAddress asked{IpAddress::v4(127, 0, 0, 7), bound.port};
    turn::Client client({}, {client_.local(), asked, net::Transport::udp}, random_);
    client_.on_datagram = [&](const TransportAddress& from, Bytes data) {
        client.handle(loop_.steady_now(), data, client_);
        EXPECT_EQ(from, asked);
        for (const turn::ClientEvent& event : client.take_events()) {
            ASSERT_TRUE(std::holds_alternative<turn::ClientBound>(event));
            EXPECT_EQ(std::get<turn::ClientBound>(event).mapped, client_.local());
            done();
        }
    };
    run([&] { client.bind(loop_.steady_now(), client_); });
}

INSTANTIATE_TEST_SUITE_P(IPv4, OnAWildcard, testing::Values(Family::v4));

} // namespace
} // namespace fairlead::turn_datagram
