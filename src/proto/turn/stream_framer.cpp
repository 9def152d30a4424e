#include "turn/stream_framer.hpp"

#include "bytes/reader.hpp"
#include "demux/first_byte.hpp"
#include "stun/message.hpp"
#include "turn/channel_data.hpp"

#include <algorithm>

namespace fairlead::turn {

namespace {
constexpr std::size_t prefix_size = 4; // enough to know the length of either kind
constexpr std::size_t idle_capacity = 2'048;
} // namespace

std::string_view describe(FramingError error) {
    switch (error) {
    case FramingError::not_turn:
        return "neither STUN nor ChannelData";
    case FramingError::too_long:
        return "too long";
    case FramingError::bad_length:
        return "bad length";
    }
    return "unknown";
}

Result<std::optional<StreamFramer::Frame>, FramingError> StreamFramer::frame(Bytes start) const {
    if (start.empty()) {
        return std::nullopt;
    }
    // The first byte decides alone, so that a stranger's protocol is not waited for.
    const auto first = std::to_integer<unsigned>(start[0]);
    const bool stun = demux::classify(start[0]) == demux::Kind::stun;
    const bool channel = first >= 0x40 && first <= 0x7f && channel_data_allowed_;
    if (!stun && !channel) {
        return fail(FramingError::not_turn);
    }
    if (start.size() < prefix_size) {
        return std::nullopt;
    }
    const std::size_t length = bytes::load_u16(start, 2);
    if (stun && length % 4 != 0) {
        return fail(FramingError::bad_length);
    }
    const std::size_t message = (stun ? stun::header_size : ChannelData::header_size) + length;
    if (message > limit_) {
        return fail(FramingError::too_long);
    }
    return Frame{.message = message, .padded = message + stream_padding(message)};
}

Result<std::optional<Bytes>, FramingError> StreamFramer::next(Bytes& arrived) {
    if (delivered_) {
        delivered_ = false;
        held_.clear();
        if (held_.capacity() > idle_capacity) {
            std::vector<std::byte>().swap(held_); // assigning {} would keep the capacity
        }
    }
    if (held_.empty()) {
        const auto whole = frame(arrived);
        if (!whole) {
            return fail(whole.error());
        }
        if (*whole && arrived.size() >= (*whole)->padded) {
            const Bytes message = arrived.first((*whole)->message);
            arrived = arrived.subspan((*whole)->padded);
            return message;
        }
    }
    // A message in pieces: first enough of it to know its length, then the rest.
    for (;;) {
        const auto announced = frame(held_);
        if (!announced) {
            return fail(announced.error());
        }
        const std::size_t wanted = *announced ? (*announced)->padded : prefix_size;
        const Bytes piece = arrived.first(std::min(wanted - held_.size(), arrived.size()));
        held_.insert(held_.end(), piece.begin(), piece.end());
        arrived = arrived.subspan(piece.size());
        if (held_.size() < wanted) {
            return std::nullopt;
        }
        if (*announced) {
            delivered_ = true;
            return Bytes(held_).first((*announced)->message);
        }
    }
}

} // namespace fairlead::turn
