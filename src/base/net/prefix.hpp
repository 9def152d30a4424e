#pragma once

#include "net/address.hpp"

namespace fairlead::net {

/// An address range in CIDR form. The bits after the length are zero.
class Prefix {
public:
    Prefix() = default;
    /// `length` is cut to the family's width; host bits are cleared.
    Prefix(IpAddress address, unsigned length);

    /// "10.0.0.0/8", "2001:db8::/32"; a bare address means the whole width. Host bits that are not zero are refused:
    /// somebody who writes 10.0.0.1/8 has mistyped one half of it.
    [[nodiscard]] static std::optional<Prefix> parse(std::string_view text);

    [[nodiscard]] const IpAddress& address() const { return address_; }
    [[nodiscard]] unsigned length() const { return length_; }
    /// Families never mix: ::ffff:10.0.0.1 is not in 10.0.0.0/8. Canonicalise first (account/peer policy does).
    [[nodiscard]] bool contains(const IpAddress& address) const;
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const Prefix&, const Prefix&) = default;

private:
    IpAddress address_;
    std::uint8_t length_ = 0;
};

} // namespace fairlead::net
