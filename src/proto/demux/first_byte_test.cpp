#include "demux/first_byte.hpp"

#include <gtest/gtest.h>

#include <array>

namespace fairlead::demux {
namespace {

TEST(FirstByte, EveryValueHasItsKind) {
    for (unsigned b = 0; b < 256; ++b) {
        const Kind kind = classify(static_cast<std::byte>(b));
        const Kind wanted = b < 4     ? Kind::stun
                            : b < 16  ? Kind::unknown
                            : b < 20  ? Kind::zrtp
                            : b < 64  ? Kind::dtls
                            : b < 80  ? Kind::channel_data
                            : b < 128 ? Kind::quic
                            : b < 192 ? Kind::rtp
                                      : Kind::quic;
        EXPECT_EQ(kind, wanted) << b;
    }
}

TEST(FirstByte, NothingIsUnknown) {
    EXPECT_EQ(classify(Bytes()), Kind::unknown);
}

TEST(Rtcp, IsToldByItsPacketType) {
    const auto of = [](unsigned second) {
        const std::array datagram{std::byte{0x80}, static_cast<std::byte>(second)};
        return is_rtcp(datagram);
    };
    EXPECT_TRUE(of(200));  // sender report
    EXPECT_TRUE(of(206));  // payload-specific feedback
    EXPECT_FALSE(of(96));  // dynamic payload type
    EXPECT_FALSE(of(224)); // the same with the marker bit
    EXPECT_FALSE(of(63));
    EXPECT_FALSE(is_rtcp(Bytes()));
}

} // namespace
} // namespace fairlead::demux
