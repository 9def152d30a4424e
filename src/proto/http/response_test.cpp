#include "http/response.hpp"

#include <gtest/gtest.h>

namespace fairlead::http {
namespace {

std::string written(const Response& response, const Exchange& exchange = {}) {
    std::string out;
    write(response, exchange, out);
    return out;
}

TEST(Response, IsWrittenWithItsLength) {
    EXPECT_EQ(written(Response::text(Status::ok, "hi")),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_EQ(written(Response(Status::not_found)), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

TEST(Response, ToHeadHasTheLengthButNotTheContent) {
    EXPECT_EQ(written(Response(Status::ok).body("hello"), {.method = Method::head}),
              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
}

TEST(Response, WithoutContentHasNoLengthEither) {
    EXPECT_EQ(written(Response(Status::no_content).body("x")), "HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(written(Response(Status::not_modified).set("ETag", "\"a\"").body("x")),
              "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n");
}

TEST(Response, SaysWhenTheConnectionDoesWhatTheVersionDoesNotImply) {
    EXPECT_EQ(written(Response(), {.keep_alive = false}),
              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(written(Response().close_connection()),
              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(written(Response(), {.minor_version = 0, .keep_alive = true}),
              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

TEST(Response, WithAnInjectedHeaderLineBecomesA500WithoutAnyOfIt) {
    Response response = Response::text(Status::ok, "secret");
    response.set("Location", "/a\r\nSet-Cookie: x=1");
    EXPECT_FALSE(response.is_well_formed());
    EXPECT_EQ(written(response), "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
}

TEST(Response, FramingFieldsOfAHandlerAreIgnored) {
    Response response(Status::ok);
    response.set("content-length", "99").set("Transfer-Encoding", "chunked").body("x");
    EXPECT_EQ(written(response), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
}

TEST(Response, StaticContentIsNotCopied) {
    static constexpr std::string_view asset = "asset";
    Response response;
    response.body_static(as_bytes(asset));
    EXPECT_EQ(as_text(response.content()).data(), asset.data());
}

TEST(ChunkedWriter, WritesChunksAndTheLastOne) {
    std::string out;
    const ChunkedWriter writer(Response(), {}, out);
    writer.write("hello, chunked world", out);
    writer.write("", out);
    writer.write("x", out);
    writer.finish(out);
    EXPECT_EQ(out,
              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\nhello, chunked world\r\n1\r\nx\r\n0\r\n\r\n");
}

TEST(ChunkedWriter, WritesBareContentToHttp10AndNoneToHead) {
    std::string old;
    const ChunkedWriter to_old(Response(), {.minor_version = 0, .keep_alive = false}, old);
    to_old.write("abc", old);
    to_old.finish(old);
    EXPECT_EQ(old, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");

    std::string head;
    const ChunkedWriter to_head(Response(), {.method = Method::head}, head);
    to_head.write("abc", head);
    to_head.finish(head);
    EXPECT_EQ(head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(HttpDate, IsTheFixedForm) {
    EXPECT_EQ(http_date(unix_time(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(http_date(unix_time(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(Methods, ListThemselvesForAllow) {
    EXPECT_EQ(to_string(Methods{Method::post, Method::get}), "GET, POST");
    EXPECT_EQ(parse_method("DELETE"), Method::delete_);
    EXPECT_EQ(parse_method("get"), std::nullopt);
    EXPECT_EQ(parse_method("CONNECT"), std::nullopt);
}

} // namespace
} // namespace fairlead::http
