// links: http
// The first byte chooses the size of the pieces; the rest is a stream of requests.
// oracle: the same bytes in pieces give the same requests, the same refusal, and leave the same bytes unread; what was
// accepted is within the limits, and only one framing was possible.
#include "http/request_parser.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace fairlead;

namespace {

using Stage = http::RequestParser::Stage;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

struct Outcome {
    std::vector<http::Request> requests;
    std::optional<http::Refusal> refusal;
    std::size_t unread = 0;
};

Outcome parse(Bytes stream, std::size_t piece) {
    http::RequestParser parser({.target = 256, .header = 1024, .fields = 10, .body = 300});
    Outcome outcome;
    while (!stream.empty() && parser.stage() != Stage::refused) {
        const std::size_t taken = parser.push(stream.first(std::min(piece, stream.size())));
        require(taken > 0 || parser.stage() != Stage::header);
        stream = stream.subspan(taken);
        if (parser.stage() == Stage::complete) {
            outcome.requests.push_back(parser.take());
        }
    }
    if (parser.stage() == Stage::refused) {
        outcome.refusal = parser.refusal();
        require(http::code(http::status(*outcome.refusal)) >= 400);
    }
    outcome.unread = stream.size();
    return outcome;
}

void check(const http::Request& request) {
    const http::Fields& fields = request.fields;
    require(request.body.size() <= 300 && fields.size() <= 10);
    require(request.path() == "*" || request.path().starts_with('/'));
    require(request.path().find("/../") == std::string::npos && request.path().find('\0') == std::string::npos);
    require(fields.count("Content-Length") + fields.count("Transfer-Encoding") <= 1);
    require(!fields.contains("Transfer-Encoding") || request.minor_version == 1);
    if (const auto length = fields.find("Content-Length")) {
        require(std::to_string(request.body.size()) ==
                length->substr(std::min(length->find_first_not_of('0'), length->size() - 1)));
    } else if (!fields.contains("Transfer-Encoding")) {
        require(request.body.empty());
    }
    for (const auto& [name, value] : fields) {
        require(http::is_token(name) && http::is_field_value(value));
    }
    (void)request.target.parameters();
    (void)request.cookie("oidc");
    (void)request.bearer_token();
    (void)request.media_type();
    (void)http::accepts_encoding(fields, "gzip");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const Bytes stream = std::as_bytes(std::span(data, size)).subspan(1);
    const Outcome whole = parse(stream, stream.size());
    const Outcome cut = parse(stream, std::size_t{data[0]} % 40 + 1);
    require(whole.refusal == cut.refusal && whole.unread == cut.unread);
    require(whole.requests.size() == cut.requests.size());
    for (std::size_t i = 0; i < whole.requests.size(); ++i) {
        const http::Request& a = whole.requests[i];
        const http::Request& b = cut.requests[i];
        check(a);
        require(a.method == b.method && a.path() == b.path() && a.target.query() == b.target.query() &&
                a.body == b.body);
        require(a.fields.size() == b.fields.size() && a.minor_version == b.minor_version);
    }
    return 0;
}
