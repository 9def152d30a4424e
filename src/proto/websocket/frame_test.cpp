#include "websocket/frame.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace fairlead::websocket {
namespace {

using Step = FrameHeaderReader::Step;

Step feed(FrameHeaderReader& reader, std::string_view bytes) {
    Step step = Step::more;
    for (const std::byte b : as_bytes(bytes)) {
        EXPECT_EQ(step, Step::more) << "bytes behind the header";
        step = reader.push(b);
    }
    return step;
}

FrameError error_of(std::string_view bytes) {
    FrameHeaderReader reader;
    EXPECT_EQ(feed(reader, bytes), Step::faulty);
    return reader.error();
}

TEST(FrameHeader, IsReadInEachFormOfTheLength) {
    FrameHeaderReader reader;
    ASSERT_EQ(feed(reader, "\x81\x05"), Step::complete);
    EXPECT_TRUE(reader.header().fin);
    EXPECT_EQ(reader.header().opcode, Opcode::text);
    EXPECT_EQ(reader.header().length, 5U);
    EXPECT_FALSE(reader.header().mask);

    reader.reset();
    ASSERT_EQ(feed(reader, {"\x02\xfe\x01\x00\x37\xfa\x21\x3d", 8}), Step::complete);
    EXPECT_FALSE(reader.header().fin);
    EXPECT_EQ(reader.header().length, 256U);
    ASSERT_TRUE(reader.header().mask);
    EXPECT_EQ(reader.header().mask->front(), std::byte{0x37});

    reader.reset();
    ASSERT_EQ(feed(reader, {"\x82\x7f\0\0\0\0\0\x01\0\0", 10}), Step::complete);
    EXPECT_EQ(reader.header().length, 65536U);
}

TEST(FrameHeader, IsRefusedAtTheByteThatBreaksTheRules) {
    EXPECT_EQ(error_of("\xc1"), FrameError::reserved_bit);
    EXPECT_EQ(error_of("\xa1"), FrameError::reserved_bit);
    EXPECT_EQ(error_of("\x91"), FrameError::reserved_bit);
    for (const std::string_view first :
         {"\x83", "\x84", "\x85", "\x86", "\x87", "\x8b", "\x8c", "\x8d", "\x8e", "\x8f"}) {
        EXPECT_EQ(error_of(first), FrameError::reserved_opcode);
    }
    EXPECT_EQ(error_of({"\x82\x7e\0\x7d", 4}), FrameError::length_not_minimal);
    EXPECT_EQ(error_of({"\x82\x7f\0\0\0\0\0\0\xff\xff", 10}), FrameError::length_not_minimal);
    EXPECT_EQ(error_of("\x82\x7f\x80"), FrameError::length_too_large);
}

RC_GTEST_PROP(FrameHeaderProperty, WhatIsWrittenIsReadAgain, ()) {
    FrameHeader header;
    header.fin = *rc::gen::arbitrary<bool>();
    header.opcode = *rc::gen::element(Opcode::continuation, Opcode::text, Opcode::binary, Opcode::close, Opcode::ping,
                                      Opcode::pong);
    header.length =
        *rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 300), rc::gen::inRange<std::uint64_t>(65'000, 66'000),
                        rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 62U));
    if (*rc::gen::arbitrary<bool>()) {
        for (std::byte& b : header.mask.emplace()) {
            b = static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>());
        }
    }
    std::string wire;
    write(header, wire);
    FrameHeaderReader reader;
    RC_ASSERT(feed(reader, wire) == Step::complete);
    RC_ASSERT(reader.header().fin == header.fin);
    RC_ASSERT(reader.header().opcode == header.opcode);
    RC_ASSERT(reader.header().length == header.length);
    RC_ASSERT(reader.header().mask == header.mask);
}

TEST(Mask, ContinuesWhereThePieceBeforeEnded) {
    const MaskingKey key{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    std::string whole = "masking key";
    std::string pieces = whole;
    apply_mask(key, 0, std::as_writable_bytes(std::span(whole)));
    const auto view = std::as_writable_bytes(std::span(pieces));
    apply_mask(key, 0, view.first(3));
    apply_mask(key, 3, view.subspan(3, 6));
    apply_mask(key, 9, view.subspan(9));
    EXPECT_EQ(whole, pieces);
}

} // namespace
} // namespace fairlead::websocket
