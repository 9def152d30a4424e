// RFC 5769: test vectors for STUN, and the user hash of RFC 8489 appendix B.1.

#include "bytes/hex.hpp"
#include "stun/credential.hpp"
#include "stun/writer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fairlead::stun {
namespace {

std::vector<std::byte> hex(std::string_view text) {
    return bytes::from_hex(text).value();
}

constexpr std::string_view password = "VOkJxbRl1RmTxUk/WvJxBt";

const auto request = hex("000100582112a442b7e7a701bc34d686fa87dfae"
                         "802200105354554e207465737420636c69656e74"
                         "002400046e0001ff"
                         "80290008932ff9b151263b36"
                         "000600096576746a3a68367659202020"
                         "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
                         "80280004e57a3bcf");
const auto ipv4_response = hex("0101003c2112a442b7e7a701bc34d686fa87dfae"
                               "8022000b7465737420766563746f7220"
                               "002000080001a147e112a643"
                               "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
                               "80280004c07d4c96");
const auto ipv6_response = hex("010100482112a442b7e7a701bc34d686fa87dfae"
                               "8022000b7465737420766563746f7220"
                               "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
                               "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
                               "80280004c8fb0b4c");
const auto long_term_request = hex("000100602112a44278ad3433c6ad72c029da412e"
                                   "00060012e3839ee38388e383aae38383e382afe382b90000"
                                   "0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341"
                                   "0014000b6578616d706c652e6f726700"
                                   "00080014f67024656dd64a3e02b8e0712e85c9a28ca89666");
constexpr std::string_view matrix = "\u30de\u30c8\u30ea\u30c3\u30af\u30b9";

TEST(Rfc5769, Section2_1_SampleRequest) {
    const auto message = Message::parse(request);
    ASSERT_TRUE(message);
    EXPECT_TRUE(message->is(Class::request, Method::binding));
    EXPECT_EQ(message->text(Attribute::software), "STUN test client");
    EXPECT_EQ(message->text(Attribute::username), "evtj:h6vY");
    EXPECT_EQ(message->u32(Attribute::priority), 0x6e0001ffU);
    EXPECT_TRUE(message->has_fingerprint());
    EXPECT_TRUE(message->integrity_matches(as_bytes(password)));
    EXPECT_FALSE(message->integrity_matches(as_bytes("another")));
}

TEST(Rfc5769, Section2_2_SampleIpv4Response) {
    const auto message = Message::parse(ipv4_response);
    ASSERT_TRUE(message);
    EXPECT_TRUE(message->is(Class::success, Method::binding));
    EXPECT_EQ(message->text(Attribute::software), "test vector");
    EXPECT_EQ(message->xor_address(Attribute::xor_mapped_address)->to_string(), "192.0.2.1:32853");
    EXPECT_TRUE(message->integrity_matches(as_bytes(password)));
}

TEST(Rfc5769, Section2_3_SampleIpv6Response) {
    const auto message = Message::parse(ipv6_response);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->xor_address(Attribute::xor_mapped_address)->to_string(),
              "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
    EXPECT_TRUE(message->integrity_matches(as_bytes(password)));
}

TEST(Rfc5769, Section2_4_SampleRequestWithLongTermAuthentication) {
    const auto message = Message::parse(long_term_request);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->text(Attribute::username), matrix);
    EXPECT_EQ(message->text(Attribute::nonce), "f//499k954d6OL34oL9FSTvy64sA");
    EXPECT_EQ(message->text(Attribute::realm), "example.org");
    const auto keys = long_term_keys(matrix, "example.org", "TheMatrIX");
    EXPECT_TRUE(message->integrity_matches(*keys.md5));
}

TEST(Rfc5769, OurWriterWritesSection2_4ByteForByte) {
    const auto parsed = Message::parse(long_term_request);
    ASSERT_TRUE(parsed);
    std::vector<std::byte> room(256);
    Writer writer(room, Class::request, Method::binding, parsed->transaction_id());
    writer.put(Attribute::username, matrix);
    writer.put(Attribute::nonce, "f//499k954d6OL34oL9FSTvy64sA");
    writer.put(Attribute::realm, "example.org");
    writer.integrity(*long_term_keys(matrix, "example.org", "TheMatrIX").md5);
    const std::size_t size = writer.finish();
    EXPECT_EQ(bytes::to_hex(Bytes(room).first(size)), bytes::to_hex(long_term_request));
}

TEST(Rfc8489, AppendixB_1_UserHash) {
    EXPECT_EQ(bytes::to_hex(userhash(matrix, "example.org")),
              "4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704");
}

} // namespace
} // namespace fairlead::stun
