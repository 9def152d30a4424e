#pragma once

#include "net/address.hpp"

#include <cstdint>
#include <string>

namespace fairlead::log {

/// What log lines show of people's addresses.
enum class Addresses : std::uint8_t {
    shown,
    masked, ///< IPv4 to its /24, IPv6 to its /48; the port goes
    hidden, ///< "-"
};

/// For the whole process; before the first line is written.
void set_addresses(Addresses addresses);

/// The address of a client or peer as log lines may show it.
[[nodiscard]] std::string shown(const net::IpAddress& address);
[[nodiscard]] std::string shown(const net::TransportAddress& address);

} // namespace fairlead::log
