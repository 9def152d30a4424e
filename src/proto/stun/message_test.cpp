#include "stun/message.hpp"

#include "bytes/hex.hpp"
#include "crypto/hmac.hpp"
#include "stun/writer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fairlead::stun {
namespace {

constexpr TransactionId id{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},  std::byte{5},  std::byte{6},
                           std::byte{7}, std::byte{8}, std::byte{9}, std::byte{10}, std::byte{11}, std::byte{12}};

std::vector<std::byte> hex(std::string_view text) {
    return bytes::from_hex(text).value();
}
const std::string header_of_binding = "000100002112a4420102030405060708090a0b0c";

std::vector<std::byte> binding_with(std::string_view attributes_hex) {
    auto bytes = hex(header_of_binding + std::string(attributes_hex));
    bytes[3] = static_cast<std::byte>(attributes_hex.size() / 2);
    return bytes;
}

ParseError error_of(Bytes bytes) {
    const auto message = Message::parse(bytes);
    EXPECT_FALSE(message.has_value());
    return message ? ParseError{255} : message.error();
}

TEST(Parse, ReadsTheHeaderOfABareBindingRequest) {
    const auto bytes = hex(header_of_binding);
    const auto message = Message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_TRUE(message->is(Class::request, Method::binding));
    EXPECT_EQ(message->transaction_id(), id);
    EXPECT_TRUE(message->empty());
    EXPECT_FALSE(message->has_integrity());
    EXPECT_FALSE(message->has_fingerprint());
}

TEST(Parse, TellsClassAndMethodApart) {
    struct Case {
        const char* type;
        Class message_class;
        Method method;
    };
    for (const Case& c :
         {Case{"0101", Class::success, Method::binding}, Case{"0111", Class::error, Method::binding},
          Case{"0113", Class::error, Method::allocate}, Case{"0016", Class::indication, Method::send},
          Case{"0017", Class::indication, Method::data}, Case{"0108", Class::success, Method::create_permission},
          Case{"3fff", Class::error, Method{0xfff}}}) {
        auto bytes = hex(c.type + header_of_binding.substr(4));
        const auto message = Message::parse(bytes);
        ASSERT_TRUE(message) << c.type;
        EXPECT_EQ(message->message_class(), c.message_class) << c.type;
        EXPECT_EQ(message->method(), c.method) << c.type;
        std::array<std::byte, 20> again{};
        Writer writer(again, c.message_class, c.method, id);
        ASSERT_EQ(writer.finish(), 20U);
        EXPECT_EQ(bytes::to_hex(again), bytes::to_hex(bytes));
    }
}

TEST(Parse, RefusesWhatIsNotAWholeMessage) {
    const auto whole = hex(header_of_binding);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_EQ(error_of(Bytes(whole).first(size)), ParseError::truncated);
    }
    auto longer = whole;
    longer.resize(24);
    EXPECT_EQ(error_of(longer), ParseError::bad_length);
    auto odd = whole;
    odd.resize(22);
    odd[3] = std::byte{2};
    EXPECT_EQ(error_of(odd), ParseError::bad_length);
}

TEST(Parse, RefusesOtherProtocols) {
    auto channel = hex(header_of_binding);
    channel[0] = std::byte{0x40};
    EXPECT_EQ(error_of(channel), ParseError::not_stun);
    auto old = hex(header_of_binding);
    old[4] = std::byte{0};
    EXPECT_EQ(error_of(old), ParseError::bad_cookie);
}

TEST(Parse, RefusesAnAttributeThatRunsPastTheMessage) {
    EXPECT_EQ(error_of(binding_with("0006000541424344")), ParseError::attribute_overrun);
    EXPECT_EQ(error_of(binding_with("0006ffff")), ParseError::attribute_overrun);
    // The padding belongs to the message too.
    EXPECT_EQ(error_of(binding_with("8022000541424344")), ParseError::attribute_overrun);
}

TEST(Parse, RefusesTooManyAttributes) {
    std::string many;
    for (std::size_t i = 0; i < 63; ++i) {
        many += "80220000";
    }
    EXPECT_TRUE(Message::parse(binding_with(many)).has_value());
    std::vector<std::byte> bytes = hex(header_of_binding);
    for (std::size_t i = 0; i < max_attributes + 1; ++i) {
        bytes.insert(bytes.end(), {std::byte{0x80}, std::byte{0x22}, std::byte{0}, std::byte{0}});
    }
    const std::size_t length = bytes.size() - header_size;
    bytes[2] = static_cast<std::byte>(length >> 8U);
    bytes[3] = static_cast<std::byte>(length & 0xffU);
    EXPECT_EQ(error_of(bytes), ParseError::too_many_attributes);
}

TEST(Parse, IntegrityHasItsSizes) {
    EXPECT_EQ(error_of(binding_with("0008000400000000")), ParseError::bad_integrity_size);
    EXPECT_EQ(error_of(binding_with("001c000c000000000000000000000000")), ParseError::bad_integrity_size);
    EXPECT_TRUE(Message::parse(binding_with("001c001000000000000000000000000000000000")).has_value());
}

TEST(Parse, FingerprintMustBeLastAndRight) {
    std::array<std::byte, 64> room{};
    Writer writer(room, Class::request, Method::binding, id);
    writer.put(Attribute::software, "x");
    writer.fingerprint();
    const std::size_t size = writer.finish();
    ASSERT_EQ(size, 36U);
    const auto good = Message::parse(Bytes(room).first(size));
    ASSERT_TRUE(good);
    EXPECT_TRUE(good->has_fingerprint());

    for (std::size_t i = 0; i < size; ++i) {
        if (i == 28 || i == 29) {
            continue; // its own type: then the message simply has no fingerprint
        }
        auto bad = room;
        bad[i] ^= std::byte{1};
        EXPECT_FALSE(Message::parse(Bytes(bad).first(size)).has_value()) << "byte " << i;
    }
    EXPECT_EQ(error_of(binding_with("802800040000000080220000")), ParseError::misplaced_fingerprint);
    EXPECT_EQ(error_of(binding_with("80280000")), ParseError::misplaced_fingerprint);
}

TEST(CoveredView, EndsAtTheIntegrity) {
    std::array<std::byte, 256> room{};
    Writer writer(room, Class::request, Method::allocate, id);
    writer.put(Attribute::username, "before");
    writer.integrity(as_bytes("key"));
    writer.put(Attribute::realm, "after");
    writer.u32(Attribute{0x7001}, 1);
    writer.integrity_sha256(as_bytes("key"));
    writer.put(Attribute::nonce, "after both");
    writer.fingerprint();
    const std::size_t size = writer.finish();
    const auto message = Message::parse(Bytes(room).first(size));
    ASSERT_TRUE(message);
    EXPECT_EQ(message->attribute_count(), 1U);
    EXPECT_EQ(message->text(Attribute::username), "before");
    EXPECT_FALSE(message->has(Attribute::realm));
    EXPECT_FALSE(message->has(Attribute::nonce));
    EXPECT_TRUE(message->integrity_matches(as_bytes("key")));
    EXPECT_TRUE(message->integrity_sha256_matches(as_bytes("key")));
    EXPECT_FALSE(message->integrity_matches(as_bytes("kez")));
    EXPECT_FALSE(message->integrity_sha256_matches(as_bytes("")));
}

TEST(CoveredView, Sha1IntegrityAfterSha256IsIgnored) {
    std::array<std::byte, 256> room{};
    Writer writer(room, Class::request, Method::allocate, id);
    writer.integrity_sha256(as_bytes("key"));
    writer.integrity(as_bytes("key"));
    const std::size_t size = writer.finish();
    const auto message = Message::parse(Bytes(room).first(size));
    ASSERT_TRUE(message);
    EXPECT_TRUE(message->has_integrity_sha256());
    EXPECT_FALSE(message->has_integrity());
}

TEST(Integrity, Sha256MayBeTruncated) {
    std::array<std::byte, 128> room{};
    Writer writer(room, Class::request, Method::binding, id);
    writer.put(Attribute::username, "u");
    writer.integrity_sha256(as_bytes("key"));
    ASSERT_NE(writer.finish(), 0U);
    // A sender that truncates computes over the length it sends: do as it does.
    for (const std::size_t kept : {16U, 20U, 28U, 32U}) {
        std::array<std::byte, 128> shorter{};
        Writer again(shorter, Class::request, Method::binding, id);
        again.put(Attribute::username, "u");
        std::vector<std::byte> covered(shorter.begin(), shorter.begin() + static_cast<std::ptrdiff_t>(again.size()));
        covered[3] = static_cast<std::byte>(again.size() - header_size + 4 + kept);
        const auto mac = crypto::hmac_sha256(as_bytes("key"), {covered});
        again.put(Attribute::message_integrity_sha256, std::span(mac).first(kept));
        const std::size_t size = again.finish();
        const auto message = Message::parse(Bytes(shorter).first(size));
        ASSERT_TRUE(message) << kept;
        EXPECT_TRUE(message->integrity_sha256_matches(as_bytes("key"))) << kept;
        EXPECT_FALSE(message->integrity_sha256_matches(as_bytes("other"))) << kept;
    }
}

TEST(Address, MalformedOnesYieldNothing) {
    for (const std::string_view value :
         {"", "00", "0001", "00010000", "0001000001020304ff", "0003000001020304",
          "00020000010203040506070809000102030405", "000200000102030405060708090001020304050607"}) {
        EXPECT_EQ(decode_address(hex(value)), std::nullopt) << value;
    }
}

TEST(ErrorCode, OnlyWellFormedOnesAreRead) {
    const auto code = [](std::string_view value) {
        const auto bytes = binding_with("00090004" + std::string(value));
        return Message::parse(bytes)->error_code();
    };
    EXPECT_EQ(code("00000426"), 438);
    EXPECT_EQ(code("00000800"), std::nullopt); // the class has three bits
    EXPECT_EQ(code("00000201"), std::nullopt);
    EXPECT_EQ(code("00000701"), std::nullopt);
    EXPECT_EQ(code("00000464"), std::nullopt);
    const auto short_value = binding_with("0009000200000000");
    EXPECT_EQ(Message::parse(short_value)->error_code(), std::nullopt);
}

TEST(Writer, PaddingIsZero) {
    std::array<std::byte, 64> room{};
    room.fill(std::byte{0xff});
    Writer writer(room, Class::request, Method::binding, id);
    writer.put(Attribute::software, "abcde");
    ASSERT_EQ(writer.finish(), 32U);
    EXPECT_EQ(bytes::to_hex(Bytes(room).subspan(29, 3)), "000000");
}

TEST(Writer, ThatRunsOutOfRoomSaysSo) {
    std::array<std::byte, 128> room{};
    for (std::size_t size = 0; size < 20 + 8 + 8 + 24 + 8; ++size) {
        room.fill(std::byte{0xee});
        Writer writer(MutableBytes(room).first(size), Class::error, Method::allocate, id);
        writer.error(ErrorCode::stale_nonce);
        writer.put(Attribute::nonce, "abcd");
        writer.integrity(as_bytes("key"));
        writer.fingerprint();
        EXPECT_EQ(writer.finish(), 0U) << size;
        EXPECT_EQ(room[size], std::byte{0xee}) << size;
    }
}

TEST(Writer, UnknownAttributesOfOddCountArePadded) {
    std::array<std::byte, 64> room{};
    Writer writer(room, Class::error, Method::binding, id);
    writer.error(ErrorCode::unknown_attribute);
    const std::array<std::uint16_t, 3> types{1, 2, 3};
    writer.unknown_attributes(types);
    const std::size_t size = writer.finish();
    const auto message = Message::parse(Bytes(room).first(size));
    ASSERT_TRUE(message);
    EXPECT_EQ(bytes::to_hex(message->find(Attribute::unknown_attributes).value()), "000100020003");
    EXPECT_EQ(message->error_code(), 420);
}

} // namespace
} // namespace fairlead::stun
