#pragma once

#include "bytes/bytes.hpp"
#include "http/chunked.hpp"
#include "http/header_section.hpp"
#include "http/request.hpp"
#include "http/status.hpp"

namespace fairlead::http {

/// Why a request is not served. The connection ends after the answer: where the next request begins is anybody's guess.
enum class Refusal : std::uint8_t {
    malformed_request_line,
    unknown_method,
    bad_target,
    target_too_long,
    unsupported_version,
    bad_line_ending,
    malformed_field,
    folded_field,
    too_many_fields,
    header_too_large,
    missing_host,
    bad_host,
    bad_content_length,
    bad_transfer_encoding,
    unsupported_transfer_encoding,
    length_with_transfer_encoding,
    transfer_encoding_in_http_1_0,
    bad_chunk,
    trailer_too_large,
    body_too_large,
    unsupported_expectation,
};
inline constexpr std::size_t refusal_count = static_cast<std::size_t>(Refusal::unsupported_expectation) + 1;
[[nodiscard]] std::string_view describe(Refusal refusal);
/// The answer that fits.
[[nodiscard]] Status status(Refusal refusal);

struct RequestLimits {
    std::size_t target = 8 * 1024;
    /// Request line and header fields together, line ends included.
    std::size_t header = 16 * 1024;
    std::size_t fields = 100;
    std::size_t body = 64 * 1024;
};

/// HTTP/1.1 requests (RFC 9112) out of a byte stream, one after the other. The bytes may come in pieces of any size;
/// the result, refusals included, does not depend on where they were cut.
///
///     while (!input.empty() && parser.stage() < Stage::complete) input = input.subspan(parser.push(input));
///
/// Beast's basic_parser reads the header section once it is whole; what RFC 9112 leaves to taste and attackers use is
/// settled around it. Lines end with CRLF and with nothing else. No folded lines. The only transfer coding is
/// `chunked`, alone, never together with Content-Length (RFC 9112 section 6.1 allows the pair; we do not), never in
/// HTTP/1.0. Content-Length is one number in one field. Trailer fields are checked and dropped.
class RequestParser {
public:
    enum class Stage : std::uint8_t {
        header,   // before or inside the header section
        body,     // head() is valid; content follows
        complete, // take() is due
        refused,  // refusal() says why; nothing more is consumed
    };

    explicit RequestParser(RequestLimits limits = {}) : limits_(limits), body_limit_(limits.body) {}

    /// Takes bytes from the front of `input` and returns how many. Stops behind the header section, so that the caller
    /// can look at head(), and behind the message: what follows belongs to the next request.
    [[nodiscard]] std::size_t push(Bytes input);

    [[nodiscard]] Stage stage() const { return stage_; }
    /// Something of a request has arrived, but not all: an end of the stream now is a broken request.
    [[nodiscard]] bool is_midway() const {
        return stage_ == Stage::body || (stage_ == Stage::header && section_.is_started());
    }

    /// Valid in stages body and complete.
    [[nodiscard]] const Request& head() const { return request_; }
    /// In stage body: how much content this request may have. Refuses at once when its Content-Length says more.
    void limit_body(std::size_t at_most);

    /// In stage complete: hands the request over and begins anew.
    [[nodiscard]] Request take();
    /// In stage refused.
    [[nodiscard]] Refusal refusal() const { return refusal_; }

private:
    void push_body(Bytes& input);
    void finish_header();
    void decide_framing();
    void refuse(Refusal why);

    RequestLimits limits_;
    std::size_t body_limit_;
    HeaderSection section_;
    ChunkedDecoder chunks_;
    Request request_;
    std::uint64_t expected_ = 0; // content bytes still to come, when their number was announced
    Stage stage_ = Stage::header;
    Refusal refusal_{};
    bool chunked_ = false;
};

} // namespace fairlead::http
