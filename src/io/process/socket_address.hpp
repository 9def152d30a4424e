#pragma once

#include "net/address.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>

namespace fairlead::process {

/// A transport address in the kernel's form. The only place that knows sockaddr_in and sockaddr_in6 apart.
class SocketAddress {
public:
    /// Room for an address the kernel will fill in.
    SocketAddress() = default;
    explicit SocketAddress(const net::TransportAddress& address) { set(address); }

    void set(const net::TransportAddress& address) {
        const auto bytes = address.address.bytes();
        if (address.address.is_v4()) {
            sockaddr_in v4{};
            v4.sin_family = AF_INET;
            v4.sin_port = htons(address.port);
            std::memcpy(&v4.sin_addr, bytes.data(), sizeof v4.sin_addr);
            std::memcpy(storage_, &v4, sizeof v4);
            size_ = sizeof v4;
        } else {
            sockaddr_in6 v6{};
            v6.sin6_family = AF_INET6;
            v6.sin6_port = htons(address.port);
            std::memcpy(&v6.sin6_addr, bytes.data(), sizeof v6.sin6_addr);
            std::memcpy(storage_, &v6, sizeof v6);
            size_ = sizeof v6;
        }
    }

    /// What the kernel filled in. IPv4-mapped addresses do not occur: our IPv6 sockets are IPv6 only.
    [[nodiscard]] std::optional<net::TransportAddress> get() const {
        sa_family_t family = AF_UNSPEC;
        std::memcpy(&family, storage_ + offsetof(sockaddr_in, sin_family), sizeof family);
        if (family == AF_INET) {
            sockaddr_in v4;
            std::memcpy(&v4, storage_, sizeof v4);
            std::uint8_t bytes[4];
            std::memcpy(bytes, &v4.sin_addr, sizeof bytes);
            return net::TransportAddress{net::IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]),
                                         ntohs(v4.sin_port)};
        }
        if (family == AF_INET6) {
            sockaddr_in6 v6;
            std::memcpy(&v6, storage_, sizeof v6);
            return net::TransportAddress{net::IpAddress::v6(v6.sin6_addr.s6_addr), ntohs(v6.sin6_port)};
        }
        return std::nullopt;
    }

    // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): sockaddr is how the sockets API says "one of several"
    [[nodiscard]] sockaddr* data() { return reinterpret_cast<sockaddr*>(storage_); }
    [[nodiscard]] const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(storage_); }
    // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
    [[nodiscard]] socklen_t size() const { return size_; }
    /// For calls that take the room and give back the length.
    [[nodiscard]] socklen_t* size_pointer() { return &size_; }
    static constexpr socklen_t capacity = sizeof(sockaddr_in6);

private:
    alignas(sockaddr_in6) unsigned char storage_[sizeof(sockaddr_in6)]{};
    socklen_t size_ = capacity;
};

/// The address a socket is bound to, or connected to; nothing when it is not, or not IP.
[[nodiscard]] inline std::optional<net::TransportAddress> local_address(int fd) {
    SocketAddress address;
    return ::getsockname(fd, address.data(), address.size_pointer()) == 0 ? address.get() : std::nullopt;
}
[[nodiscard]] inline std::optional<net::TransportAddress> peer_address(int fd) {
    SocketAddress address;
    return ::getpeername(fd, address.data(), address.size_pointer()) == 0 ? address.get() : std::nullopt;
}

} // namespace fairlead::process
