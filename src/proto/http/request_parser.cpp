#include "http/request_parser.hpp"

#include "text/ascii.hpp"

#include <algorithm>

namespace fairlead::http {
namespace {

/// Room for the method, two blanks and the version around the target.
constexpr std::size_t request_line_overhead = 32;

Refusal refusal_of(HeaderFault fault) {
    switch (fault) {
    case HeaderFault::bad_line_ending:
        return Refusal::bad_line_ending;
    case HeaderFault::folded_field:
        return Refusal::folded_field;
    case HeaderFault::start_line_too_long:
        return Refusal::target_too_long;
    case HeaderFault::too_large:
        return Refusal::header_too_large;
    case HeaderFault::malformed_start_line:
        return Refusal::malformed_request_line;
    case HeaderFault::bad_version:
        return Refusal::unsupported_version;
    case HeaderFault::too_many_fields:
        return Refusal::too_many_fields;
    case HeaderFault::bad_content_length:
        return Refusal::bad_content_length;
    case HeaderFault::bad_transfer_encoding:
        return Refusal::bad_transfer_encoding;
    case HeaderFault::control_character:
    case HeaderFault::malformed_field:
        break;
    }
    return Refusal::malformed_field;
}

} // namespace

std::string_view describe(Refusal refusal) {
    switch (refusal) {
    case Refusal::malformed_request_line:
        return "malformed request line";
    case Refusal::unknown_method:
        return "unknown method";
    case Refusal::bad_target:
        return "bad request target";
    case Refusal::target_too_long:
        return "request target too long";
    case Refusal::unsupported_version:
        return "unsupported HTTP version";
    case Refusal::bad_line_ending:
        return "line that does not end with CRLF";
    case Refusal::malformed_field:
        return "malformed header field";
    case Refusal::folded_field:
        return "folded header field";
    case Refusal::too_many_fields:
        return "too many header fields";
    case Refusal::header_too_large:
        return "header section too large";
    case Refusal::missing_host:
        return "no Host field";
    case Refusal::bad_host:
        return "malformed or repeated Host field";
    case Refusal::bad_content_length:
        return "malformed or repeated Content-Length";
    case Refusal::bad_transfer_encoding:
        return "malformed or repeated Transfer-Encoding";
    case Refusal::unsupported_transfer_encoding:
        return "transfer coding other than chunked";
    case Refusal::length_with_transfer_encoding:
        return "Content-Length together with Transfer-Encoding";
    case Refusal::transfer_encoding_in_http_1_0:
        return "Transfer-Encoding in HTTP/1.0";
    case Refusal::bad_chunk:
        return "malformed chunk";
    case Refusal::trailer_too_large:
        return "trailer section too large";
    case Refusal::body_too_large:
        return "content too large";
    case Refusal::unsupported_expectation:
        return "expectation other than 100-continue";
    }
    return "unknown";
}

Status status(Refusal refusal) {
    switch (refusal) {
    case Refusal::unknown_method:
    case Refusal::unsupported_transfer_encoding:
        return Status::not_implemented;
    case Refusal::target_too_long:
        return Status::uri_too_long;
    case Refusal::unsupported_version:
        return Status::http_version_not_supported;
    case Refusal::too_many_fields:
    case Refusal::header_too_large:
    case Refusal::trailer_too_large:
        return Status::request_header_fields_too_large;
    case Refusal::body_too_large:
        return Status::content_too_large;
    case Refusal::unsupported_expectation:
        return Status::expectation_failed;
    case Refusal::malformed_request_line:
    case Refusal::bad_target:
    case Refusal::bad_line_ending:
    case Refusal::malformed_field:
    case Refusal::folded_field:
    case Refusal::missing_host:
    case Refusal::bad_host:
    case Refusal::bad_content_length:
    case Refusal::bad_transfer_encoding:
    case Refusal::length_with_transfer_encoding:
    case Refusal::transfer_encoding_in_http_1_0:
    case Refusal::bad_chunk:
        break;
    }
    return Status::bad_request;
}

std::size_t RequestParser::push(Bytes input) {
    Bytes rest = input;
    if (stage_ == Stage::header) {
        switch (section_.push(rest, limits_.target + request_line_overhead, limits_.header)) {
        case HeaderSection::Step::more:
            break;
        case HeaderSection::Step::faulty:
            refuse(refusal_of(section_.fault()));
            break;
        case HeaderSection::Step::complete:
            finish_header();
            section_.clear();
            break;
        }
    } else if (stage_ == Stage::body) {
        push_body(rest);
    }
    return input.size() - rest.size();
}

void RequestParser::finish_header() {
    RequestHead head;
    if (const auto fault = read(section_.text(), limits_.fields, head)) {
        return refuse(refusal_of(*fault));
    }
    if (head.target.size() > limits_.target) {
        return refuse(Refusal::target_too_long);
    }
    const auto method = parse_method(head.method);
    if (!method) {
        return refuse(Refusal::unknown_method);
    }
    auto target = Target::parse(head.target);
    // "The asterisk-form of request-target is only used for a server-wide OPTIONS request" (RFC 9112 section 3.2.4).
    if (!target || (target->is_asterisk() && *method != Method::options)) {
        return refuse(Refusal::bad_target);
    }
    request_.method = *method;
    request_.target = std::move(*target);
    request_.minor_version = head.minor_version;
    request_.fields = std::move(head.fields);

    // RFC 9112 section 3.2: 400 to a request without Host, with more than one, or with an invalid one.
    const std::size_t hosts = request_.fields.count("Host");
    if (hosts == 0 && request_.minor_version >= 1) {
        return refuse(Refusal::missing_host);
    }
    if (hosts > 1 || (hosts == 1 && !is_authority(*request_.fields.find("Host")))) {
        return refuse(Refusal::bad_host);
    }
    const auto expectation = request_.fields.find("Expect");
    if (expectation && request_.minor_version >= 1 && !text::equal_ignoring_case(*expectation, "100-continue")) {
        return refuse(Refusal::unsupported_expectation);
    }
    decide_framing();
}

void RequestParser::decide_framing() {
    const Fields& fields = request_.fields;
    const std::size_t lengths = fields.count("Content-Length");
    if (const auto coding = fields.find("Transfer-Encoding")) {
        if (lengths > 0) {
            return refuse(Refusal::length_with_transfer_encoding);
        }
        if (request_.minor_version == 0) {
            return refuse(Refusal::transfer_encoding_in_http_1_0);
        }
        if (fields.count("Transfer-Encoding") > 1 || coding->empty()) {
            return refuse(Refusal::bad_transfer_encoding);
        }
        if (!text::equal_ignoring_case(*coding, "chunked")) {
            return refuse(Refusal::unsupported_transfer_encoding);
        }
        chunked_ = true;
        stage_ = Stage::body;
        return;
    }
    if (lengths == 0) {
        stage_ = Stage::complete;
        return;
    }
    const auto length = parse_content_length(*fields.find("Content-Length"));
    if (lengths > 1 || !length) {
        return refuse(Refusal::bad_content_length);
    }
    expected_ = *length;
    stage_ = expected_ == 0 ? Stage::complete : Stage::body;
}

void RequestParser::limit_body(std::size_t at_most) {
    body_limit_ = at_most;
    if (stage_ == Stage::body && expected_ > body_limit_ - std::min(body_limit_, request_.body.size())) {
        refuse(Refusal::body_too_large);
    }
}

void RequestParser::push_body(Bytes& input) {
    if (!chunked_) {
        limit_body(body_limit_);
        if (stage_ == Stage::refused) {
            return;
        }
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(expected_, input.size()));
        request_.body.append(as_text(input.first(n)));
        input = input.subspan(n);
        expected_ -= n;
        stage_ = expected_ == 0 ? Stage::complete : Stage::body;
        return;
    }
    switch (chunks_.push(input, request_.body, body_limit_)) {
    case ChunkedDecoder::Step::more:
        break;
    case ChunkedDecoder::Step::complete:
        stage_ = Stage::complete;
        break;
    case ChunkedDecoder::Step::malformed:
        refuse(Refusal::bad_chunk);
        break;
    case ChunkedDecoder::Step::trailer_too_large:
        refuse(Refusal::trailer_too_large);
        break;
    case ChunkedDecoder::Step::content_too_large:
        refuse(Refusal::body_too_large);
        break;
    }
}

Request RequestParser::take() {
    Request request = std::move(request_);
    *this = RequestParser(limits_);
    return request;
}

void RequestParser::refuse(Refusal why) {
    refusal_ = why;
    stage_ = Stage::refused;
}

} // namespace fairlead::http
