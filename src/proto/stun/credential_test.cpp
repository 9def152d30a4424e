#include "stun/credential.hpp"

#include "bytes/hex.hpp"

#include <gtest/gtest.h>

namespace fairlead::stun {
namespace {

TEST(LongTermKeys, AreThoseOfTheRfcsAndOfCoturn) {
    // RFC 8489 section 9.2.2's example.
    EXPECT_EQ(bytes::to_hex(long_term_keys("user", "realm", "pass").of(PasswordAlgorithm::md5)),
              "8493fbc53ba582fb4c044c456bdc40eb");
    EXPECT_EQ(bytes::to_hex(long_term_keys("gorst", "north.gov", "hero").of(PasswordAlgorithm::md5)),
              "7da2270ccfa49786e0115366d3a3d14d");
}

TEST(LongTermKeys, MissingOneIsEmpty) {
    LongTermKeys only_md5 = long_term_keys("u", "r", "p");
    only_md5.sha256.reset();
    EXPECT_TRUE(only_md5.of(PasswordAlgorithm::sha256).empty());
    EXPECT_TRUE(only_md5.of(PasswordAlgorithm{7}).empty());
}

TEST(NonceCookie, CarriesTheFeatureBitsAtBothEnds) {
    const auto text = [](SecurityFeatures features) {
        const auto cookie = write_nonce_cookie(features);
        return std::string(cookie.begin(), cookie.end());
    };
    EXPECT_EQ(text({}), "obMatJos2AAAA");
    EXPECT_EQ(text({.password_algorithms = true}), "obMatJos2gAAB");
    EXPECT_EQ(text({.username_anonymity = true}), "obMatJos2QAAC");
    EXPECT_EQ(text({.password_algorithms = true, .username_anonymity = true}), "obMatJos2wAAD");
    for (const bool a : {false, true}) {
        for (const bool b : {false, true}) {
            const SecurityFeatures features{.password_algorithms = a, .username_anonymity = b};
            EXPECT_EQ(read_nonce_cookie(text(features) + "rest"), features);
        }
    }
    EXPECT_TRUE(read_nonce_cookie("obMatJos2gAAAleft")->password_algorithms);
    EXPECT_TRUE(read_nonce_cookie("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA")->username_anonymity); // RFC 8489 B.1
    EXPECT_FALSE(read_nonce_cookie("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA")->password_algorithms);
    EXPECT_EQ(read_nonce_cookie("obMatJos2"), std::nullopt);
    EXPECT_EQ(read_nonce_cookie("obMatJos2****"), std::nullopt);
    EXPECT_EQ(read_nonce_cookie("some other nonce"), std::nullopt);
}

} // namespace
} // namespace fairlead::stun
