#pragma once

#include "admission/admission.hpp"
#include "loop/loop.hpp"
#include "net/address.hpp"
#include "stats/counter.hpp"
#include "stream/acceptor.hpp"
#include "stream/stream.hpp"
#include "stream/tls_context.hpp"
#include "turn_relay/client_transport.hpp"
#include "turn_relay/turn_relay.hpp"

#include <memory>
#include <unordered_map>
#include <vector>

namespace fairlead::turn_stream {

struct Listener {
    net::TransportAddress local; ///< one address family each; port 0 takes any
    bool plain = true;           ///< serves STUN and TURN without TLS
    bool tls = false;            ///< serves them over TLS; the first byte tells which it is
};

/// TURN over TCP and TLS: one worker's acceptors and connections. What a read brings goes to the relay frame by frame
/// and leaves with one flush; what peers send is collected per connection and written once per turn. A client that does
/// not read loses relayed data first (the promise of UDP) and its connection later.
class TurnStream final : public turn_relay::ClientTransport {
public:
    struct Options {
        bool reuse_port = true;
        Duration first_message = std::chrono::seconds(10); ///< for the TLS handshake, and again for the first message
        Duration idle_without_allocation = std::chrono::seconds(60);
        Duration unfinished_message = std::chrono::seconds(30);
        std::size_t congested_at = std::size_t{256}
                                   << 10U; ///< bytes waiting for a client, above which relayed data is dropped
        std::size_t closed_at = std::size_t{1} << 20U;
    };
    /// `tls` may be null when no listener speaks it. Everything referred to outlives this.
    TurnStream(turn_relay::TurnRelay& relay, stream::DeadlineWheel& wheel, admission::Gate& gate,
               std::shared_ptr<stream::TlsContext> tls, const Options& options);
    ~TurnStream();
    TurnStream(const TurnStream&) = delete;
    TurnStream& operator=(const TurnStream&) = delete;
    TurnStream(TurnStream&&) = delete;
    TurnStream& operator=(TurnStream&&) = delete;

    /// The bound address, with the port that the kernel chose.
    [[nodiscard]] Result<net::TransportAddress, stream::ErrorCode> listen(const Listener& listener);

    /// Stops accepting and ends every connection; their coroutines finish on the loop's next turns.
    void close();
    /// Coroutines that have not ended yet; the object may go when there are none.
    [[nodiscard]] std::size_t busy() const { return busy_; }

    // turn_relay::ClientTransport
    void send(const net::FiveTuple& path, Bytes header, Bytes payload, std::size_t padding,
              const turn_relay::Marks& marks) override;
    void transmit(const net::FiveTuple& path, Bytes message) override;
    void allocation_ended(const net::FiveTuple& path) override;
    void flush() override;

    struct Stats {
        stats::Counter accepted;
        stats::Counter refused_full; ///< by the admission gate
        stats::Counter tls_failed;
        stats::Counter wrong_protocol; ///< TLS where only plain is served, or the reverse
        stats::Counter framing_errors;
        stats::Counter timed_out;
        stats::Counter slow_peers;       ///< closed because nothing was read for too long
        stats::Counter congestion_drops; ///< relayed messages dropped because the client does not keep up
        stats::Counter connections_closed;
    };
    [[nodiscard]] const Stats& stats() const { return stats_; }
    [[nodiscard]] std::size_t connections() const { return connections_.size(); }

private:
    struct Connection;
    struct Open {
        std::unique_ptr<stream::Acceptor> acceptor;
        Listener listener;
    };

    loop::asio::awaitable<void> accept(stream::Acceptor* acceptor, Listener listener);
    loop::asio::awaitable<void> serve(std::unique_ptr<stream::TcpStream> tcp, Listener listener, admission::Pass pass);
    loop::asio::awaitable<void> serve_messages(std::shared_ptr<Connection> connection);
    [[nodiscard]] bool take(Connection& connection, Bytes arrived);
    void set_deadline(Connection& connection, bool whole_message);

    turn_relay::TurnRelay& relay_;
    loop::Loop& loop_;
    stream::DeadlineWheel& wheel_;
    admission::Gate& gate_;
    std::shared_ptr<stream::TlsContext> tls_;
    Options options_;
    std::vector<Open> open_;
    std::unordered_map<net::FiveTuple, std::shared_ptr<Connection>, net::Hasher> connections_;
    std::vector<std::shared_ptr<Connection>> unflushed_;
    std::vector<std::byte> scratch_; // what any connection reads goes through here, so an idle one holds no buffer
    std::size_t busy_ = 0;
    bool closed_ = false;
    Stats stats_;
};

} // namespace fairlead::turn_stream
