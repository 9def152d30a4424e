#pragma once

#include "net/address.hpp"

#include <string>
#include <vector>

namespace fairlead::process {

struct InterfaceAddress {
    std::string interface;
    net::IpAddress address;
    std::uint8_t prefix_length = 0;
    bool loopback = false;
};

/// Addresses of interfaces that are up, in the kernel's order. IPv6 link-local addresses are left out: they need a
/// zone, which a transport address does not have. Empty when the system cannot say.
[[nodiscard]] std::vector<InterfaceAddress> interface_addresses();

} // namespace fairlead::process
