#include "turn/stream_framer.hpp"

#include "turn/fakes.hpp"

#include <gtest/gtest.h>

namespace fairlead::turn {
namespace {

using fakes::Crafted;
using Messages = std::vector<std::vector<std::byte>>;

// Feeds `stream` in pieces of `piece` bytes.
std::optional<FramingError> feed(StreamFramer& framer, Bytes stream, std::size_t piece, Messages& messages) {
    while (!stream.empty()) {
        Bytes arrived = stream.first(std::min(piece, stream.size()));
        stream = stream.subspan(arrived.size());
        for (;;) {
            const auto message = framer.next(arrived);
            if (!message) {
                return message.error();
            }
            if (!*message) {
                break;
            }
            messages.emplace_back((*message)->begin(), (*message)->end());
        }
        EXPECT_TRUE(arrived.empty());
    }
    return std::nullopt;
}

std::vector<std::byte> channel_data(std::uint16_t length, bool padded) {
    std::vector<std::byte> bytes(4 + length + (padded ? stream_padding(length) : 0));
    bytes::Writer out(bytes);
    out.u16(0x4000);
    out.u16(length);
    return bytes;
}

TEST(StreamFramer, GivesTheSameMessagesForEverySplit) {
    std::vector<std::byte> stream;
    Messages wanted;
    const auto add = [&](const std::vector<std::byte>& on_wire, std::vector<std::byte> message) {
        stream.insert(stream.end(), on_wire.begin(), on_wire.end());
        wanted.push_back(std::move(message));
    };
    const auto binding = Crafted(stun::Class::request, stun::Method::binding).bytes();
    const auto longer =
        Crafted(stun::Class::request, stun::Method::allocate).put(stun::Attribute::software, "abcdefg").bytes();
    add(binding, binding);
    add(channel_data(0, true), channel_data(0, false));
    add(channel_data(5, true), channel_data(5, false));
    add(longer, longer);
    add(channel_data(1201, true), channel_data(1201, false));
    add(channel_data(8, true), channel_data(8, false));
    add(binding, binding);
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        StreamFramer framer;
        Messages messages;
        ASSERT_EQ(feed(framer, stream, piece, messages), std::nullopt) << piece;
        ASSERT_EQ(messages, wanted) << piece;
        EXPECT_FALSE(framer.mid_message());
    }
}

TEST(StreamFramer, ForeignProtocolsEndTheStream) {
    for (const std::string_view text : {"\x16\x03\x01", "\xff", "\x05", "SSH-2.0"}) {
        StreamFramer framer;
        Messages messages;
        // "SSH-" reads as ChannelData of the old range; it is refused once that is not allowed.
        framer.allow_channel_data(false);
        EXPECT_EQ(feed(framer, as_bytes(text), 1, messages), FramingError::not_turn);
    }
    StreamFramer framer;
    framer.allow_channel_data(false);
    Messages messages;
    EXPECT_EQ(feed(framer, as_bytes("GET / HTTP/1.1\r\n"), 16, messages), FramingError::not_turn);
}

TEST(StreamFramer, LengthsAreChecked) {
    StreamFramer odd;
    Messages messages;
    const std::array bad{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{3}};
    EXPECT_EQ(feed(odd, bad, 4, messages), FramingError::bad_length);
    StreamFramer small(1'000);
    EXPECT_EQ(feed(small, channel_data(1'001, true), 1, messages), FramingError::too_long);
}

TEST(StreamFramer, BuffersWhatArrivesNotWhatIsAnnounced) {
    StreamFramer framer;
    Messages messages;
    const std::array head{std::byte{0x40}, std::byte{0}, std::byte{0xff}, std::byte{0}};
    EXPECT_EQ(feed(framer, head, 4, messages), std::nullopt);
    EXPECT_TRUE(framer.mid_message());
    EXPECT_LE(framer.buffered(), 2'048U);
}

TEST(StreamFramer, GivesLargeBuffersBack) {
    StreamFramer framer;
    Messages messages;
    EXPECT_EQ(feed(framer, channel_data(60'000, true), 1'000, messages), std::nullopt);
    Bytes nothing;
    EXPECT_TRUE(framer.next(nothing).has_value());
    EXPECT_LE(framer.buffered(), 2'048U);
}

} // namespace
} // namespace fairlead::turn
