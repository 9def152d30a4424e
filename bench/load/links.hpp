#pragma once

#include "datagram_socket.hpp"
#include "stream_connection.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

namespace fairlead::load {

/// The paths between a number of TURN clients and the server, named by the client's index.
class Links {
public:
    virtual ~Links() = default;

    [[nodiscard]] virtual std::size_t count() const = 0;
    /// True when the client may send: at once over UDP, after connection and handshake over a stream.
    [[nodiscard]] virtual bool open(std::size_t client) const = 0;
    /// True when the connection has ended or never came to be.
    [[nodiscard]] virtual bool closed(std::size_t client) const = 0;
    /// True when a lost message has to be sent again by the one who needs it.
    [[nodiscard]] virtual bool unreliable() const = 0;

    /// Queues `data`: one message, or a run of messages of `segment` bytes each.
    virtual void queue(std::size_t client, Bytes data, std::size_t segment = 0) = 0;
    virtual void flush() = 0;

    /// Takes whatever messages have arrived, a batch of them at most, and goes on with connections and handshakes. Does
    /// not wait. Which client a message belongs to its content says: transaction id or payload.
    virtual void receive(const Take& take) = 0;
};

struct LinkOptions {
    net::TransportAddress server;
    net::Transport transport = net::Transport::udp;
    std::size_t count = 1;
    bool gro = true;
};

/// A server on 127.0.0.0/8 sees each client come from an address of its own, 127.1.0.1 and on, as it would in the
/// field; any other server sees one address and many ports. Throws std::system_error.
[[nodiscard]] std::unique_ptr<Links> make_links(const LinkOptions& options);

} // namespace fairlead::load
