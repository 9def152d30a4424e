#pragma once

#include "datagram/engine.hpp"
#include "result/result.hpp"
#include "stats/counter.hpp"
#include "turn_relay/client_transport.hpp"
#include "turn_relay/turn_relay.hpp"

#include <vector>

namespace fairlead::turn_datagram {

/// Takes the datagrams of a listening socket whose first byte says DTLS (RFC 7983).
class DtlsReceiver {
public:
    /// `bytes` is valid during the call. `path.transport` is dtls.
    virtual void on_dtls(const Now& now, const net::FiveTuple& path, Bytes bytes) = 0;
    virtual void on_dtls_turn_end() = 0;

protected:
    ~DtlsReceiver() = default;
};

struct Listener {
    net::TransportAddress local; ///< one address family each; port 0 takes any
    bool stun = true;            ///< plain STUN and TURN
    bool dtls = false;           ///< hands DTLS to the receiver
};

/// TURN over UDP: one worker's listening sockets. A batch is read, each datagram goes to the relay by its first byte,
/// and what comes out leaves with the same turn's flush. Answers go out from the address that the request came to.
class TurnDatagram final : public turn_relay::ClientTransport, private datagram::Receiver {
public:
    struct Options {
        bool reuse_port = true;
        int socket_buffer = 4 << 20; ///< bytes; the kernel cuts it to net.core.rmem_max
        /// Channels of RFC 5766 begin with the bytes 80 to 127 too, which RFC 9443 has given to QUIC since.
        bool rfc5766_channels = false;
    };
    TurnDatagram(turn_relay::TurnRelay& relay, const Options& options);
    ~TurnDatagram();
    TurnDatagram(const TurnDatagram&) = delete;
    TurnDatagram& operator=(const TurnDatagram&) = delete;
    TurnDatagram(TurnDatagram&&) = delete;
    TurnDatagram& operator=(TurnDatagram&&) = delete;

    /// The bound address, with the port that the kernel chose.
    [[nodiscard]] Result<net::TransportAddress, datagram::OpenError> listen(const Listener& listener);
    void on_dtls(DtlsReceiver& receiver) { dtls_ = &receiver; }

    /// A datagram to a client as it is, for DTLS records. Copied.
    void send_raw(const net::FiveTuple& path, Bytes datagram);

    // turn_relay::ClientTransport
    void send(const net::FiveTuple& path, Bytes header, Bytes payload, std::size_t padding,
              const turn_relay::Marks& marks) override;
    void transmit(const net::FiveTuple& path, Bytes message) override;
    void allocation_ended(const net::FiveTuple& /*path*/) override {}

    struct Stats {
        stats::Counter not_for_us; ///< first byte of nothing that this port speaks
    };
    [[nodiscard]] const Stats& stats() const { return stats_; }

private:
    struct Open {
        datagram::SocketId socket;
        Listener listener;
        bool wildcard = false;
    };

    void on_batch(datagram::SocketId socket, std::uint64_t tag, std::span<datagram::Received> batch) override;
    void on_turn_end() override;
    [[nodiscard]] const Open* open_for(const net::FiveTuple& path) const;

    turn_relay::TurnRelay& relay_;
    datagram::Engine& engine_;
    Options options_;
    DtlsReceiver* dtls_ = nullptr;
    std::vector<Open> open_;
    Stats stats_;
};

} // namespace fairlead::turn_datagram
