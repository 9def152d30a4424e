#include "bytes/base64.hpp"

#include <array>

namespace fairlead::bytes {

namespace {

constexpr std::string_view standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(Bytes data, std::string_view alphabet, bool pad) {
    std::string text;
    text.reserve((data.size() + 2) / 3 * 4);
    std::size_t i = 0;
    while (i < data.size()) {
        const std::size_t n = std::min<std::size_t>(3, data.size() - i);
        unsigned group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            group = (group << 8U) | (k < n ? std::to_integer<unsigned>(data[i + k]) : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            if (k <= n) {
                text += alphabet[(group >> (18U - 6U * static_cast<unsigned>(k))) & 63U];
            } else if (pad) {
                text += '=';
            }
        }
        i += n;
    }
    return text;
}

std::optional<std::vector<std::byte>> decode(std::string_view text, std::string_view alphabet) {
    std::vector<std::byte> data;
    data.reserve(text.size() / 4 * 3 + 3);
    unsigned bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const std::size_t value = alphabet.find(c);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        bits = (bits << 6U) | static_cast<unsigned>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            data.push_back(static_cast<std::byte>((bits >> held) & 0xffU));
        }
    }
    // One character alone carries no byte; leftover bits that are not zero would be a second spelling of the same
    // value.
    if (text.size() % 4 == 1 || (bits & ((1U << held) - 1U)) != 0) {
        return std::nullopt;
    }
    return data;
}

} // namespace

std::string to_base64(Bytes data) {
    return encode(data, standard, true);
}
std::string to_base64url(Bytes data) {
    return encode(data, url_safe, false);
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) {
        text.remove_suffix(1);
    }
    return decode(text, standard);
}

std::optional<std::vector<std::byte>> from_base64url(std::string_view text) {
    return decode(text, url_safe);
}

} // namespace fairlead::bytes
