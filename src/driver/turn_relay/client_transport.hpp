#pragma once

#include "bytes/bytes.hpp"
#include "net/address.hpp"

#include <cstdint>

namespace fairlead::turn_relay {

/// What of the IP header travels along with relayed data (RFC 8656 section 14, preferred behaviour). 0 means unknown.
struct Marks {
    std::uint8_t tos = 0; ///< DSCP and ECN
    std::uint8_t ttl = 0;
};

/// How messages get to the clients of one transport. The modules turn_datagram, turn_stream and turn_dtls implement it.
class ClientTransport {
public:
    /// Relayed data: header, payload and `padding` zero bytes (0 to 3) as one message. `header` is copied, `payload`
    /// stays valid until the engine's flush. What cannot be sent is dropped and counted by the transport: this is UDP's
    /// promise, not TCP's.
    virtual void send(const net::FiveTuple& path, Bytes header, Bytes payload, std::size_t padding,
                      const Marks& marks) = 0;

    /// One STUN message. It lies in the room that the engine reserved last (datagram::Engine::reserve), so that UDP
    /// need not copy it.
    virtual void transmit(const net::FiveTuple& path, Bytes message) = 0;

    /// The last allocation of this path has ended: a connection that stays may be given up for idle.
    virtual void allocation_ended(const net::FiveTuple& path) = 0;

    /// The turn is over: writes what was collected. UDP needs nothing here, the engine flushes by itself.
    virtual void flush() {}

protected:
    ~ClientTransport() = default;
};

} // namespace fairlead::turn_relay
