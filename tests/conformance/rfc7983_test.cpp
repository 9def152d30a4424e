// RFC 7983 section 7, RFC 9443 section 3: one port, many protocols, and what a TURN server does with each.

#include "demux/first_byte.hpp"
#include "turn/fakes.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

using demux::Kind;

TEST(Rfc7983, Section7_RangesAreTheRfcs) {
    struct Range {
        unsigned first;
        unsigned last;
        Kind kind;
    };
    for (const Range& range : {Range{0, 3, Kind::stun}, Range{16, 19, Kind::zrtp}, Range{20, 63, Kind::dtls},
                               Range{64, 79, Kind::channel_data}, Range{80, 127, Kind::quic},
                               Range{128, 191, Kind::rtp}, Range{192, 255, Kind::quic}}) {
        EXPECT_EQ(demux::classify(static_cast<std::byte>(range.first)), range.kind);
        EXPECT_EQ(demux::classify(static_cast<std::byte>(range.last)), range.kind);
    }
}

TEST(Rfc7983, NothingButStunRequestsIsAnswered) {
    turn::fakes::World world;
    for (unsigned first = 0; first < 256; ++first) {
        for (const std::size_t size : {1U, 12U, 20U, 172U}) {
            std::vector<std::byte> datagram(size, std::byte{0x2a});
            datagram[0] = static_cast<std::byte>(first);
            const auto verdict = world.server->relay().from_client(world.now.steady, world.path(), datagram);
            EXPECT_FALSE(std::holds_alternative<turn::SendToPeer>(verdict));
            EXPECT_TRUE(world.exchange(world.path(), datagram).empty()) << first;
        }
    }
}

} // namespace
} // namespace fairlead
