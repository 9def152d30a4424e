#pragma once

#include "links.hpp"
#include "stun/message.hpp"
#include "time/instant.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::load {

/// How clients log in: all as one user, or, with a shared secret, each as a user of its own (`<expiry>:load<index>`).
struct Login {
    std::string username;
    std::string password;
    std::string secret;
};

/// A crowd of TURN clients, each with one allocation, a permission and a channel towards the same peer.
class Clients {
public:
    /// The channel that every client binds: numbers are per allocation.
    static constexpr std::uint16_t channel = 0x4000;

    struct Failure {
        std::size_t client;
        stun::Method method;
        std::uint16_t error_code; ///< 0: no answer, or the connection ended
    };

    Clients(Links& links, const Login& login, const net::TransportAddress& peer, net::Family relay_family);

    /// Takes every client through Allocate (challenge and answer), CreatePermission and ChannelBind, with at most
    /// `window` of them on their way at a time. Returns when all are done or have failed.
    void establish(std::size_t window);
    /// Deletes all allocations (Refresh with a lifetime of zero).
    void release(std::size_t window);

    [[nodiscard]] std::size_t established() const;
    [[nodiscard]] const std::optional<Failure>& first_failure() const { return first_failure_; }
    /// Of an established client.
    [[nodiscard]] const net::TransportAddress& relayed_address(std::size_t client) const {
        return clients_[client].relayed;
    }

private:
    enum class Step : std::uint8_t { waiting, challenge, allocate, permit, bind, established, release, done, failed };

    struct Client {
        Step step = Step::waiting;
        std::uint8_t attempts = 0;
        std::uint32_t generation = 0; // of the request under way, part of its transaction id
        Instant resend = never;
        net::TransportAddress relayed;
        std::string username;
        std::string password;
        std::string realm;
        std::string nonce;
        std::vector<std::byte> key;
    };

    // Runs clients from `from` on until each of them has left that step's road.
    void run(Step from, std::size_t window);
    void begin(std::size_t client, Step step, Instant now);
    void send(std::size_t client, Instant now);
    void resend_lost(Instant now);
    void take(Bytes frame, Instant now);
    void answered(std::size_t client, const stun::Message& answer, Instant now);
    void refused(std::size_t client, const stun::Message& answer, Instant now);
    void fail(std::size_t client, std::uint16_t error_code);
    [[nodiscard]] static stun::Method method_of(Step step);
    [[nodiscard]] stun::TransactionId transaction_id(std::size_t client) const;
    [[nodiscard]] bool busy(std::size_t client) const;

    Links& links_;
    net::TransportAddress peer_;
    net::Family relay_family_;
    std::vector<Client> clients_;
    std::size_t under_way_ = 0;
    std::uint32_t salt_;
    std::optional<Failure> first_failure_;
};

} // namespace fairlead::load
