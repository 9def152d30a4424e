#pragma once

#include "bytes/bytes.hpp"
#include "result/result.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace fairlead::turn {

enum class FramingError : std::uint8_t {
    not_turn,   ///< neither STUN nor ChannelData begins this way
    too_long,   ///< announces more than the limit
    bad_length, ///< a STUN length that is not a multiple of four
};
[[nodiscard]] std::string_view describe(FramingError error);

/// Cuts a TCP or TLS byte stream into STUN messages and ChannelData (RFC 8656 section 12.5: over streams ChannelData is
/// padded to a multiple of four, the padding not counted in its length field).
///
///     for (;;) {
///         const auto message = framer.next(arrived);
///         if (!message) { close; }
///         if (!*message) { break; }     // all taken, more needed
///         use(**message);
///     }
///
/// A whole message inside `arrived` is handed out where it lies; only pieces are copied. Memory grows with the bytes
/// that have arrived, never with the length announced. After an error the stream is lost: close it, do not go on.
class StreamFramer {
public:
    /// The longest ChannelData that a UDP datagram to a peer can carry, and its header.
    static constexpr std::size_t default_limit = 4 + 65'507;

    explicit StreamFramer(std::size_t limit = default_limit) : limit_(limit) {}

    /// ChannelData is a framing error while nobody can have bound a channel: a driver says false until the connection
    /// has an allocation, and HTTP ("GET " looks like 21 kB of ChannelData) is recognised at its first byte.
    void allow_channel_data(bool allowed) { channel_data_allowed_ = allowed; }

    /// Takes bytes off the front of `arrived`. One whole message (without padding), valid until the next call and as
    /// long as `arrived`'s memory; or nothing, when everything was taken and the message is not complete.
    [[nodiscard]] Result<std::optional<Bytes>, FramingError> next(Bytes& arrived);

    /// A message has begun and not ended: a driver gives it thirty seconds.
    [[nodiscard]] bool mid_message() const { return !delivered_ && !held_.empty(); }
    [[nodiscard]] std::size_t buffered() const { return held_.capacity(); }

private:
    struct Frame {
        std::size_t message; // what is handed out
        std::size_t padded;  // what is taken off the stream
    };
    // Nothing while the first four bytes are not all there.
    [[nodiscard]] Result<std::optional<Frame>, FramingError> frame(Bytes start) const;

    std::size_t limit_;
    std::vector<std::byte> held_;
    bool channel_data_allowed_ = true;
    bool delivered_ = false; // held_ is a message already handed out
};

/// Padding that follows a ChannelData message of `length` application bytes on a stream.
[[nodiscard]] constexpr std::size_t stream_padding(std::size_t length) {
    return (4 - length % 4) % 4;
}

} // namespace fairlead::turn
