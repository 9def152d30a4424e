#include "net/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

namespace fairlead::net {

std::string_view describe(Transport transport) {
    switch (transport) {
    case Transport::udp:
        return "udp";
    case Transport::tcp:
        return "tcp";
    case Transport::tls:
        return "tls";
    case Transport::dtls:
        return "dtls";
    }
    return "unknown";
}

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes) {
    return v4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) {
    IpAddress address;
    std::ranges::copy(bytes, address.bytes_.begin());
    address.family_ = Family::v6;
    return address;
}

IpAddress IpAddress::any(Family family) {
    IpAddress address;
    address.family_ = family;
    return address;
}

IpAddress IpAddress::loopback(Family family) {
    if (family == Family::v4) {
        return v4(127, 0, 0, 1);
    }
    IpAddress address = any(Family::v6);
    address.bytes_[15] = 1;
    return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    // inet_pton wants a terminated string; the longest literal, an IPv6 address with an IPv4 tail, has 45 characters.
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.empty() || text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::ranges::copy(text, terminated.begin());
    IpAddress address;
    if (inet_pton(AF_INET, terminated.data(), address.bytes_.data()) == 1) {
        return address;
    }
    address.bytes_ = {};
    if (inet_pton(AF_INET6, terminated.data(), address.bytes_.data()) == 1) {
        address.family_ = Family::v6;
        return address;
    }
    return std::nullopt;
}

bool IpAddress::is_any() const {
    return std::ranges::all_of(bytes_, [](std::uint8_t b) { return b == 0; });
}

bool IpAddress::is_loopback() const {
    return is_v4() ? bytes_[0] == 127 : *this == loopback(Family::v6);
}

std::string IpAddress::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text.data(), static_cast<socklen_t>(text.size()));
    return text.data();
}

std::optional<TransportAddress> TransportAddress::parse(std::string_view text) {
    std::string_view host;
    std::string_view port;
    const bool bracketed = text.starts_with('[');
    if (bracketed) {
        const std::size_t end = text.find("]:");
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        host = text.substr(1, end - 1);
        port = text.substr(end + 2);
    } else {
        const std::size_t colon = text.find(':');
        if (colon == std::string_view::npos) {
            return std::nullopt;
        }
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
    }
    const auto address = IpAddress::parse(host);
    if (!address || address->is_v6() != bracketed) {
        return std::nullopt;
    }
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || end != port.data() + port.size()) {
        return std::nullopt;
    }
    return TransportAddress{.address = *address, .port = number};
}

std::string TransportAddress::to_string() const {
    std::string text = address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
    return text + ":" + std::to_string(port);
}

std::string FiveTuple::to_string() const {
    return std::string(describe(transport)) + " " + client.to_string() + " > " + server.to_string();
}

namespace {

// Multiply-and-fold over two 64-bit words at a time with secret operands (the wyhash construction): about 2 ns for a
// 5-tuple.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128; // an extension of both our compilers
    const auto product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

constexpr std::uint64_t k0 = 0xa0761d6478bd642fU;
constexpr std::uint64_t k1 = 0xe7037ed1a0b428dbU;

std::uint64_t word(const std::uint8_t* from) {
    std::uint64_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return value;
}

} // namespace

std::uint64_t hash(const IpAddress& address, std::uint64_t key) {
    const auto bytes = address.bytes();
    if (bytes.size() == 4) {
        std::uint32_t value = 0;
        std::memcpy(&value, bytes.data(), sizeof value);
        return fold(value ^ key ^ k0, key ^ k1);
    }
    return fold(word(bytes.data()) ^ key ^ k0, word(bytes.data() + 8) ^ key ^ k1);
}

std::uint64_t hash(const TransportAddress& address, std::uint64_t key) {
    return fold(hash(address.address, key) ^ k0, std::uint64_t{address.port} ^ std::rotl(key, 32) ^ k1);
}

std::uint64_t hash(const FiveTuple& path, std::uint64_t key) {
    return fold(hash(path.client, key),
                hash(path.server, std::rotl(key, 16)) + static_cast<std::uint64_t>(path.transport) + k1);
}

} // namespace fairlead::net
