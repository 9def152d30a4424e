#include "http/request_parser.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>

namespace fairlead::http {
namespace {

using Stage = RequestParser::Stage;

/// What a stream of requests comes to, however it was cut.
struct Outcome {
    std::vector<Request> requests;
    std::optional<Refusal> refusal;
    std::size_t unread = 0;
    bool midway = false;
};

Outcome parse(std::string_view stream, std::size_t piece = std::string_view::npos, RequestLimits limits = {}) {
    RequestParser parser(limits);
    Outcome outcome;
    Bytes rest = as_bytes(stream);
    while (!rest.empty() && parser.stage() != Stage::refused) {
        const Bytes now = rest.first(std::min(piece, rest.size()));
        rest = rest.subspan(parser.push(now));
        if (parser.stage() == Stage::complete) {
            outcome.requests.push_back(parser.take());
        }
    }
    if (parser.stage() == Stage::refused) {
        outcome.refusal = parser.refusal();
    }
    outcome.unread = rest.size();
    outcome.midway = parser.is_midway();
    return outcome;
}

Request only(std::string_view stream) {
    Outcome outcome = parse(stream);
    EXPECT_EQ(outcome.refusal, std::nullopt) << describe(outcome.refusal.value_or(Refusal{})) << "\n" << stream;
    EXPECT_EQ(outcome.requests.size(), 1U) << stream;
    EXPECT_EQ(outcome.unread, 0U);
    return outcome.requests.empty() ? Request{} : std::move(outcome.requests.front());
}

/// Sends `stream` whole and byte by byte; both must be refused alike, with no request before.
Refusal refusal_of(std::string_view stream, RequestLimits limits = {}) {
    const Outcome whole = parse(stream, std::string_view::npos, limits);
    const Outcome bytewise = parse(stream, 1, limits);
    EXPECT_TRUE(whole.refusal.has_value()) << "accepted: " << stream.substr(0, 200);
    EXPECT_TRUE(whole.requests.empty()) << stream.substr(0, 200);
    EXPECT_EQ(whole.refusal, bytewise.refusal);
    EXPECT_EQ(whole.unread, bytewise.unread);
    return whole.refusal.value_or(Refusal{});
}

TEST(RequestParser, ReadsARequestWithoutContent) {
    const Request request = only("GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nX-Empty:\r\nAccept:  a, b \r\n\r\n");
    EXPECT_EQ(request.method, Method::get);
    EXPECT_EQ(request.path(), "/a");
    EXPECT_EQ(request.target.query(), "b=c");
    EXPECT_EQ(request.minor_version, 1U);
    EXPECT_EQ(request.field("accept"), "a, b");
    EXPECT_EQ(request.field("x-empty"), "");
    EXPECT_EQ(request.host(), "example.org");
    EXPECT_TRUE(request.body.empty());
}

TEST(RequestParser, ReadsContentByLengthAndByChunks) {
    EXPECT_EQ(only("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").body, "hello");
    EXPECT_EQ(only("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                   "5\r\nhello\r\n00A;name=value\r\n, chunked!\r\n0\r\nTrailer: dropped\r\n\r\n")
                  .body,
              "hello, chunked!");
    EXPECT_EQ(only("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").body, "");
    EXPECT_EQ(only("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").body, "");
}

TEST(RequestParser, LeavesPipelinedRequestsToTheCaller) {
    const std::string_view stream =
        "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
        "\r\nGET /3 HTTP/1.0\r\n\r\nGET /4";
    const Outcome outcome = parse(stream);
    ASSERT_EQ(outcome.requests.size(), 3U);
    EXPECT_EQ(outcome.requests[0].body, "abc");
    EXPECT_EQ(outcome.requests[1].body, "x");
    EXPECT_EQ(outcome.requests[2].path(), "/3");
    EXPECT_EQ(outcome.requests[2].minor_version, 0U);
    EXPECT_TRUE(outcome.midway) << "the fourth has begun";
}

TEST(RequestParser, StopsBehindTheHeaderSoThatTheCallerCanDecideAboutTheContent) {
    const std::string_view stream = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc";
    RequestParser parser;
    const std::size_t header = parser.push(as_bytes(stream));
    EXPECT_EQ(header, stream.size() - 3);
    ASSERT_EQ(parser.stage(), Stage::body);
    EXPECT_TRUE(parser.head().expects_continue());
    parser.limit_body(3);
    ASSERT_EQ(parser.stage(), Stage::body);
    EXPECT_EQ(parser.push(as_bytes(stream).subspan(header)), 3U);
    EXPECT_EQ(parser.stage(), Stage::complete);
}

TEST(RequestParser, RefusesAnnouncedContentBeyondTheLimitBeforeAnyOfItArrives) {
    RequestParser parser;
    (void)parser.push(as_bytes("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"));
    parser.limit_body(3);
    ASSERT_EQ(parser.stage(), Stage::refused);
    EXPECT_EQ(parser.refusal(), Refusal::body_too_large);
    EXPECT_EQ(status(parser.refusal()), Status::content_too_large);
}

TEST(RequestParser, ChunkedContentStopsAtTheLimit) {
    const RequestLimits limits{.body = 8};
    EXPECT_EQ(
        parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n0\r\n\r\n", 1, limits)
            .requests.size(),
        1U);
    EXPECT_EQ(
        refusal_of(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n1\r\nx\r\n0\r\n\r\n",
            limits),
        Refusal::body_too_large);
    EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n", limits),
              Refusal::body_too_large);
}

struct Refused {
    std::string_view request;
    Refusal refusal;
    Status status;
};

class RefusedRequest : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedRequest, HasTheRightReasonAndStatusHoweverItIsCut) {
    const Refusal why = refusal_of(GetParam().request);
    EXPECT_EQ(why, GetParam().refusal) << describe(why) << "\n" << GetParam().request;
    EXPECT_EQ(status(why), GetParam().status);
}

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
INSTANTIATE_TEST_SUITE_P(
    Smuggling, RefusedRequest,
    ::testing::Values(Refused{POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                              Refusal::bad_transfer_encoding, Status::bad_request},
                      Refused{POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
                              Refusal::bad_content_length, Status::bad_request},
                      Refused{POST "Transfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
                              Refusal::length_with_transfer_encoding, Status::bad_request},
                      Refused{POST "Transfer-Encoding: gzip\r\n\r\n", Refusal::unsupported_transfer_encoding,
                              Status::not_implemented},
                      Refused{POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                              Refusal::unsupported_transfer_encoding, Status::not_implemented},
                      Refused{POST "Transfer-Encoding: chunked, gzip\r\n\r\n", Refusal::unsupported_transfer_encoding,
                              Status::not_implemented},
                      Refused{POST "Transfer-Encoding: chunked, identity\r\n\r\n",
                              Refusal::unsupported_transfer_encoding, Status::not_implemented},
                      Refused{POST "Transfer-Encoding: identity\r\n\r\n", Refusal::unsupported_transfer_encoding,
                              Status::not_implemented},
                      Refused{POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                              Refusal::unsupported_transfer_encoding, Status::not_implemented},
                      Refused{POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
                              Refusal::unsupported_transfer_encoding, Status::not_implemented},
                      Refused{POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
                              Refusal::unsupported_transfer_encoding, Status::not_implemented},
                      Refused{POST "Transfer-Encoding:\r\n\r\n", Refusal::bad_transfer_encoding, Status::bad_request},
                      Refused{POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                              Refusal::bad_transfer_encoding, Status::bad_request},
                      Refused{POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                              Refusal::bad_transfer_encoding, Status::bad_request},
                      Refused{POST "Transfer-Encoding: \x0b"
                                   "chunked\r\n\r\n0\r\n\r\n",
                              Refusal::malformed_field, Status::bad_request},
                      Refused{POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", Refusal::malformed_field,
                              Status::bad_request},
                      Refused{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                              Refusal::transfer_encoding_in_http_1_0, Status::bad_request},
                      Refused{POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", Refusal::bad_content_length,
                              Status::bad_request},
                      Refused{POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", Refusal::bad_content_length,
                              Status::bad_request},
                      Refused{POST "Content-Length: 3, 3\r\n\r\nabc", Refusal::bad_content_length, Status::bad_request},
                      Refused{POST "Content-Length: +3\r\n\r\nabc", Refusal::bad_content_length, Status::bad_request},
                      Refused{POST "Content-Length: -3\r\n\r\nabc", Refusal::bad_content_length, Status::bad_request},
                      Refused{POST "Content-Length: 0x3\r\n\r\nabc", Refusal::bad_content_length, Status::bad_request},
                      Refused{POST "Content-Length: 3 4\r\n\r\nabc", Refusal::bad_content_length, Status::bad_request},
                      Refused{POST "Content-Length:\r\n\r\n", Refusal::bad_content_length, Status::bad_request},
                      Refused{POST "Content-Length: 18446744073709551619\r\n\r\nabc", Refusal::bad_content_length,
                              Status::bad_request},
                      Refused{POST "Content-Length : 3\r\n\r\nabc", Refusal::malformed_field, Status::bad_request},
                      Refused{POST "Content-Length: 3\r\n X: y\r\n\r\nabc", Refusal::folded_field, Status::bad_request},
                      Refused{POST "\tX: y\r\n\r\n", Refusal::folded_field, Status::bad_request}));

INSTANTIATE_TEST_SUITE_P(
    Chunks, RefusedRequest,
    ::testing::Values(Refused{CHUNKED "x\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED " 1\r\na\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "1 \r\na\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "0x1\r\na\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "+1\r\na\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "-1\r\na\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "1_0\r\na\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "1\na\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "1\r\rna\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "1\r\nab\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "1\r\na\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "1;a\nb\r\na\r\n0\r\n\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "FFFFFFFFFFFFFFFF0\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "0000000000000000\r\n\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "FFFFFFFFFFFFFFF\r\n", Refusal::body_too_large, Status::content_too_large},
                      Refused{CHUNKED "0\r\n: x\r\n\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "0\r\nA : x\r\n\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "0\r\n x\r\n\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "0\r\nA: x\n\r\n", Refusal::bad_chunk, Status::bad_request},
                      Refused{CHUNKED "0\r\nGET / HTTP/1.1\r\n\r\n", Refusal::bad_chunk, Status::bad_request}));

INSTANTIATE_TEST_SUITE_P(
    Lines, RefusedRequest,
    ::testing::Values(
        Refused{"GET / HTTP/1.1\nHost: a\n\n", Refusal::bad_line_ending, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a\r\rX: y\r\n\r\n", Refusal::bad_line_ending, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", Refusal::bad_line_ending, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a\r\n\rX", Refusal::bad_line_ending, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a\r\n\n", Refusal::bad_line_ending, Status::bad_request},
        Refused{{"GET / HTTP/1.1\r\nHost: a\r\nX: \0y\r\n\r\n", 40}, Refusal::malformed_field, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", Refusal::malformed_field, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", Refusal::malformed_field, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", Refusal::malformed_field, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a\r\nX[]: y\r\n\r\n", Refusal::malformed_field, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a\r\nX Y: y\r\n\r\n", Refusal::malformed_field, Status::bad_request},
        Refused{"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::malformed_request_line, Status::bad_request},
        Refused{" GET / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::malformed_request_line, Status::bad_request},
        Refused{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::malformed_request_line, Status::bad_request},
        Refused{"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::malformed_request_line, Status::bad_request},
        Refused{"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Refusal::malformed_request_line, Status::bad_request},
        Refused{"GET /\r\nHost: a\r\n\r\n", Refusal::malformed_request_line, Status::bad_request},
        Refused{"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", Refusal::malformed_request_line, Status::bad_request},
        Refused{"GET / http/1.1\r\nHost: a\r\n\r\n", Refusal::malformed_request_line, Status::bad_request},
        Refused{"\x16\x03\x01\x02", Refusal::malformed_field, Status::bad_request}));

INSTANTIATE_TEST_SUITE_P(
    Meaning, RefusedRequest,
    ::testing::Values(
        Refused{"GET / HTTP/1.1\r\n\r\n", Refusal::missing_host, Status::bad_request},
        Refused{"GET http://a/ HTTP/1.1\r\n\r\n", Refusal::missing_host, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Refusal::bad_host, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost:\r\n\r\n", Refusal::bad_host, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Refusal::bad_host, Status::bad_request},
        Refused{"GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n", Refusal::bad_host, Status::bad_request},
        Refused{"GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target, Status::bad_request},
        Refused{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target, Status::bad_request},
        Refused{"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target, Status::bad_request},
        Refused{"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::unknown_method, Status::not_implemented},
        Refused{"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::unknown_method, Status::not_implemented},
        Refused{"get / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::unknown_method, Status::not_implemented},
        Refused{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refusal::unsupported_version, Status::http_version_not_supported},
        Refused{"GET / HTTP/1.2\r\nHost: a\r\n\r\n", Refusal::unsupported_version, Status::http_version_not_supported},
        Refused{"GET / HTTP/0.9\r\nHost: a\r\n\r\n", Refusal::unsupported_version, Status::http_version_not_supported},
        Refused{"GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", Refusal::unsupported_expectation,
                Status::expectation_failed}));

TEST(RequestParser, LimitsTheTargetTheHeaderAndTheNumberOfFields) {
    const std::string host = " HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(parse("GET /" + std::string(8191, 'a') + host + "\r\n").requests.size(), 1U);
    EXPECT_EQ(refusal_of("GET /" + std::string(8192, 'a') + host + "\r\n"), Refusal::target_too_long);
    EXPECT_EQ(refusal_of("GET /" + std::string(9000, 'a')), Refusal::target_too_long)
        << "without waiting for the end of the line";
    EXPECT_EQ(status(Refusal::target_too_long), Status::uri_too_long);

    EXPECT_EQ(parse("GET /" + host + "X: " + std::string(16'000, 'a') + "\r\n\r\n").requests.size(), 1U);
    EXPECT_EQ(refusal_of("GET /" + host + "X: " + std::string(16'400, 'a') + "\r\n\r\n"), Refusal::header_too_large);
    EXPECT_EQ(status(Refusal::header_too_large), Status::request_header_fields_too_large);

    std::string fields;
    for (int i = 0; i < 99; ++i) {
        fields += "A: b\r\n";
    }
    EXPECT_EQ(parse("GET /" + host + fields + "\r\n").requests.size(), 1U);
    EXPECT_EQ(refusal_of("GET /" + host + fields + "A: b\r\n\r\n"), Refusal::too_many_fields);
    EXPECT_EQ(status(Refusal::too_many_fields), Status::request_header_fields_too_large);
}

TEST(RequestParser, LimitsChunkExtensionsAndTrailers) {
    EXPECT_EQ(parse(CHUNKED "1;" + std::string(256, 'e') + "\r\na\r\n0;" + std::string(256, 'e') + "\r\n\r\n")
                  .requests.size(),
              1U);
    EXPECT_EQ(refusal_of(CHUNKED "1;" + std::string(257, 'e') + "\r\na\r\n"), Refusal::bad_chunk);
    EXPECT_EQ(refusal_of(CHUNKED "0\r\nT: " + std::string(5000, 't')), Refusal::trailer_too_large);
}

TEST(RequestParser, TrailersNeverBecomeHeaderFields) {
    const Request request = only(CHUNKED "0\r\nContent-Length: 7\r\nAuthorization: Bearer x\r\n\r\n");
    EXPECT_EQ(request.bearer_token(), std::nullopt);
    EXPECT_EQ(request.fields.size(), 2U);
}

TEST(RequestParser, OldClientsNeedNoHostAndTheirExpectationsAreIgnored) {
    const Request request = only("GET / HTTP/1.0\r\nExpect: anything\r\n\r\n");
    EXPECT_EQ(request.host(), "");
    EXPECT_FALSE(request.keeps_alive());
    EXPECT_FALSE(request.expects_continue());
    EXPECT_TRUE(only("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").target.is_asterisk());
    EXPECT_EQ(only("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n").host(), "b");
}

// The same bytes, cut anywhere, give the same requests, the same refusal, and leave the same bytes unread.
RC_GTEST_PROP(RequestParserProperty, DoesNotDependOnWhereTheBytesWereCut, ()) {
    static const std::vector<std::string> parts{
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
        CHUNKED "3\r\nabc\r\nA;x\r\n0123456789\r\n0\r\nT: u\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        CHUNKED "zz\r\n",
        POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nx",
    };
    std::string stream;
    for (const auto index :
         *rc::gen::container<std::vector<std::size_t>>(6, rc::gen::inRange<std::size_t>(0, parts.size()))) {
        stream += parts[index];
    }
    if (*rc::gen::arbitrary<bool>()) {
        stream[*rc::gen::inRange<std::size_t>(0, stream.size())] = static_cast<char>(*rc::gen::inRange<int>(-128, 128));
    }
    const Outcome whole = parse(stream);
    const Outcome cut = parse(stream, *rc::gen::inRange<std::size_t>(1, 20));
    RC_ASSERT(whole.refusal == cut.refusal);
    RC_ASSERT(whole.unread == cut.unread);
    RC_ASSERT(whole.midway == cut.midway);
    RC_ASSERT(whole.requests.size() == cut.requests.size());
    for (std::size_t i = 0; i < whole.requests.size(); ++i) {
        RC_ASSERT(whole.requests[i].body == cut.requests[i].body);
        RC_ASSERT(whole.requests[i].path() == cut.requests[i].path());
        RC_ASSERT(whole.requests[i].fields.size() == cut.requests[i].fields.size());
    }
}

} // namespace
} // namespace fairlead::http
