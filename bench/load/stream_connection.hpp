#pragma once

#include "bytes/bytes.hpp"
#include "datagram_socket.hpp"

#include <functional>
#include <memory>
#include <openssl/ssl.h>
#include <optional>
#include <vector>

namespace fairlead::load {

using Take = std::function<void(Bytes)>;

/// One TURN client's connection over TCP, or TLS when a context is given. Non-blocking; the caller polls the
/// descriptor, edge-triggered.
class StreamConnection {
public:
    enum class State { connecting, handshaking, open, closed };

    /// Throws std::system_error when not even a connection attempt could be made.
    StreamConnection(const net::TransportAddress& server, std::optional<net::IpAddress> from, SSL_CTX* tls);
    ~StreamConnection();
    StreamConnection(StreamConnection&& other) noexcept;
    StreamConnection& operator=(StreamConnection&&) = delete;
    StreamConnection(const StreamConnection&) = delete;

    [[nodiscard]] int descriptor() const { return fd_; }
    [[nodiscard]] State state() const { return state_; }

    /// Goes on with whatever waits for the socket: the connection, the handshake, bytes left over from write().
    void advance();

    /// Bytes that do not fit into the socket now are kept for advance(). False, and nothing kept, while earlier bytes
    /// still wait: a client that cannot write has nothing to send.
    bool write(Bytes data);

    /// Calls take(frame) for each whole STUN message or ChannelData message (without padding) that has arrived.
    void read(const Take& take);

private:
    struct FreeSsl {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };

    // Bytes moved; 0 when the socket would block; nothing when the connection has ended.
    std::optional<std::size_t> write_some(Bytes data);
    std::optional<std::size_t> read_some(MutableBytes room);
    void split_frames(const Take& take);

    int fd_ = -1;
    State state_ = State::connecting;
    std::unique_ptr<SSL, FreeSsl> ssl_;
    std::vector<std::byte> incoming_;
    std::vector<std::byte> outgoing_;
};

} // namespace fairlead::load
