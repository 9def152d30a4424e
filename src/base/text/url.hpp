#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::text {

/// Percent-encodes every byte but the unreserved characters of RFC 3986 section 2.3, with upper-case digits.
[[nodiscard]] std::string percent_encode(std::string_view text);

/// Percent-encodes the bytes for which `encode(unsigned char)` holds, and always '%' itself.
template <class Predicate>
[[nodiscard]] std::string percent_encode_where(std::string_view text, Predicate encode) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '%' || encode(byte)) {
            out.append({'%', digits[byte >> 4U], digits[byte & 15U]});
        } else {
            out.push_back(c);
        }
    }
    return out;
}

/// Nothing when a '%' is not followed by two hexadecimal digits. '+' stays a plus.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

} // namespace fairlead::text
