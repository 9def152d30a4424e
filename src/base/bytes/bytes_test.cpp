#include "bytes/base64.hpp"
#include "bytes/hex.hpp"
#include "bytes/reader.hpp"
#include "bytes/writer.hpp"

#include <gtest/gtest.h>

#include <array>

namespace fairlead::bytes {
namespace {

std::string text_of(const std::optional<std::vector<std::byte>>& data) {
    return data ? std::string(as_text(*data)) : std::string("(refused)");
}

TEST(Reader, ReadsBigEndianAndStopsAtTheEnd) {
    const std::array data{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                          std::byte{5}, std::byte{6}, std::byte{7}};
    Reader reader{data};
    EXPECT_EQ(reader.u8(), 1);
    EXPECT_EQ(reader.u16(), 0x0203);
    EXPECT_EQ(reader.u32(), 0x04050607U);
    EXPECT_TRUE(reader.empty());
    EXPECT_EQ(reader.u8(), std::nullopt);
}

TEST(Reader, ReadThatDoesNotFitLeavesTheCursorInPlace) {
    const std::array data{std::byte{1}, std::byte{2}, std::byte{3}};
    Reader reader{data};
    EXPECT_EQ(reader.u32(), std::nullopt);
    EXPECT_FALSE(reader.take(4).has_value());
    EXPECT_EQ(reader.u16(), 0x0102);
    EXPECT_EQ(reader.remaining(), 1U);
}

TEST(Reader, HugeLengthDoesNotWrap) {
    const std::array data{std::byte{1}};
    Reader reader{data};
    EXPECT_TRUE(reader.skip(1));
    EXPECT_FALSE(reader.skip(SIZE_MAX));
}

TEST(Writer, WritesBigEndianAndPatches) {
    std::array<std::byte, 8> room{};
    Writer writer{room};
    writer.u16(0);
    writer.u32(0x01020304);
    writer.zeros(2);
    writer.patch_u16(0, 0xabcd);
    ASSERT_TRUE(writer.ok());
    EXPECT_EQ(to_hex(writer.written()), "abcd010203040000");
}

TEST(Writer, OverflowIsRememberedAndWritesNothingMore) {
    std::array<std::byte, 3> room{};
    Writer writer{room};
    writer.u16(0x0102);
    writer.u16(0x0304);
    writer.u8(5);
    EXPECT_FALSE(writer.ok());
    EXPECT_EQ(to_hex(writer.written()), "0102");
    EXPECT_EQ(room[2], std::byte{0});
}

TEST(Hex, RoundTripAndRefusals) {
    EXPECT_EQ(to_hex(as_bytes("\x01\xff z")), "01ff207a");
    EXPECT_EQ(text_of(from_hex("7A7a")), "zz");
    EXPECT_FALSE(from_hex("7").has_value());
    EXPECT_FALSE(from_hex("7g").has_value());
}

// RFC 4648 section 10
TEST(Base64, Rfc4648Vectors) {
    const std::array<std::array<std::string_view, 2>, 7> vectors{{{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}}};
    for (const auto& [plain, coded] : vectors) {
        EXPECT_EQ(to_base64(as_bytes(plain)), coded);
        EXPECT_EQ(text_of(from_base64(coded)), plain);
    }
}

TEST(Base64, SecondSpellingsAreRefused) {
    for (const std::string_view bad : {"Zh==", "Zm9=", "Zg=", "Zg", "Z===", "Zm9v\n", "Zm-v", "====", "Zg==Zg=="}) {
        EXPECT_FALSE(from_base64(bad).has_value()) << bad;
    }
    EXPECT_EQ(to_base64url(as_bytes("\xfb\xff\xfe\xff")), "-__-_w");
    EXPECT_EQ(text_of(from_base64url("-__-_w")), "\xfb\xff\xfe\xff");
    EXPECT_FALSE(from_base64url("-__-_w==").has_value());
}

} // namespace
} // namespace fairlead::bytes
