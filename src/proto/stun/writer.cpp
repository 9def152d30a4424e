#include "stun/writer.hpp"

#include "crypto/crc32.hpp"
#include "crypto/hmac.hpp"

namespace fairlead::stun {

namespace {

constexpr std::uint16_t type_of(Class message_class, Method method) {
    const auto m = static_cast<unsigned>(method);
    const auto c = static_cast<unsigned>(message_class);
    return static_cast<std::uint16_t>(((m & 0xf80U) << 2U) | ((c & 2U) << 7U) | ((m & 0x070U) << 1U) |
                                      ((c & 1U) << 4U) | (m & 0x00fU));
}

} // namespace

Writer::Writer(MutableBytes room, Class message_class, Method method, const TransactionId& transaction_id)
    : out_(room), transaction_id_(transaction_id) {
    out_.u16(type_of(message_class, method));
    out_.u16(0);
    out_.u32(magic_cookie);
    out_.put(transaction_id);
}

void Writer::begin(Attribute type, std::size_t length) {
    out_.u16(static_cast<std::uint16_t>(type));
    out_.u16(static_cast<std::uint16_t>(length));
}

void Writer::pad(std::size_t length) {
    out_.zeros((4 - length % 4) % 4);
}

void Writer::put(Attribute type, Bytes value) {
    if (value.size() > 0xffff) {
        fits_ = false;
        return;
    }
    begin(type, value.size());
    out_.put(value);
    pad(value.size());
}

void Writer::u32(Attribute type, std::uint32_t value) {
    begin(type, 4);
    out_.u32(value);
}

void Writer::put_address(Attribute type, const net::TransportAddress& address, Bytes mask) {
    const auto bytes = address.address.bytes();
    begin(type, 4 + bytes.size());
    out_.u8(0);
    out_.u8(static_cast<std::uint8_t>(address.family()));
    out_.u8(static_cast<std::uint8_t>((address.port >> 8U) ^ std::to_integer<unsigned>(mask[0])));
    out_.u8(static_cast<std::uint8_t>((address.port & 0xffU) ^ std::to_integer<unsigned>(mask[1])));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        out_.u8(static_cast<std::uint8_t>(bytes[i] ^ std::to_integer<std::uint8_t>(mask[i])));
    }
}

void Writer::xor_address(Attribute type, const net::TransportAddress& address) {
    std::array<std::byte, 16> mask{std::byte{0x21}, std::byte{0x12}, std::byte{0xa4}, std::byte{0x42}};
    std::ranges::copy(transaction_id_, mask.begin() + 4);
    put_address(type, address, mask);
}

void Writer::address(Attribute type, const net::TransportAddress& address) {
    constexpr std::array<std::byte, 16> no_mask{};
    put_address(type, address, no_mask);
}

void Writer::error(ErrorCode code, std::string_view reason) {
    begin(Attribute::error_code, 4 + reason.size());
    out_.u16(0);
    out_.u8(static_cast<std::uint8_t>(static_cast<unsigned>(code) / 100));
    out_.u8(static_cast<std::uint8_t>(static_cast<unsigned>(code) % 100));
    out_.put(as_bytes(reason));
    pad(reason.size());
}

void Writer::address_error(net::Family family, ErrorCode code, std::string_view reason) {
    begin(Attribute::address_error_code, 4 + reason.size());
    out_.u8(static_cast<std::uint8_t>(family));
    out_.u8(0);
    out_.u8(static_cast<std::uint8_t>(static_cast<unsigned>(code) / 100));
    out_.u8(static_cast<std::uint8_t>(static_cast<unsigned>(code) % 100));
    out_.put(as_bytes(reason));
    pad(reason.size());
}

void Writer::unknown_attributes(std::span<const std::uint16_t> types) {
    begin(Attribute::unknown_attributes, 2 * types.size());
    for (const std::uint16_t type : types) {
        out_.u16(type);
    }
    pad(2 * types.size());
}

void Writer::set_length(std::size_t more) {
    const std::size_t length = out_.size() + more - header_size;
    if (!out_.ok() || length > 0xffff) {
        fits_ = false;
        return;
    }
    out_.patch_u16(2, static_cast<std::uint16_t>(length));
}

void Writer::integrity(Bytes key) {
    set_length(24);
    if (fits_) {
        put(Attribute::message_integrity, crypto::hmac_sha1(key, {out_.written()}));
    }
}

void Writer::integrity_sha256(Bytes key) {
    set_length(36);
    if (fits_) {
        put(Attribute::message_integrity_sha256, crypto::hmac_sha256(key, {out_.written()}));
    }
}

void Writer::fingerprint() {
    set_length(8);
    if (fits_) {
        u32(Attribute::fingerprint, crypto::crc32(out_.written()) ^ fingerprint_xor);
    }
}

std::size_t Writer::finish_before(Attribute type, std::size_t length) {
    begin(type, length);
    set_length((length + 3) & ~std::size_t{3});
    return fits_ && out_.ok() ? out_.size() : 0;
}

std::size_t Writer::finish() {
    set_length(0);
    return fits_ && out_.ok() ? out_.size() : 0;
}

} // namespace fairlead::stun
