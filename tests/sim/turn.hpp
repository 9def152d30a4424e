#pragma once

#include "sim/network.hpp"
#include "turn/client.hpp"
#include "turn/server.hpp"

#include <deque>
#include <set>
#include <string>
#include <unordered_map>

namespace fairlead::sim {

/// What is allowed here beyond the TURN server's own configuration.
struct TurnServerOptions {
    turn::ServerConfig config;
    /// Relayed transport addresses have the host's address and a port from this range, both ends included.
    std::uint16_t first_relay_port = 49152;
    std::uint16_t last_relay_port = 65535;
    /// Of one user; 0: no limit.
    std::size_t user_quota = 0;
};

/// The password of every simulated user.
[[nodiscard]] std::string password_of(std::string_view username);
/// A client with that user's credentials and defaults otherwise.
[[nodiscard]] turn::ClientConfig client_of(const std::string& username);

/// A turn::Server on a simulated host: its sockets, relay sockets, clock and accounts are the simulation's.
class TurnServer final : turn::RelayOpener, turn::Credentials, turn::PeerPolicy, turn::Quota, net::Outbox {
public:
    TurnServer(Host& host, const TurnServerOptions& options = {}, std::uint16_t port = 3478);

    [[nodiscard]] const net::TransportAddress& address() const { return listener_->local(); }
    [[nodiscard]] turn::Server& machine() { return *server_; }

    // What exists, counted where it is kept, for comparing.
    [[nodiscard]] std::size_t open_relays() const { return relays_.size() - free_ids_.size(); }
    [[nodiscard]] std::size_t free_ports() const { return free_ports_.size(); }
    [[nodiscard]] std::size_t ports() const { return ports_; }
    [[nodiscard]] std::size_t quota_held() const { return quota_held_; }
    [[nodiscard]] std::size_t quota_held(const std::string& user) const;

    // From the machine's events.
    struct Seen {
        std::size_t created = 0;
        std::size_t refreshed = 0;
        std::map<turn::EndReason, std::size_t> ended;
        std::size_t permissions_installed = 0;
        std::size_t permissions_ended = 0;
        std::size_t channels_bound = 0;
        std::size_t channels_ended = 0;
        std::map<stun::ErrorCode, std::size_t> refused;
    };
    [[nodiscard]] const Seen& seen() const { return seen_; }

private:
    Result<turn::OpenedRelays, turn::RelayError> open(const turn::RelayRequest& request) override;
    void close(turn::RelayId id) override;
    turn::CredentialAnswer find(const turn::Claim& claim, UnixTime now) override;
    turn::PeerVerdict verdict(const net::IpAddress&) override { return turn::PeerVerdict::allow(); }
    turn::PeerVerdict verdict(const net::TransportAddress&) override { return turn::PeerVerdict::allow(); }
    turn::QuotaAnswer take(std::string_view realm, std::string_view user) override;
    void give_back(std::string_view realm, std::string_view user) override;
    MutableBytes reserve(std::size_t at_most) override;
    void transmit(const net::FiveTuple& path, std::size_t length) override;

    void from_client(const net::TransportAddress& from, Bytes datagram);
    void from_peer(turn::RelayId id, const net::TransportAddress& peer, Bytes payload);
    std::optional<turn::OpenedRelay> open_port(std::uint16_t port);
    void turn_ended();

    Simulation& simulation_;
    Host& host_;
    std::size_t user_quota_;
    std::size_t ports_;
    std::deque<std::uint16_t> free_ports_; // the longest unused in front
    std::vector<std::unique_ptr<Socket>> relays_;
    std::vector<turn::RelayId> free_ids_;
    std::map<std::string, std::size_t, std::less<>> quota_;
    std::size_t quota_held_ = 0;
    std::unordered_map<std::string, stun::LongTermKeys> keys_;
    std::vector<std::byte> room_;
    Seen seen_;
    std::unique_ptr<Socket> listener_;
    Alarm alarm_;
    std::unique_ptr<turn::Server> server_; // last: it closes relays and gives quota back when it dies
};

/// A turn::Client on a simulated host, and everything that it was told.
class TurnClient final : net::Outbox {
public:
    TurnClient(Host& host, const net::TransportAddress& server, turn::ClientConfig config);

    void allocate(const turn::AllocateOptions& options = {});
    void refresh(std::chrono::seconds lifetime);
    void permit(const net::TransportAddress& peer);
    void bind_channel(std::uint16_t channel, const net::TransportAddress& peer);
    void bind();
    bool send(const net::TransportAddress& peer, std::string_view text);
    /// Not through TURN: a datagram from the same socket.
    void send_directly(const net::TransportAddress& to, std::string_view text);
    /// Says no more and hears no more, without goodbye.
    void vanish();

    struct Received {
        net::TransportAddress peer;
        std::string text;
        bool by_channel = false;
    };
    /// Called for application data, relayed or direct, instead of keeping it in `received`.
    std::function<void(const Received&)> on_data;
    std::vector<Received> received;
    std::vector<turn::ClientFailed> failures;
    std::size_t permitted = 0;
    std::size_t channels_bound = 0;
    std::optional<net::TransportAddress> mapped;

    [[nodiscard]] turn::Client& machine() { return client_; }
    [[nodiscard]] bool allocated() const { return client_.allocated(); }
    /// Asserts that there is an allocation.
    [[nodiscard]] const net::TransportAddress& relayed() const;
    [[nodiscard]] const net::TransportAddress& local() const { return socket_->local(); }

private:
    MutableBytes reserve(std::size_t at_most) override;
    void transmit(const net::FiveTuple& path, std::size_t length) override;
    void receive(const net::TransportAddress& from, Bytes datagram);
    void data(Received what);
    void turn_ended();

    Simulation& simulation_;
    net::TransportAddress server_;
    SeededRandom random_;
    std::unique_ptr<Socket> socket_;
    turn::Client client_;
    Alarm alarm_;
    std::vector<std::byte> room_;
};

} // namespace fairlead::sim
