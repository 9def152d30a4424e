#include "text/ascii.hpp"
#include "text/format.hpp"

#include <gtest/gtest.h>

namespace fairlead::text {
namespace {

TEST(Ascii, ComparesTokensWithoutLocale) {
    EXPECT_TRUE(equal_ignoring_case("Content-Length", "content-lENGTH"));
    EXPECT_FALSE(equal_ignoring_case("a", "ab"));
    EXPECT_FALSE(equal_ignoring_case("\xc4", "\xe4"));
    EXPECT_EQ(lower("AbC\xc4"), "abc\xc4");
    EXPECT_EQ(trim(" \t x y \t"), "x y");
    EXPECT_EQ(trim(" \t"), "");
}

TEST(Format, LinksWithoutLibfmt) {
    EXPECT_EQ(fmt::format("{} {:>5} {:.2f} {:x}", "a", 42, 1.5, 255), "a    42 1.50 ff");
}

} // namespace
} // namespace fairlead::text
