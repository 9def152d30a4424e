#pragma once

#include "dtls/endpoint.hpp"
#include "dtls/hello_verifier.hpp"
#include "dtls/server_context.hpp"
#include "loop/timer.hpp"
#include "net/address.hpp"
#include "stats/counter.hpp"
#include "turn_datagram/turn_datagram.hpp"
#include "turn_relay/client_transport.hpp"
#include "turn_relay/turn_relay.hpp"

#include <memory>
#include <unordered_map>
#include <vector>

namespace fairlead::turn_dtls {

/// TURN over DTLS (RFC 7350): one worker's associations, on the listening sockets of turn_datagram. A stranger costs
/// nothing until its cookie has come back; a half-open association ends after ten seconds, one without allocation when
/// it has been idle for a minute.
class TurnDtls final : public turn_relay::ClientTransport, private turn_datagram::DtlsReceiver {
public:
    struct Limits {
        std::size_t associations = 10'000;
        std::size_t handshaking = 1'000;
        Duration handshake_time = std::chrono::seconds(10);
        Duration idle_time = std::chrono::seconds(60);
    };
    TurnDtls(turn_relay::TurnRelay& relay, turn_datagram::TurnDatagram& datagrams, dtls::ServerContext context,
             Random& random, const Limits& limits);
    ~TurnDtls();
    TurnDtls(const TurnDtls&) = delete;
    TurnDtls& operator=(const TurnDtls&) = delete;
    TurnDtls(TurnDtls&&) = delete;
    TurnDtls& operator=(TurnDtls&&) = delete;

    /// New associations use it; those that exist keep theirs.
    void replace(dtls::ServerContext context) { context_ = std::move(context); }

    // turn_relay::ClientTransport
    void send(const net::FiveTuple& path, Bytes header, Bytes payload, std::size_t padding,
              const turn_relay::Marks& marks) override;
    void transmit(const net::FiveTuple& path, Bytes message) override;
    void allocation_ended(const net::FiveTuple& path) override;

    struct Stats {
        stats::Counter challenged;
        stats::Counter ignored; ///< records of no association
        stats::Counter associations_opened;
        stats::Counter associations_closed;
        stats::Counter handshakes_done;
        stats::Counter handshakes_failed;
        stats::Counter refused_full;
        stats::Counter send_failed;
    };
    [[nodiscard]] const Stats& stats() const { return stats_; }
    [[nodiscard]] std::size_t associations() const { return associations_.size(); }

private:
    struct Association;
    using Table = std::unordered_map<net::FiveTuple, std::unique_ptr<Association>, net::Hasher>;

    void on_dtls(const Now& now, const net::FiveTuple& path, Bytes bytes) override;
    void on_dtls_turn_end() override;
    Association* open(const Now& now, const net::FiveTuple& path);
    void after(const Now& now, Association& association, dtls::Endpoint::State before);
    void end(const Now& now, Association& association);
    void tick();
    void arm();

    turn_relay::TurnRelay& relay_;
    turn_datagram::TurnDatagram& datagrams_;
    dtls::ServerContext context_;
    dtls::HelloVerifier verifier_;
    Limits limits_;
    Table associations_;
    std::vector<Association*> handshaking_;
    std::vector<std::byte> frame_;        // header and payload of one message, before encryption
    std::vector<Table::node_type> ended_; // kept until the turn is over: an endpoint may not die inside its own call
    loop::Timer timer_;
    Instant next_sweep_;
    Stats stats_;
};

} // namespace fairlead::turn_dtls
