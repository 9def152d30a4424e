#pragma once

#include "stun/message.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fairlead::turn {

/// The comprehension-required attributes that a server of RFC 8489 and RFC 8656 understands, needed by the message at
/// hand or not. RESPONSE-PORT and PADDING are understood and not obeyed: answering elsewhere, or with more than was
/// asked, is what reflectors do; CHANGE-REQUEST stays unknown while RFC 5780 is not spoken.
[[nodiscard]] constexpr bool is_known(std::uint16_t type, bool dont_fragment_supported) {
    using enum stun::Attribute;
    switch (static_cast<stun::Attribute>(type)) {
    case mapped_address:
    case username:
    case message_integrity:
    case error_code:
    case unknown_attributes:
    case realm:
    case nonce:
    case message_integrity_sha256:
    case password_algorithm:
    case userhash:
    case xor_mapped_address:
    case channel_number:
    case lifetime:
    case xor_peer_address:
    case data:
    case xor_relayed_address:
    case requested_address_family:
    case even_port:
    case requested_transport:
    case reservation_token:
    case priority:
    case use_candidate:
    case padding:
    case response_port:
        return true;
    case dont_fragment:
        return dont_fragment_supported;
    default:
        return !stun::comprehension_required(type);
    }
}

[[nodiscard]] inline bool has_unknown(const stun::Message& message, bool dont_fragment_supported) {
    for (std::size_t i = 0; i < message.attribute_count(); ++i) {
        if (!is_known(message.attribute(i).type, dont_fragment_supported)) {
            return true;
        }
    }
    return false;
}

/// The message's attributes that are not known, each once, in order.
class UnknownAttributes {
public:
    UnknownAttributes(const stun::Message& message, bool dont_fragment_supported) {
        for (std::size_t i = 0; i < message.attribute_count(); ++i) {
            const std::uint16_t type = message.attribute(i).type;
            if (!is_known(type, dont_fragment_supported) && std::ranges::find(types(), type) == types().end()) {
                types_[count_++] = type;
            }
        }
    }
    [[nodiscard]] bool any() const { return count_ != 0; }
    [[nodiscard]] std::span<const std::uint16_t> types() const { return std::span(types_).first(count_); }

private:
    std::array<std::uint16_t, stun::max_attributes> types_{};
    std::size_t count_ = 0;
};

} // namespace fairlead::turn
