#pragma once

#include "config/model.hpp"
#include "net/address.hpp"
#include "turn_relay/turn_relay.hpp"

#include <string>
#include <vector>

namespace fairlead::serve {

/// The addresses of this machine, and what the server makes of them. Found once at start.
struct Addresses {
    std::vector<net::IpAddress> own;              ///< of interfaces that are up, loopback included
    std::vector<turn_relay::RelayAddress> relays; ///< bound and advertised
    std::vector<std::string> reasons;             ///< one line per relay address: why this one
    /// What to tell people who ask where the server is: the configured host, else an address that others can reach.
    std::string host;
    bool host_is_configured = false;
};

[[nodiscard]] Addresses find_addresses(const config::Model& model);

} // namespace fairlead::serve
