#pragma once

#include "random/random.hpp"
#include "websocket/frame.hpp"
#include "websocket/utf8.hpp"

#include <variant>

namespace fairlead::websocket {

/// RFC 6455 section 7.4.1, and the registry of section 11.7.
enum class CloseCode : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    invalid_payload = 1007,
    policy_violation = 1008,
    message_too_big = 1009,
    internal_error = 1011,
    service_restart = 1012,
    try_again_later = 1013,
};
/// Whether the code may stand in a Close frame: 1000-1003, 1007-1014 and 3000-4999. 1004-1006 and 1015 never do.
[[nodiscard]] bool may_be_sent(std::uint16_t code);

/// What the peer did wrong.
enum class Violation : std::uint8_t {
    reserved_bit,
    reserved_opcode,
    not_masked,
    masked, // by a server, to a client
    length_not_minimal,
    length_too_large, // the most significant bit of the 64-bit length
    control_frame_too_long,
    control_frame_fragmented,
    unexpected_continuation,
    interrupted_message, // a new message inside a fragmented one
    invalid_utf8,
    message_too_big,
    too_many_fragments,
    close_payload_too_short, // one byte
    close_code_invalid,
};
inline constexpr std::size_t violation_count = static_cast<std::size_t>(Violation::close_code_invalid) + 1;
[[nodiscard]] std::string_view describe(Violation violation);
/// The code that the Close frame of the answer carries.
[[nodiscard]] CloseCode close_code(Violation violation);

struct Limits {
    /// Of one message, after reassembly. A frame that announces more is refused before its payload.
    std::size_t message = 64 * 1024;
    /// Frames of one message: what a peer can make us do per byte of it.
    std::size_t fragments = 4096;
};

/// A whole message. The bytes are valid until the next push(); of a text message they are valid UTF-8.
struct Message {
    bool is_text = true;
    Bytes payload;
    [[nodiscard]] std::string_view text() const { return as_text(payload); }
};
/// The answer to a ping of ours, or an unsolicited one.
struct PongReceived {
    Bytes payload;
};
/// The peer's Close frame. Code 1005 when it carried none. Nothing is read behind it.
struct CloseReceived {
    std::uint16_t code = 0;
    std::string_view reason;
};
/// The connection has failed (RFC 6455 section 7.1.7). Nothing is read any more.
struct Failed {
    Violation why{};
};
using Event = std::variant<Message, PongReceived, CloseReceived, Failed>;

/// One side of an established WebSocket (RFC 6455 sections 5 to 7), without extensions. The bytes may come in pieces of
/// any size; events do not depend on where they were cut.
///
/// Answers that the protocol makes obligatory (Pong, the echo of Close, the Close of a failure) wait in the connection
/// until write_answers(): at most one Pong, to the most recent Ping (section 5.5.3), so a flood of pings grows nothing.
class Connection {
public:
    /// A client masks with keys from `random`, which must then outlive the connection; a server passes nullptr.
    explicit Connection(Role role, Limits limits = {}, Random* random = nullptr)
        : role_(role), limits_(limits), random_(random) {}

    /// Takes bytes from the front of `input` until something is to be told or nothing is left. The caller stops calling
    /// to stop reading: what it has not passed in has not happened.
    [[nodiscard]] std::optional<Event> push(Bytes& input);

    /// True when write_answers() would write something.
    [[nodiscard]] bool has_answers() const { return pong_due_ || close_due_.has_value(); }
    /// Appends what is due.
    void write_answers(std::string& out);

    /// Append one message or control frame. Nothing is written once a Close has been (section 5.5.1); false then.
    /// `text` must be valid UTF-8: what goes in here is ours. Payloads of control frames are cut to 125 bytes.
    bool write_text(std::string_view text, std::string& out) { return write_frame(Opcode::text, as_bytes(text), out); }
    bool write_binary(Bytes data, std::string& out) { return write_frame(Opcode::binary, data, out); }
    bool write_ping(Bytes payload, std::string& out) { return write_frame(Opcode::ping, payload, out); }
    /// `reason` is cut to 123 bytes, not inside a character. Code 1005 writes a Close frame without payload.
    bool write_close(std::uint16_t code, std::string_view reason, std::string& out);
    bool write_close(CloseCode code, std::string_view reason, std::string& out) {
        return write_close(static_cast<std::uint16_t>(code), reason, out);
    }

    /// A Close frame has been written.
    [[nodiscard]] bool is_close_sent() const { return close_sent_; }
    /// A Close frame has been read, or the peer has broken the protocol.
    [[nodiscard]] bool is_input_over() const { return input_over_; }

private:
    struct DueClose {
        std::uint16_t code;
        std::string reason;
    };

    std::optional<Event> begin_frame();
    std::optional<Event> take_payload(Bytes& input);
    std::optional<Event> end_frame();
    Event end_close(Bytes payload);
    Event fail(Violation why);
    bool write_frame(Opcode opcode, Bytes payload, std::string& out);

    Role role_;
    Limits limits_;
    Random* random_;

    FrameHeaderReader header_;
    bool in_payload_ = false;
    std::uint64_t taken_ = 0; // payload bytes of this frame that have been read

    std::string message_; // data frames so far; one growing buffer
    std::size_t fragments_ = 0;
    bool in_message_ = false;
    bool message_is_text_ = true;
    bool message_delivered_ = false;
    Utf8Validator utf8_;

    std::array<std::byte, control_payload_limit> control_{};
    std::array<std::byte, control_payload_limit> pong_{};
    std::uint8_t pong_size_ = 0;
    bool pong_due_ = false;
    std::optional<DueClose> close_due_;
    bool close_sent_ = false;
    bool input_over_ = false;
};

} // namespace fairlead::websocket
