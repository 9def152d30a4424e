#pragma once

#include "bytes/writer.hpp"
#include "stun/message.hpp"

namespace fairlead::stun {

/// Writes one STUN message into room the caller owns. A write that does not fit makes finish() return 0; nothing is
/// ever written outside the room. Attributes come in call order; integrity after everything it must cover, fingerprint
/// last. Padding is zero.
class Writer {
public:
    Writer(MutableBytes room, Class message_class, Method method, const TransactionId& transaction_id);

    void put(Attribute type, Bytes value);
    void put(Attribute type, std::string_view text) { put(type, as_bytes(text)); }
    void u32(Attribute type, std::uint32_t value);
    /// RFC 8489 section 14.2; also XOR-PEER-ADDRESS and XOR-RELAYED-ADDRESS.
    void xor_address(Attribute type, const net::TransportAddress& address);
    /// MAPPED-ADDRESS, ALTERNATE-SERVER.
    void address(Attribute type, const net::TransportAddress& address);
    /// ERROR-CODE (RFC 8489 section 14.8). An empty reason keeps the answer small.
    void error(ErrorCode code, std::string_view reason = {});
    /// ADDRESS-ERROR-CODE (RFC 8656 section 18.9).
    void address_error(net::Family family, ErrorCode code, std::string_view reason = {});
    void unknown_attributes(std::span<const std::uint16_t> types);

    /// MESSAGE-INTEGRITY: HMAC-SHA1 over the message so far.
    void integrity(Bytes key);
    /// MESSAGE-INTEGRITY-SHA256, untruncated.
    void integrity_sha256(Bytes key);
    /// FINGERPRINT. Nothing may follow.
    void fingerprint();

    /// Size so far.
    [[nodiscard]] std::size_t size() const { return out_.size(); }
    /// The message's size, or 0 when it did not fit.
    [[nodiscard]] std::size_t finish();
    /// Ends with the head of an attribute whose `length` bytes and their padding follow elsewhere (application data
    /// that is not copied). The size up to there, or 0 when it did not fit.
    [[nodiscard]] std::size_t finish_before(Attribute type, std::size_t length);

private:
    void put_address(Attribute type, const net::TransportAddress& address, Bytes mask);
    void begin(Attribute type, std::size_t length);
    void pad(std::size_t length);
    // Sets the header's length to what it will be once `more` bytes have been added.
    void set_length(std::size_t more);

    bytes::Writer out_;
    TransactionId transaction_id_;
    bool fits_ = true;
};

} // namespace fairlead::stun
