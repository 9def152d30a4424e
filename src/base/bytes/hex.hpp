#pragma once

#include "bytes/bytes.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::bytes {

/// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] std::string to_hex(Bytes data);

/// Either letter case; nothing for an odd length or any other character.
[[nodiscard]] std::optional<std::vector<std::byte>> from_hex(std::string_view text);

} // namespace fairlead::bytes
