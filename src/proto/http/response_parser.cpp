#include "http/response_parser.hpp"

#include "text/ascii.hpp"

#include <algorithm>

namespace fairlead::http {

bool ReceivedResponse::keeps_alive() const {
    if (fields.lists("Connection", "close")) {
        return false;
    }
    return minor_version >= 1 || fields.lists("Connection", "keep-alive");
}

std::string_view describe(ResponseFault fault) {
    switch (fault) {
    case ResponseFault::malformed_header:
        return "malformed response header";
    case ResponseFault::header_too_large:
        return "response header too large";
    case ResponseFault::bad_framing:
        return "ambiguous length of the response";
    case ResponseFault::bad_chunk:
        return "malformed chunk";
    case ResponseFault::body_too_large:
        return "response content too large";
    case ResponseFault::truncated:
        return "response cut short";
    }
    return "unknown";
}

std::size_t ResponseParser::push(Bytes input) {
    Bytes rest = input;
    while (!rest.empty() && stage_ != Stage::complete && stage_ != Stage::faulty) {
        if (stage_ == Stage::body) {
            push_body(rest);
            continue;
        }
        switch (section_.push(rest, limits_.header, limits_.header)) {
        case HeaderSection::Step::more:
            break;
        case HeaderSection::Step::faulty: {
            const HeaderFault why = section_.fault();
            fail(why == HeaderFault::too_large || why == HeaderFault::start_line_too_long
                     ? ResponseFault::header_too_large
                     : ResponseFault::malformed_header);
            break;
        }
        case HeaderSection::Step::complete:
            finish_header();
            section_.clear();
            break;
        }
    }
    return input.size() - rest.size();
}

void ResponseParser::finish_header() {
    ResponseHead head;
    if (read(section_.text(), limits_.fields, head)) {
        return fail(ResponseFault::malformed_header);
    }
    if (head.status < 100 || head.status > 599) {
        return fail(ResponseFault::malformed_header);
    }
    if (head.status < 200 && head.status != 101) {
        return; // an interim response; the real one follows
    }
    response_.status = head.status;
    response_.minor_version = head.minor_version;
    response_.fields = std::move(head.fields);
    const Fields& fields = response_.fields;
    if (no_content_ || head.status == 101 || head.status == 204 || head.status == 304) {
        stage_ = Stage::complete;
        return;
    }
    stage_ = Stage::body;
    const std::size_t lengths = fields.count("Content-Length");
    if (const auto coding = fields.find("Transfer-Encoding")) {
        if (lengths > 0 || fields.count("Transfer-Encoding") > 1 || head.minor_version == 0 ||
            !text::equal_ignoring_case(*coding, "chunked")) {
            return fail(ResponseFault::bad_framing);
        }
        framing_ = Framing::chunked;
        return;
    }
    if (lengths == 0) {
        framing_ = Framing::until_end;
        return;
    }
    const auto length = parse_content_length(*fields.find("Content-Length"));
    if (lengths > 1 || !length) {
        return fail(ResponseFault::bad_framing);
    }
    if (*length > limits_.body) {
        return fail(ResponseFault::body_too_large);
    }
    framing_ = Framing::length;
    expected_ = *length;
    stage_ = expected_ == 0 ? Stage::complete : Stage::body;
}

void ResponseParser::push_body(Bytes& input) {
    if (framing_ == Framing::chunked) {
        switch (chunks_.push(input, response_.body, limits_.body)) {
        case ChunkedDecoder::Step::more:
            break;
        case ChunkedDecoder::Step::complete:
            stage_ = Stage::complete;
            break;
        case ChunkedDecoder::Step::malformed:
        case ChunkedDecoder::Step::trailer_too_large:
            fail(ResponseFault::bad_chunk);
            break;
        case ChunkedDecoder::Step::content_too_large:
            fail(ResponseFault::body_too_large);
            break;
        }
        return;
    }
    std::size_t n = input.size();
    if (framing_ == Framing::length) {
        n = static_cast<std::size_t>(std::min<std::uint64_t>(expected_, n));
        expected_ -= n;
    } else if (n > limits_.body - response_.body.size()) {
        return fail(ResponseFault::body_too_large);
    }
    response_.body.append(as_text(input.first(n)));
    input = input.subspan(n);
    if (framing_ == Framing::length && expected_ == 0) {
        stage_ = Stage::complete;
    }
}

void ResponseParser::end() {
    if (stage_ == Stage::body && framing_ == Framing::until_end) {
        stage_ = Stage::complete;
    } else if (stage_ != Stage::complete && stage_ != Stage::faulty) {
        fail(ResponseFault::truncated);
    }
}

ReceivedResponse ResponseParser::take() {
    ReceivedResponse response = std::move(response_);
    *this = ResponseParser(limits_);
    return response;
}

void ResponseParser::fail(ResponseFault why) {
    fault_ = why;
    stage_ = Stage::faulty;
}

} // namespace fairlead::http
