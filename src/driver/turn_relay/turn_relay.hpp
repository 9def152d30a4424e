#pragma once

#include "datagram/engine.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "net/outbox.hpp"
#include "relay/port_pool.hpp"
#include "turn/server.hpp"
#include "turn_relay/client_transport.hpp"
#include "turn_relay/live_relays.hpp"

#include <array>
#include <memory>
#include <optional>
#include <vector>

namespace fairlead::turn_relay {

/// An address that relay sockets are bound to, and what clients are told instead (the same, unless a one-to-one NAT is
/// in between).
struct RelayAddress {
    net::IpAddress bound;
    net::IpAddress relayed;
};

struct Options {
    std::vector<RelayAddress> addresses;
    relay::PortPool::Range ports{49152, 65535}; ///< this worker's slice
    /// Of each relay socket, bytes; 0 leaves the system's default.
    int socket_buffer = 0;
};

/// One worker's TURN: joins turn::Server to relay sockets. Data from clients of all transports comes in by
/// from_client(), data from peers by the engine; both leave as batches when the engine flushes.
class TurnRelay final : public turn::RelayOpener, private datagram::Receiver, private net::Outbox {
public:
    /// `deps.relays` is this object's own business and not looked at. Everything referred to outlives it.
    struct Deps {
        datagram::Engine& engine;
        turn::Credentials& credentials;
        turn::PeerPolicy& peers;
        turn::Quota& quota;
        Random& random;
        LiveRelays& live;
    };
    TurnRelay(const turn::ServerConfig& config, const Options& options, const Deps& deps);
    ~TurnRelay();
    TurnRelay(const TurnRelay&) = delete;
    TurnRelay& operator=(const TurnRelay&) = delete;
    TurnRelay(TurnRelay&&) = delete;
    TurnRelay& operator=(TurnRelay&&) = delete;

    /// Messages for clients of `transport` go there from now on.
    void attach(net::Transport transport, ClientTransport& clients);

    /// One message from a client: STUN or ChannelData. `bytes` stays valid until the engine's next flush.
    void from_client(const Now& now, const net::FiveTuple& path, Bytes bytes, const Marks& marks);
    /// A run of messages from one client in one buffer, each of `segment_size` bytes but the last.
    void from_client_train(const Now& now, const net::FiveTuple& path, Bytes bytes, std::size_t segment_size,
                           const Marks& marks);

    void connection_closed(const Now& now, const net::FiveTuple& path);
    /// Facts that came up are logged and handed on, and the transports flush. They call it at the end of a turn.
    void settle();

    [[nodiscard]] turn::Server& server() { return server_; }
    [[nodiscard]] const turn::Server& server() const { return server_; }
    [[nodiscard]] datagram::Engine& engine() { return engine_; }
    /// Of all addresses of this worker.
    [[nodiscard]] std::size_t ports_free() const;
    [[nodiscard]] std::size_t ports_total() const;

private:
    struct RelaySocket {
        datagram::SocketId socket;
        net::TransportAddress bound;
        relay::Port port;
        bool open = false;
    };
    struct AddressPool {
        RelayAddress address;
        std::unique_ptr<relay::PortPool> ports;
    };

    // turn::RelayOpener
    Result<turn::OpenedRelays, turn::RelayError> open(const turn::RelayRequest& request) override;
    void close(turn::RelayId id) override;
    // datagram::Receiver, for the relay sockets
    void on_batch(datagram::SocketId socket, std::uint64_t tag, std::span<datagram::Received> batch) override;
    void on_icmp_error(datagram::SocketId socket, std::uint64_t tag, const datagram::IcmpError& error) override;
    void on_turn_end() override;
    // net::Outbox
    MutableBytes reserve(std::size_t at_most) override;
    void transmit(const net::FiveTuple& path, std::size_t length) override;

    AddressPool* pool_for(const turn::RelayRequest& request);
    Result<turn::OpenedRelay, turn::RelayError> bind(AddressPool& pool, relay::Port port);
    void to_peer(const turn::SendToPeer& verdict, Bytes bytes, const Marks& marks);
    void from_peer(const Now& now, turn::RelayId relay, const datagram::Received& received);
    void report(const turn::Event& event);
    void arm_timer();

    ClientTransport& clients(const net::FiveTuple& path) {
        return *transports_[static_cast<std::size_t>(path.transport)];
    }

    datagram::Engine& engine_;
    Random& random_;
    LiveRelays& live_;
    std::array<ClientTransport*, 4> transports_{};
    std::vector<AddressPool> pools_;
    std::vector<RelaySocket> sockets_; // by RelayId
    std::vector<turn::RelayId> unused_;
    int socket_buffer_;
    MutableBytes room_;
    loop::Timer timer_;
    turn::Server server_; // last: it closes its relays when it ends
};

} // namespace fairlead::turn_relay
