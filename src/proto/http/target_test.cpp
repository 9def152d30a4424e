#include "http/target.hpp"

#include <gtest/gtest.h>

namespace fairlead::http {
namespace {

TargetError error_of(std::string_view text) {
    const auto target = Target::parse(text);
    EXPECT_FALSE(target.has_value()) << text << " was accepted as " << (target ? target->path() : "");
    return target ? TargetError{} : target.error();
}

TEST(Target, SplitsPathAndQueryAndDecodesThePath) {
    const auto target = Target::parse("/a%20b/c?x=1&y=%41");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path(), "/a b/c");
    EXPECT_EQ(target->query(), "x=1&y=%41");
    EXPECT_EQ(target->parameter("y"), "A");
    EXPECT_EQ(target->authority(), "");
}

TEST(Target, AbsoluteFormYieldsAuthorityAndPath) {
    const auto target = Target::parse("HTTP://example.org:8080/p?q");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->authority(), "example.org:8080");
    EXPECT_EQ(target->path(), "/p");
    EXPECT_EQ(target->query(), "q");
    const auto bare = Target::parse("http://[::1]?q");
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->path(), "/");
    EXPECT_EQ(bare->authority(), "[::1]");
}

TEST(Target, AuthorityFormAndOtherSchemesAreRefused) {
    EXPECT_EQ(error_of("example.org:443"), TargetError::unsupported_form);
    EXPECT_EQ(error_of("ftp://example.org/"), TargetError::unsupported_form);
    EXPECT_EQ(error_of("http:///path"), TargetError::bad_authority);
    EXPECT_EQ(error_of("http://user@example.org/"), TargetError::bad_authority);
    EXPECT_EQ(error_of("path"), TargetError::unsupported_form);
    EXPECT_EQ(error_of(""), TargetError::empty);
}

TEST(Target, DotSegmentsAreRefusedInEverySpelling) {
    for (const std::string_view text :
         {"/..", "/../x", "/a/..", "/a/./b", "/.", "/%2e%2e/x", "/.%2E", "/%2e", "http://h/../x"}) {
        EXPECT_EQ(error_of(text), TargetError::dot_segment) << text;
    }
    EXPECT_EQ(Target::parse("/..a/b..")->path(), "/..a/b..");
    EXPECT_EQ(Target::parse("/a?x=/../")->query(), "x=/../");
}

TEST(Target, CharactersThatReadersDisagreeAboutAreRefused) {
    EXPECT_EQ(error_of("/a%2fb"), TargetError::encoded_separator);
    EXPECT_EQ(error_of("/a%5Cb"), TargetError::encoded_separator);
    EXPECT_EQ(error_of("/a%00"), TargetError::encoded_separator);
    EXPECT_EQ(error_of("/a\\b"), TargetError::bad_character);
    EXPECT_EQ(error_of("/a%0d%0ab"), TargetError::control_character);
    EXPECT_EQ(error_of("/a%7f"), TargetError::control_character);
    EXPECT_EQ(error_of("/a b"), TargetError::bad_character);
    EXPECT_EQ(error_of("/a#b"), TargetError::bad_character);
    EXPECT_EQ(error_of("/\xc3\xa4"), TargetError::bad_character);
    EXPECT_EQ(error_of("/a%"), TargetError::bad_percent_encoding);
    EXPECT_EQ(error_of("/a%4"), TargetError::bad_percent_encoding);
    EXPECT_EQ(error_of("/a%4g"), TargetError::bad_percent_encoding);
    EXPECT_EQ(error_of("/a%-1"), TargetError::bad_percent_encoding);
}

TEST(Target, ParametersFollowTheFormEncoding) {
    const auto target = Target::parse("/?a=1&&b&c=x+y%2B%26&a=2&%64=%zz");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->parameter("a"), "1") << "the first one counts";
    EXPECT_EQ(target->parameter("b"), "");
    EXPECT_EQ(target->parameter("c"), "x y+&");
    EXPECT_EQ(target->parameter("d"), "%zz");
    EXPECT_EQ(target->parameter("e"), std::nullopt);
    EXPECT_EQ(target->parameters().size(), 5U);
}

TEST(Target, PathsAreEncodedSoThatTheyReadTheSameAgain) {
    EXPECT_EQ(encode_path("/a b/\xc3\xa4?#%"), "/a%20b/%C3%A4%3F%23%25");
    EXPECT_EQ(Target::parse(encode_path("/a b/\xc3\xa4?#%"))->path(), "/a b/\xc3\xa4?#%");
}

TEST(Authority, IsAHostWithAnOptionalPort) {
    for (const std::string_view good :
         {"a", "example.org", "example.org:80", "192.0.2.1:3478", "[2001:db8::1]", "[::1]:443", "a_b-c:"}) {
        EXPECT_TRUE(is_authority(good)) << good;
    }
    for (const std::string_view bad :
         {"", ":80", "a:b", "a:123456", "[::1", "[]", "[::1]x", "a/b", "u@a", "a b", "a,b", "a:1:2", "[::g]"}) {
        EXPECT_FALSE(is_authority(bad)) << bad;
    }
}

} // namespace
} // namespace fairlead::http
