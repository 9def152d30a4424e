#include "http/request.hpp"

#include <gtest/gtest.h>

namespace fairlead::http {
namespace {

Request with(std::string_view name, std::string_view value) {
    Request request;
    EXPECT_TRUE(request.fields.add(name, value));
    return request;
}

TEST(Request, StaysConnectedUnlessToldOtherwise) {
    Request request;
    EXPECT_TRUE(request.keeps_alive());
    EXPECT_FALSE(with("Connection", "close").keeps_alive());
    EXPECT_FALSE(with("Connection", "keep-alive, Close").keeps_alive());
    request.minor_version = 0;
    EXPECT_FALSE(request.keeps_alive());
    ASSERT_TRUE(request.fields.add("Connection", "Keep-Alive"));
    EXPECT_TRUE(request.keeps_alive());
}

TEST(Request, BearerTokenNeedsTheSchemeOneBlankAndAToken) {
    EXPECT_EQ(with("Authorization", "Bearer abc").bearer_token(), "abc");
    EXPECT_EQ(with("Authorization", "bEARER a.b.c").bearer_token(), "a.b.c");
    EXPECT_EQ(with("Authorization", "Basic abc").bearer_token(), std::nullopt);
    EXPECT_EQ(with("Authorization", "Bearer").bearer_token(), std::nullopt);
    EXPECT_EQ(with("Authorization", "Bearerabc").bearer_token(), std::nullopt);
    EXPECT_EQ(with("Authorization", "Bearer a b").bearer_token(), std::nullopt);
    EXPECT_EQ(with("Authorization", "Bearer  a").bearer_token(), std::nullopt);
    EXPECT_EQ(Request{}.bearer_token(), std::nullopt);
    Request twice = with("Authorization", "Bearer a");
    ASSERT_TRUE(twice.fields.add("authorization", "Bearer b"));
    EXPECT_EQ(twice.bearer_token(), std::nullopt);
}

TEST(Request, CookiesAreFoundByTheirExactName) {
    const Request request = with("Cookie", "a=1; oidc=x.y=z; quoted=\"q\";b");
    EXPECT_EQ(request.cookie("a"), "1");
    EXPECT_EQ(request.cookie("oidc"), "x.y=z");
    EXPECT_EQ(request.cookie("quoted"), "q");
    EXPECT_EQ(request.cookie("OIDC"), std::nullopt);
    EXPECT_EQ(request.cookie("b"), std::nullopt);
}

TEST(Request, MediaTypeLosesParametersAndLetterCase) {
    EXPECT_EQ(with("Content-Type", "Application/SDP ; charset=utf-8").media_type(), "application/sdp");
    EXPECT_EQ(Request{}.media_type(), "");
}

TEST(Request, AuthorityOfTheTargetTakesThePlaceOfHost) {
    Request request = with("Host", "a");
    EXPECT_EQ(request.host(), "a");
    request.target = *Target::parse("http://b/");
    EXPECT_EQ(request.host(), "b");
}

TEST(AcceptEncoding, IsReadWithItsWeights) {
    const auto gzip = [](std::string_view value) {
        return accepts_encoding(with("Accept-Encoding", value).fields, "gzip");
    };
    EXPECT_TRUE(gzip("gzip"));
    EXPECT_TRUE(gzip("deflate, GZIP;q=0.5, br"));
    EXPECT_TRUE(gzip("gzip;q=0.001"));
    EXPECT_FALSE(gzip("gzip;q=0"));
    EXPECT_FALSE(gzip("gzip; q=0.000"));
    EXPECT_FALSE(gzip("x-gzip, br"));
    EXPECT_FALSE(gzip(""));
    EXPECT_FALSE(accepts_encoding(Fields{}, "gzip"));
}

TEST(Conditional, IfNoneMatchComparesWeakly) {
    const auto named = [](std::string_view value) {
        return none_match_names(with("If-None-Match", value).fields, "\"v1\"");
    };
    EXPECT_TRUE(named("\"v1\""));
    EXPECT_TRUE(named("\"v0\", W/\"v1\""));
    EXPECT_TRUE(named("*"));
    EXPECT_FALSE(named("\"v2\""));
    EXPECT_FALSE(named("v1"));
    EXPECT_FALSE(none_match_names(Fields{}, "\"v1\""));
}

TEST(Conditional, IfMatchComparesStrongly) {
    const auto allows = [](std::string_view value) {
        return if_match_allows(with("If-Match", value).fields, "\"v1\"");
    };
    EXPECT_TRUE(allows("\"v0\", \"v1\""));
    EXPECT_TRUE(allows("*"));
    EXPECT_FALSE(allows("W/\"v1\""));
    EXPECT_FALSE(allows("\"v2\""));
    EXPECT_TRUE(if_match_allows(Fields{}, "\"v1\""));
}

} // namespace
} // namespace fairlead::http
