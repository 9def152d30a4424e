#include "websocket/connection.hpp"

#include "bytes/reader.hpp"

#include <algorithm>

namespace fairlead::websocket {
namespace {

constexpr std::uint16_t no_code = 1005; // "MUST NOT be set as a status code in a Close control frame"

/// What a connection keeps of its message buffer between two messages: an idle one should cost little.
constexpr std::size_t kept_capacity = 4096;

Violation violation_of(FrameError error) {
    switch (error) {
    case FrameError::reserved_bit:
        return Violation::reserved_bit;
    case FrameError::reserved_opcode:
        return Violation::reserved_opcode;
    case FrameError::length_not_minimal:
        return Violation::length_not_minimal;
    case FrameError::length_too_large:
        break;
    }
    return Violation::length_too_large;
}

MutableBytes tail_of(std::string& text, std::size_t from) {
    return std::as_writable_bytes(std::span(text)).subspan(from);
}

/// At most `limit` bytes of valid UTF-8, without half a character at the end.
std::string_view cut(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U) {
        --limit;
    }
    return text.substr(0, limit);
}

} // namespace

bool may_be_sent(std::uint16_t code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

std::string_view describe(Violation violation) {
    switch (violation) {
    case Violation::reserved_bit:
        return "reserved bit set";
    case Violation::reserved_opcode:
        return "reserved opcode";
    case Violation::not_masked:
        return "frame not masked";
    case Violation::masked:
        return "frame masked";
    case Violation::length_not_minimal:
        return "length not in its shortest form";
    case Violation::length_too_large:
        return "length of 2^63 or more";
    case Violation::control_frame_too_long:
        return "control frame too long";
    case Violation::control_frame_fragmented:
        return "control frame fragmented";
    case Violation::unexpected_continuation:
        return "continuation of nothing";
    case Violation::interrupted_message:
        return "new message inside a fragmented one";
    case Violation::invalid_utf8:
        return "invalid UTF-8";
    case Violation::message_too_big:
        return "message too big";
    case Violation::too_many_fragments:
        return "too many fragments";
    case Violation::close_payload_too_short:
        return "close code cut short";
    case Violation::close_code_invalid:
        return "invalid close code";
    }
    return "unknown";
}

CloseCode close_code(Violation violation) {
    switch (violation) {
    case Violation::invalid_utf8:
        return CloseCode::invalid_payload;
    case Violation::message_too_big:
        return CloseCode::message_too_big;
    case Violation::too_many_fragments:
        return CloseCode::policy_violation;
    case Violation::reserved_bit:
    case Violation::reserved_opcode:
    case Violation::not_masked:
    case Violation::masked:
    case Violation::length_not_minimal:
    case Violation::length_too_large:
    case Violation::control_frame_too_long:
    case Violation::control_frame_fragmented:
    case Violation::unexpected_continuation:
    case Violation::interrupted_message:
    case Violation::close_payload_too_short:
    case Violation::close_code_invalid:
        break;
    }
    return CloseCode::protocol_error;
}

std::optional<Event> Connection::push(Bytes& input) {
    if (message_delivered_) {
        message_delivered_ = false;
        if (message_.capacity() > kept_capacity) {
            message_ = std::string();
        }
        message_.clear();
    }
    while (!input_over_) {
        std::optional<Event> event;
        if (in_payload_) {
            event = taken_ == header_.header().length ? end_frame() : take_payload(input);
        } else if (!input.empty()) {
            const auto step = header_.push(input.front());
            input = input.subspan(1);
            if (step == FrameHeaderReader::Step::faulty) {
                event = fail(violation_of(header_.error()));
            } else if (step == FrameHeaderReader::Step::complete) {
                event = begin_frame();
            }
        }
        const bool is_waiting = input.empty() && !(in_payload_ && taken_ == header_.header().length);
        if (event || is_waiting) {
            return event;
        }
    }
    input = {};
    return std::nullopt;
}

std::optional<Event> Connection::begin_frame() {
    const FrameHeader& frame = header_.header();
    if (frame.mask.has_value() != (role_ == Role::server)) {
        return fail(role_ == Role::server ? Violation::not_masked : Violation::masked);
    }
    if (is_control(frame.opcode)) {
        if (!frame.fin) {
            return fail(Violation::control_frame_fragmented);
        }
        if (frame.length > control_payload_limit) {
            return fail(Violation::control_frame_too_long);
        }
    } else {
        if (frame.opcode == Opcode::continuation && !in_message_) {
            return fail(Violation::unexpected_continuation);
        }
        if (frame.opcode != Opcode::continuation && in_message_) {
            return fail(Violation::interrupted_message);
        }
        if (frame.length > limits_.message - std::min(limits_.message, message_.size())) {
            return fail(Violation::message_too_big);
        }
        if (++fragments_ > limits_.fragments) {
            return fail(Violation::too_many_fragments);
        }
        if (!in_message_) {
            in_message_ = true;
            message_is_text_ = frame.opcode == Opcode::text;
        }
    }
    in_payload_ = true;
    taken_ = 0;
    return std::nullopt;
}

std::optional<Event> Connection::take_payload(Bytes& input) {
    const FrameHeader& frame = header_.header();
    const auto offset = static_cast<std::size_t>(taken_);
    const Bytes piece =
        input.first(static_cast<std::size_t>(std::min<std::uint64_t>(frame.length - taken_, input.size())));
    input = input.subspan(piece.size());
    taken_ += piece.size();
    MutableBytes stored;
    if (is_control(frame.opcode)) {
        stored = MutableBytes(control_).subspan(offset, piece.size());
        std::ranges::copy(piece, stored.begin());
    } else {
        const std::size_t before = message_.size();
        message_.append(as_text(piece));
        stored = tail_of(message_, before);
    }
    if (frame.mask) {
        apply_mask(*frame.mask, offset, stored);
    }
    if (!is_control(frame.opcode) && message_is_text_ && !utf8_.push(stored)) {
        return fail(Violation::invalid_utf8);
    }
    return std::nullopt;
}

std::optional<Event> Connection::end_frame() {
    const FrameHeader frame = header_.header();
    header_.reset();
    in_payload_ = false;
    const Bytes control = Bytes(control_).first(std::min(static_cast<std::size_t>(frame.length), control_.size()));
    switch (frame.opcode) {
    case Opcode::close:
        return end_close(control);
    case Opcode::ping:
        std::ranges::copy(control, pong_.begin());
        pong_size_ = static_cast<std::uint8_t>(control.size());
        pong_due_ = !close_sent_;
        return std::nullopt;
    case Opcode::pong:
        return PongReceived{control};
    case Opcode::continuation:
    case Opcode::text:
    case Opcode::binary:
        break;
    }
    if (!frame.fin) {
        return std::nullopt;
    }
    if (message_is_text_ && !utf8_.is_complete()) {
        return fail(Violation::invalid_utf8);
    }
    in_message_ = false;
    fragments_ = 0;
    utf8_.reset();
    message_delivered_ = true;
    if (close_sent_) { // what crosses our Close on its way is not for anybody any more
        message_.clear();
        return std::nullopt;
    }
    return Message{message_is_text_, as_bytes(message_)};
}

Event Connection::end_close(Bytes payload) {
    bytes::Reader reader(payload);
    std::uint16_t code = no_code;
    if (!payload.empty()) {
        const auto sent = reader.u16();
        if (!sent) {
            return fail(Violation::close_payload_too_short);
        }
        if (!may_be_sent(*sent)) {
            return fail(Violation::close_code_invalid);
        }
        code = *sent;
    }
    Utf8Validator reason;
    if (!reason.push(reader.rest()) || !reason.is_complete()) {
        return fail(Violation::invalid_utf8);
    }
    input_over_ = true;
    if (!close_sent_) {
        close_due_ = DueClose{code, {}};
    }
    return CloseReceived{code, as_text(reader.rest())};
}

Event Connection::fail(Violation why) {
    input_over_ = true;
    message_ = std::string();
    if (!close_sent_) {
        close_due_ = DueClose{static_cast<std::uint16_t>(close_code(why)), std::string(describe(why))};
    }
    return Failed{why};
}

void Connection::write_answers(std::string& out) {
    if (pong_due_) {
        pong_due_ = false;
        write_frame(Opcode::pong, Bytes(pong_).first(pong_size_), out);
    }
    if (close_due_) {
        const DueClose due = *close_due_;
        write_close(due.code, due.reason, out);
    }
}

bool Connection::write_close(std::uint16_t code, std::string_view reason, std::string& out) {
    std::string payload;
    if (may_be_sent(code)) {
        payload += static_cast<char>(static_cast<unsigned char>(code >> 8U));
        payload += static_cast<char>(static_cast<unsigned char>(code & 0xffU));
        payload.append(cut(reason, control_payload_limit - 2));
    }
    const bool written = write_frame(Opcode::close, as_bytes(payload), out);
    close_sent_ = true;
    close_due_.reset();
    return written;
}

bool Connection::write_frame(Opcode opcode, Bytes payload, std::string& out) {
    if (close_sent_) {
        return false;
    }
    if (is_control(opcode)) {
        payload = payload.first(std::min(payload.size(), control_payload_limit));
    }
    FrameHeader header{.fin = true, .opcode = opcode, .length = payload.size(), .mask = {}};
    if (role_ == Role::client) {
        // "The masking key needs to be unpredictable" (RFC 6455 section 5.3).
        random_->fill(header.mask.emplace());
    }
    write(header, out);
    const std::size_t start = out.size();
    out.append(as_text(payload));
    if (header.mask) {
        apply_mask(*header.mask, 0, tail_of(out, start));
    }
    return true;
}

} // namespace fairlead::websocket
