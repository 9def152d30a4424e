#include "text/url.hpp"

#include "text/ascii.hpp"

namespace fairlead::text {

namespace {

std::optional<unsigned> hex_digit(char c) {
    if (is_digit(c)) {
        return static_cast<unsigned>(c - '0');
    }
    const char l = lower(c);
    if (l >= 'a' && l <= 'f') {
        return static_cast<unsigned>(l - 'a') + 10U;
    }
    return std::nullopt;
}

} // namespace

std::string percent_encode(std::string_view text) {
    return percent_encode_where(text, [](unsigned char byte) {
        const auto c = static_cast<char>(byte);
        return byte >= 0x80 || !(is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~');
    });
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
        const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
        if (!low) {
            return std::nullopt;
        }
        out.push_back(static_cast<char>(static_cast<unsigned char>(*high * 16 + *low)));
        i += 2;
    }
    return out;
}

} // namespace fairlead::text
