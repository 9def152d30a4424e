#include "stun/message.hpp"

#include "bytes/reader.hpp"
#include "crypto/crc32.hpp"
#include "crypto/hmac.hpp"

#include <algorithm>

namespace fairlead::stun {

namespace {

using bytes::load_u16;
using bytes::load_u32;

constexpr std::size_t padded(std::size_t length) {
    return (length + 3) & ~std::size_t{3};
}

constexpr std::uint16_t wire(Attribute attribute) {
    return static_cast<std::uint16_t>(attribute);
}

// RFC 8489 section 5: the method's twelve bits lie around the class's two.
//    M11 M10 M9 M8 M7 C1 M6 M5 M4 C0 M3 M2 M1 M0
constexpr Class class_of(std::uint16_t type) {
    return static_cast<Class>(((type >> 7U) & 2U) | ((type >> 4U) & 1U));
}
constexpr Method method_of(std::uint16_t type) {
    return static_cast<Method>(((type & 0x3e00U) >> 2U) | ((type & 0x00e0U) >> 1U) | (type & 0x000fU));
}

std::optional<net::TransportAddress> address_from(Bytes value, Bytes mask) {
    if (value.size() < 4) {
        return std::nullopt;
    }
    const auto family = std::to_integer<std::uint8_t>(value[1]);
    const auto port = static_cast<std::uint16_t>(load_u16(value, 2) ^ load_u16(mask, 0));
    const Bytes address = value.subspan(4);
    std::array<std::uint8_t, 16> plain{};
    for (std::size_t i = 0; i < std::min(address.size(), plain.size()); ++i) {
        plain[i] = std::to_integer<std::uint8_t>(address[i] ^ mask[i]);
    }
    if (family == static_cast<std::uint8_t>(net::Family::v4) && address.size() == 4) {
        return net::TransportAddress{.address = net::IpAddress::v4(std::span(plain).first<4>()), .port = port};
    }
    if (family == static_cast<std::uint8_t>(net::Family::v6) && address.size() == 16) {
        return net::TransportAddress{.address = net::IpAddress::v6(plain), .port = port};
    }
    return std::nullopt;
}

} // namespace

std::string_view describe(Method method) {
    switch (method) {
    case Method::binding:
        return "Binding";
    case Method::allocate:
        return "Allocate";
    case Method::refresh:
        return "Refresh";
    case Method::send:
        return "Send";
    case Method::data:
        return "Data";
    case Method::create_permission:
        return "CreatePermission";
    case Method::channel_bind:
        return "ChannelBind";
    case Method::connect:
        return "Connect";
    case Method::connection_bind:
        return "ConnectionBind";
    case Method::connection_attempt:
        return "ConnectionAttempt";
    }
    return "unknown method";
}

std::string_view describe(ParseError error) {
    switch (error) {
    case ParseError::truncated:
        return "truncated";
    case ParseError::not_stun:
        return "not STUN";
    case ParseError::bad_cookie:
        return "bad magic cookie";
    case ParseError::bad_length:
        return "bad length";
    case ParseError::attribute_overrun:
        return "attribute runs past the message";
    case ParseError::too_many_attributes:
        return "too many attributes";
    case ParseError::bad_integrity_size:
        return "integrity attribute of a wrong size";
    case ParseError::misplaced_fingerprint:
        return "misplaced fingerprint";
    case ParseError::bad_fingerprint:
        return "bad fingerprint";
    }
    return "unknown";
}

Result<Message, ParseError> Message::parse(Bytes bytes) {
    if (bytes.size() < header_size) {
        return fail(ParseError::truncated);
    }
    const std::uint16_t type = load_u16(bytes, 0);
    if ((type & 0xc000U) != 0) {
        return fail(ParseError::not_stun);
    }
    if (load_u32(bytes, 4) != magic_cookie) {
        return fail(ParseError::bad_cookie);
    }
    const std::size_t length = load_u16(bytes, 2);
    if (length % 4 != 0 || bytes.size() != header_size + length || bytes.size() > max_message) {
        return fail(ParseError::bad_length);
    }

    Result<Message, ParseError> parsed; // filled in place: a message is half a kilobyte
    Message& message = *parsed;
    message.bytes_ = bytes;
    message.class_ = class_of(type);
    message.method_ = method_of(type);
    std::ranges::copy(bytes.subspan(8, 12), message.transaction_id_.begin());

    std::size_t seen = 0;
    for (std::size_t at = header_size; at < bytes.size();) {
        // What is left is a multiple of four, so a header always fits.
        const std::uint16_t attribute = load_u16(bytes, at);
        const std::uint16_t size = load_u16(bytes, at + 2);
        const std::size_t value = at + 4;
        if (padded(size) > bytes.size() - value) {
            return fail(ParseError::attribute_overrun);
        }
        if (++seen > max_attributes) {
            return fail(ParseError::too_many_attributes);
        }
        const std::size_t next = value + padded(size);
        if (attribute == wire(Attribute::fingerprint)) {
            // "the FINGERPRINT attribute MUST be the last attribute in the message" (RFC 8489 section 14.7)
            if (next != bytes.size() || size != 4) {
                return fail(ParseError::misplaced_fingerprint);
            }
            if ((crypto::crc32(bytes.first(at)) ^ fingerprint_xor) != load_u32(bytes, value)) {
                return fail(ParseError::bad_fingerprint);
            }
            message.has_fingerprint_ = true;
        } else if (attribute == wire(Attribute::message_integrity_sha256)) {
            if (message.integrity_sha256_ == 0) {
                // "at least 16 bytes, at most 32, a multiple of 4" (RFC 8489 section 14.6)
                if (size < 16 || size > 32 || size % 4 != 0) {
                    return fail(ParseError::bad_integrity_size);
                }
                message.integrity_sha256_ = static_cast<std::uint16_t>(at);
                message.integrity_sha256_length_ = size;
            }
        } else if (attribute == wire(Attribute::message_integrity)) {
            if (message.integrity_ == 0 && message.integrity_sha256_ == 0) {
                if (size != 20) {
                    return fail(ParseError::bad_integrity_size);
                }
                message.integrity_ = static_cast<std::uint16_t>(at);
            }
        } else if (message.integrity_ == 0 && message.integrity_sha256_ == 0) {
            message.entries_[message.count_++] = {
                .type = attribute, .offset = static_cast<std::uint16_t>(value), .length = size};
        }
        at = next;
    }
    return parsed;
}

AttributeView Message::attribute(std::size_t index) const {
    const Entry& entry = entries_[index];
    return {.type = entry.type, .value = value_of(entry)};
}

std::optional<Bytes> Message::find(Attribute type) const {
    const auto end = entries_.begin() + count_;
    const auto entry = std::find_if(entries_.begin(), end, [&](const Entry& e) { return e.type == wire(type); });
    if (entry == end) {
        return std::nullopt;
    }
    return value_of(*entry);
}

std::optional<std::string_view> Message::text(Attribute type) const {
    const auto value = find(type);
    return value ? std::optional(as_text(*value)) : std::nullopt;
}

std::optional<std::uint32_t> Message::u32(Attribute type) const {
    const auto value = find(type);
    return value && value->size() == 4 ? std::optional(load_u32(*value, 0)) : std::nullopt;
}

std::optional<net::TransportAddress> Message::xor_address(Attribute type) const {
    const auto value = find(type);
    return value ? xor_address(*value) : std::nullopt;
}

std::optional<net::TransportAddress> Message::xor_address(Bytes value) const {
    // Cookie and transaction id stand in the header as the mask needs them.
    return address_from(value, bytes_.subspan(4, 16));
}

std::optional<std::uint16_t> Message::error_code() const {
    const auto value = find(Attribute::error_code);
    if (!value || value->size() < 4) {
        return std::nullopt;
    }
    const unsigned hundreds = std::to_integer<unsigned>((*value)[2]) & 7U;
    const unsigned rest = std::to_integer<unsigned>((*value)[3]);
    if (hundreds < 3 || hundreds > 6 || rest > 99) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(hundreds * 100 + rest);
}

std::array<std::byte, 4> Message::header_covering(std::size_t offset, std::size_t value_length) const {
    const std::size_t length = offset + 4 + value_length - header_size;
    return {bytes_[0], bytes_[1], static_cast<std::byte>(length >> 8U), static_cast<std::byte>(length & 0xffU)};
}

bool Message::integrity_matches(Bytes key) const {
    if (!has_integrity()) {
        return false;
    }
    const auto header = header_covering(integrity_, 20);
    const auto mac = crypto::hmac_sha1(key, {header, bytes_.subspan(4, integrity_ - std::size_t{4})});
    return crypto::equal(mac, bytes_.subspan(integrity_ + std::size_t{4}, 20));
}

bool Message::integrity_sha256_matches(Bytes key) const {
    if (!has_integrity_sha256()) {
        return false;
    }
    const auto header = header_covering(integrity_sha256_, integrity_sha256_length_);
    const auto mac = crypto::hmac_sha256(key, {header, bytes_.subspan(4, integrity_sha256_ - std::size_t{4})});
    return crypto::equal(std::span(mac).first(integrity_sha256_length_),
                         bytes_.subspan(integrity_sha256_ + std::size_t{4}, integrity_sha256_length_));
}

std::optional<net::TransportAddress> decode_xor_address(Bytes value, const TransactionId& transaction_id) {
    std::array<std::byte, 16> mask{std::byte{0x21}, std::byte{0x12}, std::byte{0xa4}, std::byte{0x42}};
    std::ranges::copy(transaction_id, mask.begin() + 4);
    return address_from(value, mask);
}

std::optional<net::TransportAddress> decode_address(Bytes value) {
    constexpr std::array<std::byte, 16> no_mask{};
    return address_from(value, no_mask);
}

} // namespace fairlead::stun
