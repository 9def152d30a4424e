#pragma once

#include "bytes/bytes.hpp"
#include "dtls/server_context.hpp"
#include "time/instant.hpp"

#include <memory>

namespace fairlead::dtls {

/// Where an endpoint puts what it has to say; the driver implements it.
class EndpointSink {
public:
    /// One datagram for the peer; valid during the call.
    virtual void transmit(Bytes datagram) = 0;
    /// One record of application data; valid during the call. The endpoint must not be destroyed from inside.
    virtual void received(MutableBytes plaintext) = 0;

protected:
    ~EndpointSink() = default;
};

/// The server end of one DTLS 1.2 association, over datagrams that are handed in and out. Created once the peer's
/// cookie has been verified (HelloVerifier), so its memory cannot be claimed with a forged source address.
///
/// OpenSSL reads the system clock for its retransmission timer; that is the one impurity below io, named in ADR 10.
class Endpoint {
public:
    enum class State : std::uint8_t { handshaking, connected, closed };

    explicit Endpoint(const ServerContext& context);
    ~Endpoint();
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    Endpoint(Endpoint&&) = delete;
    Endpoint& operator=(Endpoint&&) = delete;

    /// A datagram of this association. Fragments of the first hello are collected; a malformed or forged record is
    /// passed over, as RFC 6347 section 4.1.2.7 asks for. Afterwards the state tells whether the association lives.
    void handle(Bytes datagram, EndpointSink& sink);

    /// Encrypts one datagram of application data. False when not connected or longer than a record takes (16 KiB).
    [[nodiscard]] bool send(Bytes plaintext, EndpointSink& sink);

    /// close_notify, once; the state is closed afterwards.
    void close(EndpointSink& sink);

    /// When a flight of the handshake has to be sent again; never when connected.
    [[nodiscard]] Instant next_timeout(Instant now) const;
    void handle_timeout(EndpointSink& sink);

    [[nodiscard]] State state() const { return state_; }

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
    State state_ = State::handshaking;
};

} // namespace fairlead::dtls
