#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::text {

/// Takes the first character off `text`. Nothing, and `text` untouched, when it does not begin with a well-formed one
/// (Unicode table 3-7: no overlong forms, surrogates or values above U+10FFFF) or is empty.
[[nodiscard]] constexpr std::optional<char32_t> take_utf8(std::string_view& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    const std::uint32_t lead = at(0);
    if (lead < 0x80) {
        text.remove_prefix(1);
        return lead;
    }
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) {
        return std::nullopt;
    }
    std::uint32_t c = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((at(i) & 0xc0U) != 0x80U) {
            return std::nullopt;
        }
        c = (c << 6U) | (at(i) & 0x3fU);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < smallest[length] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff) {
        return std::nullopt;
    }
    text.remove_prefix(length);
    return c;
}

[[nodiscard]] constexpr bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        if (!take_utf8(text)) {
            return false;
        }
    }
    return true;
}

/// `c` must be a scalar value: not a surrogate, at most U+10FFFF.
constexpr void append_utf8(std::string& out, char32_t c) {
    const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
    const auto v = static_cast<std::uint32_t>(c);
    if (v < 0x80) {
        put(v);
    } else if (v < 0x800) {
        put(0xc0U | (v >> 6U));
        put(0x80U | (v & 0x3fU));
    } else if (v < 0x10000) {
        put(0xe0U | (v >> 12U));
        put(0x80U | ((v >> 6U) & 0x3fU));
        put(0x80U | (v & 0x3fU));
    } else {
        put(0xf0U | (v >> 18U));
        put(0x80U | ((v >> 12U) & 0x3fU));
        put(0x80U | ((v >> 6U) & 0x3fU));
        put(0x80U | (v & 0x3fU));
    }
}

} // namespace fairlead::text
