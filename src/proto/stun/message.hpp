#pragma once

#include "bytes/bytes.hpp"
#include "net/address.hpp"
#include "result/result.hpp"
#include "stun/attribute.hpp"
#include "stun/error_code.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fairlead::stun {

/// RFC 8489 section 5: the two bits C1 C0.
enum class Class : std::uint8_t { request = 0, indication = 1, success = 2, error = 3 };

/// IANA registry "STUN Methods". A parsed message may carry any other 12-bit value.
enum class Method : std::uint16_t {
    binding = 0x001,
    allocate = 0x003,
    refresh = 0x004,
    send = 0x006,
    data = 0x007,
    create_permission = 0x008,
    channel_bind = 0x009,
    connect = 0x00a,
    connection_bind = 0x00b,
    connection_attempt = 0x00c,
};
/// "Allocate", "CreatePermission", …; "unknown method" for others.
[[nodiscard]] std::string_view describe(Method method);

inline constexpr std::size_t header_size = 20;
inline constexpr std::uint32_t magic_cookie = 0x2112a442;
/// FINGERPRINT = CRC-32 xor this (RFC 8489 section 14.7), so that it differs from a CRC that another protocol may
/// carry.
inline constexpr std::uint32_t fingerprint_xor = 0x5354554e;
/// Longer messages are refused; none fits a datagram.
inline constexpr std::size_t max_message = 65'535;
/// Messages with more attributes are refused: no message of any known extension comes near.
inline constexpr std::size_t max_attributes = 64;

using TransactionId = std::array<std::byte, 12>;

enum class ParseError : std::uint8_t {
    truncated,             ///< shorter than a header
    not_stun,              ///< one of the two leading bits is set
    bad_cookie,            ///< RFC 3489, or something else altogether
    bad_length,            ///< header length not a multiple of four, not what arrived, or over max_message
    attribute_overrun,     ///< an attribute that runs past the message
    too_many_attributes,   ///< more than max_attributes
    bad_integrity_size,    ///< MESSAGE-INTEGRITY not 20 bytes; -SHA256 not 16 to 32 in steps of four
    misplaced_fingerprint, ///< FINGERPRINT not last, or not four bytes
    bad_fingerprint,       ///< the CRC does not match
};
[[nodiscard]] std::string_view describe(ParseError error);

/// One attribute of a message; the value without its padding.
struct AttributeView {
    std::uint16_t type = 0;
    Bytes value;
    [[nodiscard]] bool is(Attribute attribute) const { return type == static_cast<std::uint16_t>(attribute); }
};

/// A view of one STUN message (RFC 8489 section 5). It refers to the bytes that it was parsed from: valid as long as
/// they are.
///
///     0                   1                   2                   3
///    |0 0|     STUN Message Type     |         Message Length        |
///    |                         Magic Cookie                          |
///    |                     Transaction ID (96 bits)                  |
///
/// Only attributes that the integrity check can cover are visible: everything after MESSAGE-INTEGRITY(-SHA256) is
/// ignored, except the other integrity attribute and FINGERPRINT (sections 14.5, 14.6), which have accessors of their
/// own. A FINGERPRINT has been checked when parse() succeeds.
class Message {
public:
    /// `bytes` is exactly one message. O(n), no allocation.
    [[nodiscard]] static Result<Message, ParseError> parse(Bytes bytes);

    [[nodiscard]] Class message_class() const { return class_; }
    [[nodiscard]] Method method() const { return method_; }
    [[nodiscard]] bool is(Class c, Method m) const { return class_ == c && method_ == m; }
    [[nodiscard]] const TransactionId& transaction_id() const { return transaction_id_; }
    /// The whole message, header included.
    [[nodiscard]] Bytes bytes() const { return bytes_; }

    /// Visible attributes in wire order.
    [[nodiscard]] std::size_t attribute_count() const { return count_; }
    [[nodiscard]] AttributeView attribute(std::size_t index) const;
    /// True for a bare header (an attribute after the integrity also counts as one).
    [[nodiscard]] bool empty() const { return bytes_.size() == header_size; }

    /// The first of its type: "any others can be ignored" (RFC 8489 section 14). For XOR-PEER-ADDRESS in
    /// CreatePermission, which may repeat, walk attribute().
    [[nodiscard]] std::optional<Bytes> find(Attribute type) const;
    [[nodiscard]] bool has(Attribute type) const { return find(type).has_value(); }
    [[nodiscard]] std::optional<std::string_view> text(Attribute type) const;
    /// Nothing when absent *or* not four bytes long; where the difference matters look at find().
    [[nodiscard]] std::optional<std::uint32_t> u32(Attribute type) const;
    /// XOR-MAPPED-ADDRESS and its kin. Nothing when absent or malformed.
    [[nodiscard]] std::optional<net::TransportAddress> xor_address(Attribute type) const;
    /// Decodes the value of one XOR'd address attribute of this message.
    [[nodiscard]] std::optional<net::TransportAddress> xor_address(Bytes value) const;
    /// The number of ERROR-CODE, 300 to 699; nothing when absent or malformed.
    [[nodiscard]] std::optional<std::uint16_t> error_code() const;

    [[nodiscard]] bool has_fingerprint() const { return has_fingerprint_; }
    [[nodiscard]] bool has_integrity() const { return integrity_ != 0; }
    [[nodiscard]] bool has_integrity_sha256() const { return integrity_sha256_ != 0; }
    /// Constant time in the value; false when the attribute is absent.
    [[nodiscard]] bool integrity_matches(Bytes key) const;
    [[nodiscard]] bool integrity_sha256_matches(Bytes key) const;

private:
    struct Entry {
        std::uint16_t type;
        std::uint16_t offset; // of the value, within the message
        std::uint16_t length;
    };

    [[nodiscard]] Bytes value_of(const Entry& entry) const { return bytes_.subspan(entry.offset, entry.length); }
    // The header with the length that covers up to and including an integrity attribute of `value_length` at `offset`.
    [[nodiscard]] std::array<std::byte, 4> header_covering(std::size_t offset, std::size_t value_length) const;

    Bytes bytes_;
    TransactionId transaction_id_{};
    Class class_ = Class::request;
    Method method_ = Method::binding;
    bool has_fingerprint_ = false;
    std::uint8_t count_ = 0;
    std::uint16_t integrity_ = 0; // offset of the attribute's header; 0 = none
    std::uint16_t integrity_sha256_ = 0;
    std::uint16_t integrity_sha256_length_ = 0;
    std::array<Entry, max_attributes> entries_; // the first count_ are set
};

/// Decodes an XOR'd address (RFC 8489 section 14.2): family, port and address mixed with cookie and transaction id.
[[nodiscard]] std::optional<net::TransportAddress> decode_xor_address(Bytes value, const TransactionId& transaction_id);
/// Decodes MAPPED-ADDRESS, ALTERNATE-SERVER (RFC 8489 sections 14.1, 14.15).
[[nodiscard]] std::optional<net::TransportAddress> decode_address(Bytes value);

} // namespace fairlead::stun
