#pragma once

#include "bytes/bytes.hpp"
#include "net/address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <sys/socket.h>
#include <vector>

namespace fairlead::load {

/// Where a datagram goes, and which of our addresses it says it comes from (none: the kernel's choice).
struct Route {
    Route(const net::TransportAddress& to, std::optional<net::IpAddress> from);

    sockaddr_storage to{};
    socklen_t to_length = 0;
    std::optional<net::IpAddress> from;
};

[[nodiscard]] std::pair<sockaddr_storage, socklen_t> to_sockaddr(const net::TransportAddress& address);
[[nodiscard]] net::TransportAddress from_sockaddr(const sockaddr_storage& address);

/// A non-blocking UDP socket that sends and receives in batches and in runs of equal datagrams (UDP_SEGMENT, UDP_GRO).
/// Bound to the unspecified address it stands for as many hosts of 127.0.0.0/8 as there are routes with a `from`: a
/// thousand clients need one socket, and the load they make is not blurred by what a thousand sockets would cost.
class DatagramSocket {
public:
    /// Throws std::system_error. `gro` decides whether runs are taken whole, as a network card would deliver them.
    DatagramSocket(const net::TransportAddress& local, bool gro);
    ~DatagramSocket();
    DatagramSocket(DatagramSocket&& other) noexcept;
    DatagramSocket& operator=(DatagramSocket&&) = delete;
    DatagramSocket(const DatagramSocket&) = delete;

    [[nodiscard]] int descriptor() const { return fd_; }
    [[nodiscard]] std::uint16_t port() const;

    /// Sends one datagram, or the run of datagrams of `segment` bytes that `data` holds, at once. False when the kernel
    /// did not take it.
    bool send(const Route& route, Bytes data, std::size_t segment = 0);

    /// Copies one datagram into the outgoing batch, or, when `segment` is not 0, the run of datagrams of that size that
    /// `data` holds; a full batch leaves by itself.
    void queue(const Route& route, Bytes data, std::size_t segment = 0);
    /// Sends what is queued. Returns the bytes that the kernel did not take, which are gone.
    std::size_t flush();

    /// Calls take(Bytes datagram) for each datagram that waits, up to a batch. Returns how many there were.
    template <class Take>
    std::size_t receive(Take&& take) {
        const std::size_t messages = receive_batch();
        std::size_t datagrams = 0;
        for (std::size_t i = 0; i < messages; ++i) {
            Bytes rest = arrival(i);
            const std::size_t segment = arrival_segment(i) == 0 ? rest.size() : arrival_segment(i);
            do {
                const std::size_t length = rest.size() < segment ? rest.size() : segment;
                take(rest.first(length));
                rest = rest.subspan(length);
                ++datagrams;
            } while (!rest.empty());
        }
        return datagrams;
    }

private:
    struct Batch;

    std::size_t receive_batch();
    [[nodiscard]] static Bytes arrival(std::size_t i);
    [[nodiscard]] static std::size_t arrival_segment(std::size_t i);
    static Batch& incoming(); // one for all sockets: what was received is taken before the next is read

    int fd_ = -1;
    std::size_t queued_ = 0;
    std::size_t refused_bytes_ = 0;
    std::unique_ptr<Batch> outgoing_; // made by the first queue()
};

} // namespace fairlead::load
