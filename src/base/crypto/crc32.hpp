#pragma once

#include "bytes/bytes.hpp"

namespace fairlead::crypto {

/// The CRC-32 of ITU V.42, as FINGERPRINT uses it before its XOR (RFC 8489 section 14.7).
[[nodiscard]] std::uint32_t crc32(Bytes data);

} // namespace fairlead::crypto
