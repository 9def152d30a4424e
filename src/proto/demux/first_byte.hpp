#pragma once

#include "bytes/bytes.hpp"

#include <string_view>

namespace fairlead::demux {

/// What a datagram on a shared port is, judged by its first byte: RFC 7983 section 7 as updated by RFC 9443 section 3.
///
///                  +----------------+
///                  |        [0..3] -+--> STUN
///                  |      [16..19] -+--> ZRTP
///      packet -->  |      [20..63] -+--> DTLS
///                  |      [64..79] -+--> TURN channel
///                  |     [80..127] -+--> QUIC
///                  |    [128..191] -+--> RTP or RTCP
///                  |    [192..255] -+--> QUIC
///                  +----------------+
enum class Kind : std::uint8_t { stun, zrtp, dtls, channel_data, quic, rtp, unknown };

[[nodiscard]] constexpr Kind classify(std::byte first) {
    const auto b = std::to_integer<unsigned>(first);
    if (b <= 3) {
        return Kind::stun;
    }
    if (b < 16) {
        return Kind::unknown;
    }
    if (b <= 19) {
        return Kind::zrtp;
    }
    if (b <= 63) {
        return Kind::dtls;
    }
    if (b <= 79) {
        return Kind::channel_data;
    }
    if (b <= 127) {
        return Kind::quic;
    }
    if (b <= 191) {
        return Kind::rtp;
    }
    return Kind::quic;
}

/// An empty datagram is unknown.
[[nodiscard]] constexpr Kind classify(Bytes datagram) {
    return datagram.empty() ? Kind::unknown : classify(datagram.front());
}

/// Tells RTCP from RTP where both share a port. RFC 5761 section 4: packet types 64 to 95 in the low seven bits of the
/// second byte, which RTP payload types must therefore avoid. Only for datagrams that classify as rtp.
[[nodiscard]] constexpr bool is_rtcp(Bytes datagram) {
    if (datagram.size() < 2) {
        return false;
    }
    const auto packet_type = std::to_integer<unsigned>(datagram[1]) & 0x7fU;
    return packet_type >= 64 && packet_type <= 95;
}

[[nodiscard]] constexpr std::string_view describe(Kind kind) {
    switch (kind) {
    case Kind::stun:
        return "stun";
    case Kind::zrtp:
        return "zrtp";
    case Kind::dtls:
        return "dtls";
    case Kind::channel_data:
        return "channel data";
    case Kind::quic:
        return "quic";
    case Kind::rtp:
        return "rtp";
    case Kind::unknown:
        break;
    }
    return "unknown";
}

} // namespace fairlead::demux
