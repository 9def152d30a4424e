#pragma once

#include "bytes/bytes.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::net {

/// Values as on the wire (RFC 8489 section 14.1).
enum class Family : std::uint8_t { v4 = 1, v6 = 2 };

/// The transport between a client and this server.
enum class Transport : std::uint8_t { udp, tcp, tls, dtls };
[[nodiscard]] std::string_view describe(Transport transport);
/// True where a 5-tuple is a connection: framing is by stream, and the end of the connection ends what belongs to it.
[[nodiscard]] constexpr bool is_stream(Transport transport) {
    return transport == Transport::tcp || transport == Transport::tls;
}

/// An IPv4 or IPv6 address, in network order. Never carries a zone id: we do not talk through link-local addresses.
class IpAddress {
public:
    /// 0.0.0.0
    constexpr IpAddress() = default;

    [[nodiscard]] static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
        IpAddress address;
        address.bytes_ = {a, b, c, d};
        return address;
    }
    [[nodiscard]] static IpAddress v4(std::span<const std::uint8_t, 4> bytes);
    [[nodiscard]] static IpAddress v6(std::span<const std::uint8_t, 16> bytes);
    [[nodiscard]] static IpAddress any(Family family);
    [[nodiscard]] static IpAddress loopback(Family family);

    /// A literal without brackets, zone or port ("192.0.2.1", "2001:db8::1"). Nothing for anything else, names
    /// included.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

    [[nodiscard]] Family family() const { return family_; }
    [[nodiscard]] bool is_v4() const { return family_ == Family::v4; }
    [[nodiscard]] bool is_v6() const { return family_ == Family::v6; }
    [[nodiscard]] bool is_any() const;
    [[nodiscard]] bool is_loopback() const;

    /// 4 or 16 bytes.
    [[nodiscard]] std::span<const std::uint8_t> bytes() const { return std::span(bytes_).first(is_v4() ? 4U : 16U); }

    /// RFC 5952 form.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const IpAddress&, const IpAddress&) = default;
    /// IPv4 before IPv6, then by value.
    friend std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b) {
        if (const auto order = a.family_ <=> b.family_; order != 0) {
            return order;
        }
        return a.bytes_ <=> b.bytes_;
    }

private:
    std::array<std::uint8_t, 16>
        bytes_{}; // IPv4 uses the first four, the rest stay zero so that == compares everything
    Family family_ = Family::v4;
};

/// The combination of an IP address and a port (RFC 8656 section 2, "transport address"). The port is in host order.
struct TransportAddress {
    IpAddress address;
    std::uint16_t port = 0;

    /// "192.0.2.1:3478" or "[2001:db8::1]:3478". Nothing without a port.
    [[nodiscard]] static std::optional<TransportAddress> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] Family family() const { return address.family(); }

    friend bool operator==(const TransportAddress&, const TransportAddress&) = default;
    friend auto operator<=>(const TransportAddress&, const TransportAddress&) = default;
};

/// RFC 8656 section 2: client transport address, server transport address and the protocol between them. With a stream
/// the connection has its own 5-tuple, so this alone names it.
struct FiveTuple {
    TransportAddress client;
    TransportAddress server;
    Transport transport = Transport::udp;

    [[nodiscard]] std::string to_string() const;
    friend bool operator==(const FiveTuple&, const FiveTuple&) = default;
};

/// Keyed hashes: the key is random per process, so nobody outside can choose addresses that collide. For in-memory
/// tables only.
[[nodiscard]] std::uint64_t hash(const IpAddress& address, std::uint64_t key);
[[nodiscard]] std::uint64_t hash(const TransportAddress& address, std::uint64_t key);
[[nodiscard]] std::uint64_t hash(const FiveTuple& path, std::uint64_t key);

/// Hasher for standard containers: `std::unordered_map<FiveTuple, T, Hasher>(n, Hasher{key})`.
struct Hasher {
    std::uint64_t key = 0;
    template <class T>
    [[nodiscard]] std::size_t operator()(const T& value) const {
        return static_cast<std::size_t>(hash(value, key));
    }
};

} // namespace fairlead::net
