#pragma once

#include "bytes/bytes.hpp"

#include <array>

namespace fairlead::crypto {

using Md5 = std::array<std::byte, 16>;
using Sha1 = std::array<std::byte, 20>;
using Sha256 = std::array<std::byte, 32>;

/// MD5 exists only as the key derivation of RFC 8489 section 9.2.2; it protects nothing by itself.
[[nodiscard]] Md5 md5(Bytes data);
[[nodiscard]] Sha1 sha1(Bytes data);
[[nodiscard]] Sha256 sha256(Bytes data);

} // namespace fairlead::crypto
