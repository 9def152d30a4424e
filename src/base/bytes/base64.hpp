#pragma once

#include "bytes/bytes.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::bytes {

/// RFC 4648 section 4: standard alphabet, with padding.
[[nodiscard]] std::string to_base64(Bytes data);

/// RFC 4648 section 5: URL-safe alphabet, without padding (RFC 7515 section 2).
[[nodiscard]] std::string to_base64url(Bytes data);

/// Strict: right alphabet, right padding, zero trailing bits (so that every value has exactly one spelling); else
/// nothing.
[[nodiscard]] std::optional<std::vector<std::byte>> from_base64(std::string_view text);
[[nodiscard]] std::optional<std::vector<std::byte>> from_base64url(std::string_view text);

} // namespace fairlead::bytes
