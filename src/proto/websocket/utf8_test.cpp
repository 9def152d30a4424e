#include "websocket/utf8.hpp"

#include <gtest/gtest.h>

namespace fairlead::websocket {
namespace {

bool is_valid(std::string_view text) {
    Utf8Validator validator;
    return validator.push(as_bytes(text)) && validator.is_complete();
}

TEST(Utf8Validator, AcceptsTheEdgesOfEveryLength) {
    for (const std::string_view text :
         {"", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
          "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "k\xc3\xb6sme"}) {
        EXPECT_TRUE(is_valid(text)) << text;
    }
}

TEST(Utf8Validator, RefusesOverlongFormsSurrogatesAndWhatLiesAboveUnicode) {
    for (const std::string_view text : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
                                        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2",
                                        "\xe1\x80", "\xf1\x80\x80", "\xc2\xc2\x80", "a\xe1\x80z"}) {
        EXPECT_FALSE(is_valid(text)) << text;
    }
}

TEST(Utf8Validator, FailsAtTheFirstByteThatCannotBeMadeGood) {
    Utf8Validator validator;
    EXPECT_TRUE(validator.push(as_bytes("\xf4")));
    EXPECT_FALSE(validator.is_complete());
    EXPECT_FALSE(validator.push(as_bytes("\x90"))) << "no continuation leads back into Unicode";
}

TEST(Utf8Validator, TakesCharactersInPieces) {
    Utf8Validator validator;
    for (const char c : std::string_view("a\xe2\x82\xac\xf0\x9f\x98\x80z")) {
        EXPECT_TRUE(validator.push(as_bytes({&c, 1})));
    }
    EXPECT_TRUE(validator.is_complete());
}

} // namespace
} // namespace fairlead::websocket
