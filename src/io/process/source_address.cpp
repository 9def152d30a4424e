#include "process/source_address.hpp"

#include "process/descriptor.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace fairlead::process {

namespace {

// Connecting a UDP socket makes the kernel choose route and source and sends nothing. The destinations are
// documentation addresses (RFC 5737, RFC 3849): every default route covers them and nobody has them.
template <class Sockaddr>
bool connected_source(Sockaddr& address) {
    const auto* const to =
        reinterpret_cast<const sockaddr*>(&address); // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast): the API
    const Descriptor socket(::socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket || ::connect(socket.get(), to, sizeof address) != 0) {
        return false;
    }
    socklen_t length = sizeof address;
    auto* const from =
        reinterpret_cast<sockaddr*>(&address); // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast): the API
    return ::getsockname(socket.get(), from, &length) == 0;
}

} // namespace

std::optional<net::IpAddress> source_address(net::Family family) {
    if (family == net::Family::v4) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(9);
        inet_pton(AF_INET, "203.0.113.1", &address.sin_addr);
        if (!connected_source(address)) {
            return std::nullopt;
        }
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &address.sin_addr, bytes.size());
        return net::IpAddress::v4(bytes);
    }
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(9);
    inet_pton(AF_INET6, "2001:db8::1", &address.sin6_addr);
    if (!connected_source(address)) {
        return std::nullopt;
    }
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &address.sin6_addr, bytes.size());
    return net::IpAddress::v6(bytes);
}

} // namespace fairlead::process
