#pragma once

#include "bytes/bytes.hpp"
#include "net/address.hpp"
#include "net/outbox.hpp"
#include "random/random.hpp"
#include "stun/credential.hpp"
#include "stun/message.hpp"
#include "time/instant.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fairlead::turn {

struct ClientConfig {
    std::string username{};
    std::string password{};
    /// Use USERHASH when the server offers username anonymity.
    bool anonymous_username = true;
    /// SHA-256 when the server offers it; false: answer as clients of RFC 5389 do.
    bool sha256 = true;
    bool fingerprint = false;
    std::string software{};

    /// RFC 8489 section 6.2.1: first retransmission after RTO, doubling, Rc requests, then Rm times RTO.
    std::chrono::milliseconds rto{500};
    unsigned rc = 7;
    unsigned rm = 16;
    /// RFC 8489 section 6.2.2: how long to wait on a stream.
    std::chrono::milliseconds stream_timeout{39'500};
    /// Keep allocation, permissions and channels alive by itself.
    bool refresh = true;
};

struct AllocateOptions {
    std::optional<net::Family> family{};              ///< REQUESTED-ADDRESS-FAMILY
    bool additional_ipv6 = false;                     ///< ADDITIONAL-ADDRESS-FAMILY
    std::optional<bool> even_port{};                  ///< EVEN-PORT; true = R bit, reserve the next one
    std::optional<std::uint64_t> reservation_token{}; ///< RESERVATION-TOKEN
    bool dont_fragment = false;
    std::optional<std::chrono::seconds> lifetime{};
    std::uint8_t transport = 17; ///< REQUESTED-TRANSPORT: UDP
};

/// What the client has to tell. `error` is 0 when no answer came in time.
struct ClientBound { // Binding answered
    net::TransportAddress mapped{};
};
struct ClientAllocated {
    net::TransportAddress relayed{};
    std::optional<net::TransportAddress> additional{};
    std::optional<std::uint16_t> additional_error{}; ///< ADDRESS-ERROR-CODE
    net::TransportAddress mapped{};
    std::chrono::seconds lifetime{};
    std::optional<std::uint64_t> reservation_token{};
};
struct ClientRefreshed {
    std::chrono::seconds lifetime{};
};
struct ClientPermitted {
    std::vector<net::TransportAddress> peers{};
};
struct ClientChannelBound {
    std::uint16_t channel = 0;
    net::TransportAddress peer{};
};
struct ClientFailed {
    stun::Method method = stun::Method::binding;
    std::uint16_t error = 0;
    std::string reason{};
    std::optional<net::TransportAddress> alternate{}; ///< with 300
};
/// Application data from a peer. `data` refers to the datagram handed to handle(): use it before the next call.
struct ClientData {
    net::TransportAddress peer{};
    Bytes data{};
    bool by_channel = false;
};
struct ClientIcmp {
    net::TransportAddress peer{};
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    std::uint32_t data = 0;
};
using ClientEvent = std::variant<ClientBound, ClientAllocated, ClientRefreshed, ClientPermitted, ClientChannelBound,
                                 ClientFailed, ClientData, ClientIcmp>;

/// A TURN client without sockets, for scenarios, tests and tools. Requests are queued and sent through the outbox along
/// `path` (whose client side sends and server side receives, as everywhere). One allocation per client.
class Client {
public:
    Client(ClientConfig config, const net::FiveTuple& path, Random& random);

    void bind(Instant now, net::Outbox& out); ///< a Binding request
    void allocate(Instant now, const AllocateOptions& options, net::Outbox& out);
    /// Lifetime 0 deletes.
    void refresh(Instant now, std::chrono::seconds lifetime, net::Outbox& out);
    void permit(Instant now, std::span<const net::TransportAddress> peers, net::Outbox& out);
    void bind_channel(Instant now, std::uint16_t channel, const net::TransportAddress& peer, net::Outbox& out);
    /// By channel when one is bound to `peer`, else by Send indication. False when it did not fit the outbox's room.
    bool send(Instant now, const net::TransportAddress& peer, Bytes data, net::Outbox& out);

    /// A datagram (or a frame of the stream) from the server. Other people's bytes are ignored.
    void handle(Instant now, Bytes datagram, net::Outbox& out);
    void handle_timeout(Instant now, net::Outbox& out);
    [[nodiscard]] Instant next_timeout() const;

    /// Drain after each call.
    [[nodiscard]] std::vector<ClientEvent> take_events() { return std::exchange(events_, {}); }

    [[nodiscard]] bool allocated() const { return allocated_.has_value(); }
    [[nodiscard]] const std::optional<ClientAllocated>& allocation() const { return allocated_; }
    [[nodiscard]] bool busy() const { return !pending_.empty(); }

private:
    struct Pending { // a transaction under way
        stun::Method method = stun::Method::binding;
        stun::TransactionId id{};
        AllocateOptions options{};                      // Allocate
        std::optional<std::chrono::seconds> lifetime{}; // Refresh
        std::vector<net::TransportAddress> peers{};     // CreatePermission, ChannelBind
        std::uint16_t channel = 0;                      // ChannelBind
        std::vector<std::byte> message{};               // as sent, for retransmissions
        std::vector<std::byte> key{};                   // it was signed with; empty = it was not
        bool signed_with_sha256 = false;
        unsigned sent = 0;
        unsigned challenged = 0;
        Instant due{};
        bool quiet = false; // our own refresh: only its failure is news
    };
    struct Channel {
        std::uint16_t number = 0;
        net::TransportAddress peer{};
        Instant refresh_at{};
    };
    struct Permission {
        net::TransportAddress peer{};
        Instant refresh_at{};
    };

    void start(Instant now, Pending pending, net::Outbox& out);
    void write(Pending& pending);
    void transmit(Instant now, Pending& pending, net::Outbox& out);
    void answered(Instant now, Pending pending, const stun::Message& message, net::Outbox& out);
    void succeeded(Instant now, const Pending& pending, const stun::Message& message);
    void failed(const Pending& pending, const stun::Message* message);
    [[nodiscard]] static bool authentic(const Pending& pending, const stun::Message& message);
    [[nodiscard]] bool learn_challenge(const stun::Message& message);
    void indication(const stun::Message& message);
    void refresh_due(Instant now, net::Outbox& out);

    ClientConfig config_;
    net::FiveTuple path_;
    Random& random_;
    std::deque<Pending> pending_;
    std::vector<ClientEvent> events_;
    std::optional<ClientAllocated> allocated_;
    Instant refresh_allocation_at_ = never;
    std::vector<Channel> channels_;
    std::vector<Permission> permissions_;

    // What the last challenge said.
    std::string realm_;
    std::string nonce_;
    std::vector<std::byte> offered_algorithms_; // PASSWORD-ALGORITHMS, verbatim
    std::optional<stun::PasswordAlgorithm> algorithm_;
    bool hash_username_ = false;
    std::vector<std::byte> key_;
};

} // namespace fairlead::turn
