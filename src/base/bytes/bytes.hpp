#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fairlead {

/// Bytes somebody else owns; valid for the call unless the header says otherwise.
using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

/// The only two casts between text and bytes in the tree. Both alias the same memory, so lifetime is the argument's.
[[nodiscard]] inline Bytes as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}
[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
    // char may alias any object (C++23 [basic.lval]/11), so reading bytes as text is defined.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace fairlead
