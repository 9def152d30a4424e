#pragma once

#include "bytes/bytes.hpp"

#include <array>
#include <optional>
#include <string>

namespace fairlead::websocket {

/// RFC 6455 section 5.2. A server reads masked frames and writes unmasked ones, a client the other way round.
enum class Role : std::uint8_t { server, client };

enum class Opcode : std::uint8_t { continuation = 0x0, text = 0x1, binary = 0x2, close = 0x8, ping = 0x9, pong = 0xa };
[[nodiscard]] constexpr bool is_control(Opcode opcode) {
    return (static_cast<unsigned>(opcode) & 0x8U) != 0;
}

/// "All control frames MUST have a payload length of 125 bytes or less" (RFC 6455 section 5.5).
inline constexpr std::size_t control_payload_limit = 125;

using MaskingKey = std::array<std::byte, 4>;

///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-------+-+-------------+-------------------------------+
///     |F|R|R|R| opcode|M| Payload len |  16 or 64 bits of length for  |
///     |I|S|S|S|  (4)  |A|     (7)     |   the values 126 and 127      |
///     |N|V|V|V|       |S|             |                               |
///     | |1|2|3|       |K|             |  then the 32 bits of the mask |
///     +-+-+-+-+-------+-+-------------+-------------------------------+
struct FrameHeader {
    bool fin = true;
    Opcode opcode = Opcode::text;
    std::uint64_t length = 0;
    std::optional<MaskingKey> mask;
};

enum class FrameError : std::uint8_t { reserved_bit, reserved_opcode, length_not_minimal, length_too_large };

/// Reads the header of one frame byte by byte; the byte that makes it impossible is the one that is refused.
class FrameHeaderReader {
public:
    enum class Step : std::uint8_t { more, complete, faulty };
    [[nodiscard]] Step push(std::byte byte);

    [[nodiscard]] const FrameHeader& header() const { return header_; }
    [[nodiscard]] FrameError error() const { return error_; }
    void reset() { *this = FrameHeaderReader{}; }

private:
    Step fail(FrameError why) {
        error_ = why;
        return Step::faulty;
    }
    FrameHeader header_;
    MaskingKey key_{};
    std::uint8_t read_ = 0;
    std::uint8_t length_bytes_ = 0; // that follow the second byte: 0, 2 or 8
    bool masked_ = false;
    FrameError error_{};
};

/// Appends a frame header, with the shortest form of the length.
void write(const FrameHeader& header, std::string& out);

/// XORs `data` with the key, `offset` being the position of its first byte in the frame (RFC 6455 section 5.3).
void apply_mask(const MaskingKey& key, std::size_t offset, MutableBytes data);

} // namespace fairlead::websocket
