#include "http/response_parser.hpp"

#include <gtest/gtest.h>

namespace fairlead::http {
namespace {

using Stage = ResponseParser::Stage;

/// Byte by byte: nothing here may depend on where the bytes were cut.
std::size_t feed(ResponseParser& parser, std::string_view stream) {
    std::size_t read = 0;
    while (read < stream.size() && parser.stage() != Stage::complete && parser.stage() != Stage::faulty) {
        read += parser.push(as_bytes(stream.substr(read, 1)));
    }
    return read;
}

TEST(ResponseParser, ReadsContentByLengthByChunksAndUntilTheEnd) {
    ResponseParser parser;
    const std::string_view first = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nhi";
    EXPECT_EQ(feed(parser, std::string(first) + "HTTP/1.1"), first.size());
    ASSERT_EQ(parser.stage(), Stage::complete);
    const ReceivedResponse response = parser.take();
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.body, "hi");
    EXPECT_EQ(response.fields.find("x"), "y");
    EXPECT_TRUE(response.keeps_alive());

    feed(parser, "HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n");
    ASSERT_EQ(parser.stage(), Stage::complete);
    EXPECT_EQ(parser.take().body, "no");

    feed(parser, "HTTP/1.0 200 OK\r\n\r\nrest");
    EXPECT_EQ(parser.stage(), Stage::body);
    parser.end();
    ASSERT_EQ(parser.stage(), Stage::complete);
    EXPECT_EQ(parser.take().body, "rest");
}

TEST(ResponseParser, SkipsInterimResponsesButNotTheSwitchOfProtocols) {
    ResponseParser parser;
    feed(parser,
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    ASSERT_EQ(parser.stage(), Stage::complete);
    EXPECT_EQ(parser.take().status, 204U);
    feed(parser, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81");
    ASSERT_EQ(parser.stage(), Stage::complete);
    EXPECT_EQ(parser.take().status, 101U);
}

TEST(ResponseParser, AnswerToHeadHasNoContent) {
    ResponseParser parser;
    parser.expect_no_content(true);
    feed(parser, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    EXPECT_EQ(parser.stage(), Stage::complete);
}

TEST(ResponseParser, RefusesWhatItWouldHaveToGuessAbout) {
    const auto fault_of = [](std::string_view stream) {
        ResponseParser parser({.header = 256, .body = 16});
        feed(parser, stream);
        if (parser.stage() != Stage::faulty) {
            parser.end();
        }
        EXPECT_EQ(parser.stage(), Stage::faulty) << stream;
        return parser.fault();
    };
    EXPECT_EQ(fault_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
              ResponseFault::bad_framing);
    EXPECT_EQ(fault_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx"), ResponseFault::bad_framing);
    EXPECT_EQ(fault_of("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n"), ResponseFault::body_too_large);
    EXPECT_EQ(fault_of("HTTP/1.1 200 OK\r\n\r\n01234567890123456"), ResponseFault::body_too_large);
    EXPECT_EQ(fault_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nq"), ResponseFault::bad_chunk);
    EXPECT_EQ(fault_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx"), ResponseFault::truncated);
    EXPECT_EQ(fault_of("HTTP/1.1 OK\r\n\r\n"), ResponseFault::malformed_header);
    EXPECT_EQ(fault_of("HTTP/1.1 999 OK\r\n\r\n"), ResponseFault::malformed_header);
    EXPECT_EQ(fault_of("220 smtp.example.org\r\n\r\n"), ResponseFault::malformed_header);
    EXPECT_EQ(fault_of("HTTP/1.1 200 OK\r\nX: " + std::string(300, 'x')), ResponseFault::header_too_large);
}

} // namespace
} // namespace fairlead::http
