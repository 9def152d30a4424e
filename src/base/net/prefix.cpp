#include "net/prefix.hpp"

#include <algorithm>
#include <charconv>

namespace fairlead::net {

namespace {

IpAddress masked(const IpAddress& address, unsigned length) {
    std::array<std::uint8_t, 16> bytes{};
    const auto from = address.bytes();
    for (std::size_t i = 0; i < from.size(); ++i) {
        const unsigned bits = length > 8 * i ? std::min(8U, length - 8 * static_cast<unsigned>(i)) : 0U;
        bytes[i] = static_cast<std::uint8_t>(from[i] & (0xff00U >> bits));
    }
    return address.is_v4() ? IpAddress::v4(std::span(bytes).first<4>()) : IpAddress::v6(bytes);
}

} // namespace

Prefix::Prefix(IpAddress address, unsigned length)
    : address_(address), length_(static_cast<std::uint8_t>(std::min(length, address.is_v4() ? 32U : 128U))) {
    address_ = masked(address_, length_);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) {
        return std::nullopt;
    }
    const unsigned width = address->is_v4() ? 32U : 128U;
    unsigned length = width;
    if (slash != std::string_view::npos) {
        const std::string_view digits = text.substr(slash + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
        if (error != std::errc{} || end != digits.data() + digits.size() || length > width) {
            return std::nullopt;
        }
    }
    const Prefix prefix(*address, length);
    if (prefix.address_ != *address) {
        return std::nullopt;
    }
    return prefix;
}

bool Prefix::contains(const IpAddress& address) const {
    return address.family() == address_.family() && masked(address, length_) == address_;
}

std::string Prefix::to_string() const {
    return address_.to_string() + "/" + std::to_string(length_);
}

} // namespace fairlead::net
