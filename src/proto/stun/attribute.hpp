#pragma once

#include <cstdint>

namespace fairlead::stun {

/// Attribute types of the IANA registry "STUN Attributes". Types below 0x8000 are comprehension-required (RFC 8489
/// section 14).
enum class Attribute : std::uint16_t {
    // RFC 8489
    mapped_address = 0x0001,
    username = 0x0006,
    message_integrity = 0x0008,
    error_code = 0x0009,
    unknown_attributes = 0x000a,
    realm = 0x0014,
    nonce = 0x0015,
    message_integrity_sha256 = 0x001c,
    password_algorithm = 0x001d,
    userhash = 0x001e,
    xor_mapped_address = 0x0020,
    password_algorithms = 0x8002,
    alternate_domain = 0x8003,
    software = 0x8022,
    alternate_server = 0x8023,
    fingerprint = 0x8028,

    // RFC 8656
    channel_number = 0x000c,
    lifetime = 0x000d,
    xor_peer_address = 0x0012,
    data = 0x0013,
    xor_relayed_address = 0x0016,
    requested_address_family = 0x0017,
    even_port = 0x0018,
    requested_transport = 0x0019,
    dont_fragment = 0x001a,
    reservation_token = 0x0022,
    additional_address_family = 0x8000,
    address_error_code = 0x8001,
    icmp = 0x8004,

    // RFC 8445 (ICE)
    priority = 0x0024,
    use_candidate = 0x0025,
    ice_controlled = 0x8029,
    ice_controlling = 0x802a,

    // RFC 5780
    change_request = 0x0003,
    padding = 0x0026,
    response_port = 0x0027,
    response_origin = 0x802b,
    other_address = 0x802c,

    // RFC 6062, RFC 8016, draft-johnston-tram-stun-origin
    connection_id = 0x002a,
    mobility_ticket = 0x8030,
    origin = 0x802f,
};

[[nodiscard]] constexpr bool comprehension_required(std::uint16_t type) {
    return type < 0x8000;
}

} // namespace fairlead::stun
