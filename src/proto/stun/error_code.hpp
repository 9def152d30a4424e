#pragma once

#include <cstdint>
#include <string_view>

namespace fairlead::stun {

/// IANA registry "STUN Error Codes"; the value is the code (RFC 8489 section 14.8).
enum class ErrorCode : std::uint16_t {
    try_alternate = 300,
    bad_request = 400,
    unauthenticated = 401,
    forbidden = 403,
    unknown_attribute = 420,
    allocation_mismatch = 437,
    stale_nonce = 438,
    address_family_not_supported = 440,
    wrong_credentials = 441,
    unsupported_transport_protocol = 442,
    peer_address_family_mismatch = 443,
    allocation_quota_reached = 486,
    role_conflict = 487,
    server_error = 500,
    insufficient_capacity = 508,
};

/// The reason phrase the RFC recommends.
[[nodiscard]] constexpr std::string_view describe(ErrorCode code) {
    switch (code) {
    case ErrorCode::try_alternate:
        return "Try Alternate";
    case ErrorCode::bad_request:
        return "Bad Request";
    case ErrorCode::unauthenticated:
        return "Unauthenticated";
    case ErrorCode::forbidden:
        return "Forbidden";
    case ErrorCode::unknown_attribute:
        return "Unknown Attribute";
    case ErrorCode::allocation_mismatch:
        return "Allocation Mismatch";
    case ErrorCode::stale_nonce:
        return "Stale Nonce";
    case ErrorCode::address_family_not_supported:
        return "Address Family not Supported";
    case ErrorCode::wrong_credentials:
        return "Wrong Credentials";
    case ErrorCode::unsupported_transport_protocol:
        return "Unsupported Transport Protocol";
    case ErrorCode::peer_address_family_mismatch:
        return "Peer Address Family Mismatch";
    case ErrorCode::allocation_quota_reached:
        return "Allocation Quota Reached";
    case ErrorCode::role_conflict:
        return "Role Conflict";
    case ErrorCode::server_error:
        return "Server Error";
    case ErrorCode::insufficient_capacity:
        return "Insufficient Capacity";
    }
    return "Error";
}

} // namespace fairlead::stun
