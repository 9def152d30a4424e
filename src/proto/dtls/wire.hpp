#pragma once

#include "bytes/bytes.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace fairlead::dtls {

// RFC 6347 section 4.1, a record:      type(1) version(2) epoch(2) sequence(6) length(2) fragment
// RFC 6347 section 4.2.2, a handshake: type(1) length(3) message_seq(2) fragment_offset(3) fragment_length(3) body
inline constexpr std::size_t record_header_size = 13;
inline constexpr std::size_t handshake_header_size = 12;
inline constexpr std::uint8_t content_handshake = 22;
inline constexpr std::uint8_t handshake_client_hello = 1;
inline constexpr std::uint8_t handshake_hello_verify_request = 3;
inline constexpr std::uint16_t version_dtls_1_0 = 0xfeff;

/// The beginning of a ClientHello, as its first (or only) fragment carries it. Views into the datagram.
struct ClientHelloStart {
    Bytes record_sequence; // the six bytes of the record's sequence number
    Bytes random;          // 32 bytes
    Bytes cookie;          // empty in a first hello
    std::uint16_t message_sequence = 0;
    std::size_t length = 0;          // of the whole message, without handshake header
    std::size_t fragment_length = 0; // what of it this datagram carries
};

/// Nothing unless the datagram begins with an unencrypted handshake record that holds the first fragment of a
/// ClientHello.
[[nodiscard]] std::optional<ClientHelloStart> parse_client_hello_start(Bytes datagram);

/// Puts a ClientHello that came in fragments together into one record, as OpenSSL's listener wants it. The handshake
/// hash of RFC 6347 section 4.2.6 is computed "as if each handshake message had been sent as a single fragment", so
/// both ends still agree. Made only for a source whose cookie has been verified.
class HelloAssembler {
public:
    enum class Progress : std::uint8_t { incomplete, complete, refused };

    /// Takes one datagram; records in it that are not fragments of this hello are passed over.
    [[nodiscard]] Progress add(Bytes datagram);

    /// The hello as one record, once complete. Valid as long as this object.
    [[nodiscard]] Bytes record() const { return record_; }

private:
    // A hello with post-quantum key shares has about 1,500 bytes; four times that is nobody's.
    static constexpr std::size_t max_hello = 6144;

    std::vector<std::byte> record_; // record header, handshake header, body
    std::vector<bool> have_;        // one per byte of the body
    std::size_t missing_ = 0;
    std::uint16_t message_sequence_ = 0;
};

} // namespace fairlead::dtls
