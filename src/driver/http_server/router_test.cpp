#include "http_server/router.hpp"

#include "http_server/static_files.hpp"

#include <gtest/gtest.h>

namespace fairlead::http_server {
namespace {

using http::Method;
using http::Methods;

Handler answering(std::string_view text) {
    return [body = std::string(text)](const Request&) { return http::Response::text(http::Status::ok, body); };
}

std::string answer(const Router& router, std::string_view path, Method method = Method::get) {
    const auto match = router.find(path);
    const auto* endpoint = match.route == nullptr ? nullptr : match.route->find(method);
    if (endpoint == nullptr) {
        return match.route == nullptr ? "404" : "405";
    }
    Request request;
    request.target = *http::Target::parse(path);
    request.rest_at = match.rest_at;
    return std::string(as_text(std::get<Handler>(endpoint->handler)(request).content())) + "|" +
           std::string(request.rest());
}

TEST(Router, ExactPathsWinOverPrefixesAndLongPrefixesOverShortOnes) {
    Router router;
    router.exact("/a/b", {Method::get}, answering("exact"))
        .prefix("/", {Method::get}, answering("root"))
        .prefix("/a/", {Method::get}, answering("a"))
        .prefix("/a/b/", {Method::get}, answering("ab"));
    EXPECT_EQ(answer(router, "/a/b"), "exact|");
    EXPECT_EQ(answer(router, "/a/b/"), "ab|");
    EXPECT_EQ(answer(router, "/a/b/c/d"), "ab|c/d");
    EXPECT_EQ(answer(router, "/a/x"), "a|x");
    EXPECT_EQ(answer(router, "/a"), "root|a") << "a prefix is a folder, not a beginning of text";
    EXPECT_EQ(answer(router, "/"), "root|");
}

TEST(Router, WithoutAPrefixForEverythingOtherPathsAreUnknown) {
    Router router;
    router.exact("/health", {Method::get}, answering("fine"));
    EXPECT_EQ(answer(router, "/health"), "fine|");
    EXPECT_EQ(answer(router, "/health/"), "404");
    EXPECT_EQ(answer(router, "/healthy"), "404");
    EXPECT_EQ(answer(router, "/"), "404");
}

TEST(Router, MethodsOfOnePathMayHaveTheirOwnHandlers) {
    Router router;
    router.exact("/x", {Method::get}, answering("got")).exact("/x", {Method::post, Method::put}, answering("posted"));
    EXPECT_EQ(answer(router, "/x"), "got|");
    EXPECT_EQ(answer(router, "/x", Method::head), "got|") << "HEAD is GET without content";
    EXPECT_EQ(answer(router, "/x", Method::put), "posted|");
    EXPECT_EQ(answer(router, "/x", Method::delete_), "405");
    EXPECT_EQ(http::to_string(router.find("/x").route->allowed()), "GET, HEAD, POST, PUT, OPTIONS");
}

http::Request from(std::string_view origin) {
    http::Request request;
    EXPECT_TRUE(request.fields.add("Origin", origin));
    return request;
}

TEST(Cors, KnowsConfiguredOriginsAndReflectsNoOther) {
    const Cors cors{.origins = {"https://app.example.org"}, .credentials = true};
    http::Response known;
    cors.apply("https://app.example.org", known);
    EXPECT_EQ(known.fields().find("Access-Control-Allow-Origin"), "https://app.example.org");
    EXPECT_EQ(known.fields().find("Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(known.fields().find("Vary"), "Origin");
    for (const std::string_view other :
         {"https://evil.example", "https://app.example.org.evil.example", "null", "HTTPS://APP.EXAMPLE.ORG"}) {
        http::Response unknown;
        cors.apply(other, unknown);
        EXPECT_FALSE(unknown.fields().contains("Access-Control-Allow-Origin")) << other;
        EXPECT_EQ(unknown.fields().find("Vary"), "Origin");
    }
}

TEST(Cors, AnybodyNeverMeansCredentials) {
    const Cors cors{.origins = {"*"}, .credentials = true};
    http::Response response;
    cors.apply("https://any.example", response);
    EXPECT_EQ(response.fields().find("Access-Control-Allow-Origin"), "*");
    EXPECT_FALSE(response.fields().contains("Access-Control-Allow-Credentials"));
}

TEST(Cors, PreflightTellsTheRulesToKnownOriginsOnly) {
    const Cors cors{.origins = {"https://app.example.org"}};
    http::Request request = from("https://app.example.org");
    EXPECT_FALSE(Cors::is_preflight(request));
    request.method = Method::options;
    EXPECT_FALSE(Cors::is_preflight(request)) << "an OPTIONS without Access-Control-Request-Method is none";
    ASSERT_TRUE(request.fields.add("Access-Control-Request-Method", "POST"));
    EXPECT_TRUE(Cors::is_preflight(request));
    const auto allowed = cors.preflight(request);
    EXPECT_EQ(allowed.status(), http::Status::no_content);
    EXPECT_EQ(allowed.fields().find("Access-Control-Allow-Methods"), "GET, POST, PUT, DELETE, OPTIONS");
    EXPECT_EQ(allowed.fields().find("Access-Control-Allow-Headers"), "Accept, Authorization, Content-Type");
    EXPECT_TRUE(cors.preflight(from("https://evil.example")).fields().empty());
}

TEST(RedirectToHttps, KeepsHostPathAndQuery) {
    Request request;
    request.target = *http::Target::parse("/a%20b?x=1");
    ASSERT_TRUE(request.fields.add("Host", "example.org:8080"));
    const auto response = redirect_to_https(443)(request);
    EXPECT_EQ(response.status(), http::Status::permanent_redirect);
    EXPECT_EQ(response.fields().find("Location"), "https://example.org/a%20b?x=1");
    ASSERT_TRUE(request.fields.set("Host", "[2001:db8::1]:80"));
    EXPECT_EQ(redirect_to_https(8443)(request).fields().find("Location"), "https://[2001:db8::1]:8443/a%20b?x=1");
}

} // namespace
} // namespace fairlead::http_server
