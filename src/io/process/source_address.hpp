#pragma once

#include "net/address.hpp"

#include <optional>

namespace fairlead::process {

/// The address that the system would send from to a host far away; nothing when it has no route of that family. No
/// packet leaves.
[[nodiscard]] std::optional<net::IpAddress> source_address(net::Family family);

} // namespace fairlead::process
