#pragma once

#include "net/address.hpp"

#include <string_view>

namespace fairlead::turn {

/// Whether the relay may talk to a peer.
struct PeerVerdict {
    bool allowed = false;
    /// The name of the rule that decided ("loopback", "10.0.0.0/8", …) for logs and events. Refers to the policy's own
    /// storage, valid until the policy is changed.
    std::string_view rule;

    [[nodiscard]] static PeerVerdict allow(std::string_view rule = {}) { return {.allowed = true, .rule = rule}; }
    [[nodiscard]] static PeerVerdict refuse(std::string_view rule) { return {.allowed = false, .rule = rule}; }
};

/// Asked when a permission or a channel is made, and for the port of Send indications (the answer is reused for the
/// same peer for up to a second). Answers at once.
class PeerPolicy {
public:
    virtual ~PeerPolicy() = default;
    /// May a permission for this address be installed? Permissions have no port (RFC 8656 section 9), so this judges
    /// the address alone.
    [[nodiscard]] virtual PeerVerdict verdict(const net::IpAddress& peer) = 0;
    /// May data go to this transport address?
    [[nodiscard]] virtual PeerVerdict verdict(const net::TransportAddress& peer) = 0;
};

} // namespace fairlead::turn
