#include "process/interfaces.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <bit>
#include <cstring>
#include <memory>
#include <optional>

namespace fairlead::process {
namespace {

// sockaddr is the sockets API's way to say "one of several"; copying out of it is the way without aliasing.
template <class T>
T copy_as(const sockaddr* address) {
    T copy;
    std::memcpy(&copy, address, sizeof copy);
    return copy;
}

std::optional<net::IpAddress> to_address(const sockaddr* address) {
    if (address->sa_family == AF_INET) {
        const auto v4 = copy_as<sockaddr_in>(address);
        std::uint8_t bytes[4];
        std::memcpy(bytes, &v4.sin_addr, sizeof bytes);
        return net::IpAddress::v4(bytes);
    }
    if (address->sa_family == AF_INET6) {
        const auto v6 = copy_as<sockaddr_in6>(address);
        if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) {
            return std::nullopt;
        }
        return net::IpAddress::v6(v6.sin6_addr.s6_addr);
    }
    return std::nullopt;
}

std::uint8_t prefix_of(const sockaddr* mask) {
    const auto address = mask == nullptr ? std::nullopt : to_address(mask);
    int bits = 0;
    if (address) {
        for (const std::uint8_t byte : address->bytes()) {
            bits += std::popcount(byte);
        }
    }
    return static_cast<std::uint8_t>(bits);
}

} // namespace

std::vector<InterfaceAddress> interface_addresses() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return {};
    }
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
    std::vector<InterfaceAddress> found;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) {
            continue;
        }
        if (const auto address = to_address(entry->ifa_addr)) {
            found.push_back(
                {entry->ifa_name, *address, prefix_of(entry->ifa_netmask), (entry->ifa_flags & IFF_LOOPBACK) != 0});
        }
    }
    return found;
}

} // namespace fairlead::process
