#include "bytes/base64.hpp"
#include "bytes/hex.hpp"
#include "crypto/crc32.hpp"
#include "crypto/hmac.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::crypto {
namespace {

using bytes::to_hex;

TEST(Hash, KnownAnswers) {
    EXPECT_EQ(to_hex(md5(as_bytes("gorst:north.gov:hero"))), "7da2270ccfa49786e0115366d3a3d14d");
    EXPECT_EQ(to_hex(sha1(as_bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(md5({})), "d41d8cd98f00b204e9800998ecf8427e");
}

// RFC 2202 cases 2 and 6, RFC 4231 cases 2 and 6.
TEST(Hmac, RfcVectors) {
    EXPECT_EQ(to_hex(hmac_sha1(as_bytes("Jefe"), {as_bytes("what do ya want "), as_bytes("for nothing?")})),
              "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want for nothing?")})),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    const std::string long_sha1_key(80, '\xaa');
    EXPECT_EQ(to_hex(hmac_sha1(as_bytes(long_sha1_key),
                               {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})),
              "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    const std::string long_sha256_key(131, '\xaa');
    EXPECT_EQ(to_hex(hmac_sha256(as_bytes(long_sha256_key),
                                 {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, TurnRestPassword) {
    EXPECT_EQ(bytes::to_base64(hmac_sha1(as_bytes("north"), {as_bytes("4102444800:alice")})),
              "58Tl4e2VjINId23vxEnD/7NNBaQ=");
}

TEST(Equal, ComparesContentAndLength) {
    EXPECT_TRUE(equal(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(equal(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(equal(as_bytes("abc"), as_bytes("ab")));
    EXPECT_TRUE(equal({}, {}));
}

TEST(Crc32, CheckValue) {
    EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926U);
}

TEST(Wipe, Clears) {
    std::string secret = "hunter2";
    wipe(std::as_writable_bytes(std::span(secret)));
    EXPECT_EQ(secret, std::string(7, '\0'));
}

} // namespace
} // namespace fairlead::crypto
