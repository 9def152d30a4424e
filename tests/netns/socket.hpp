#pragma once

#include "bytes/bytes.hpp"
#include "net/address.hpp"
#include "turn/stream_framer.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace fairlead::peer {

/// A message from somebody; over TCP always from the server.
using Take = std::function<void(const net::TransportAddress& from, Bytes message)>;

/// One UDP socket, or one TCP connection cut into STUN messages and ChannelData. Blocking, with patience: a test peer
/// has one thing to do at a time. Throws std::runtime_error when the network says no.
class Socket {
public:
    /// A UDP socket on a port of the kernel's choice.
    static Socket udp(net::Family family);
    /// A connection to the server; fails when it does not come about in `patience`.
    static Socket tcp(const net::TransportAddress& server, std::chrono::milliseconds patience);
    ~Socket();
    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&&) = delete;
    Socket(const Socket&) = delete;

    /// `to` counts over UDP only. What the network refuses is lost, as UDP loses things.
    void send(const net::TransportAddress& to, Bytes message);

    /// Waits for bytes, `patience` at most, and hands out each whole message among them.
    void receive(std::chrono::milliseconds patience, const Take& take);

private:
    Socket(int fd, std::optional<net::TransportAddress> server) : fd_(fd), server_(server) {}

    void receive_datagrams(const Take& take);
    void receive_stream(const Take& take);

    int fd_;
    std::optional<net::TransportAddress> server_; // of a TCP connection
    turn::StreamFramer framer_;
};

} // namespace fairlead::peer
