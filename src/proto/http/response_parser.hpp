#pragma once

#include "http/chunked.hpp"
#include "http/header_section.hpp"
#include "http/status.hpp"

namespace fairlead::http {

struct ReceivedResponse {
    /// 100 to 599; not necessarily one that Status names.
    unsigned status = 0;
    unsigned minor_version = 1;
    Fields fields;
    std::string body;

    [[nodiscard]] bool keeps_alive() const;
};

enum class ResponseFault : std::uint8_t {
    malformed_header,
    header_too_large,
    bad_framing, // Content-Length or Transfer-Encoding that we would have to guess about
    bad_chunk,
    body_too_large,
    truncated, // the stream ended inside the response
};
[[nodiscard]] std::string_view describe(ResponseFault fault);

struct ResponseLimits {
    std::size_t header = 16 * 1024;
    std::size_t fields = 100;
    std::size_t body = 64 * 1024;
};

/// HTTP/1.x responses out of a byte stream, with the same strictness as RequestParser. Interim responses (1xx) other
/// than 101 are skipped.
class ResponseParser {
public:
    enum class Stage : std::uint8_t { header, body, complete, faulty };

    explicit ResponseParser(ResponseLimits limits = {}) : limits_(limits) {}

    /// A response to HEAD has no content, whatever its fields say. To be told before the response arrives.
    void expect_no_content(bool no_content) { no_content_ = no_content; }

    /// Takes bytes from the front of `input` and returns how many; nothing behind the message.
    [[nodiscard]] std::size_t push(Bytes input);
    /// The stream has ended: completes a response whose length is "until the end", else makes it truncated.
    void end();

    [[nodiscard]] Stage stage() const { return stage_; }
    [[nodiscard]] ResponseFault fault() const { return fault_; }
    [[nodiscard]] const ReceivedResponse& head() const { return response_; }
    /// In stage complete: hands the response over and begins anew.
    [[nodiscard]] ReceivedResponse take();

private:
    enum class Framing : std::uint8_t { none, length, chunked, until_end };
    void finish_header();
    void push_body(Bytes& input);
    void fail(ResponseFault why);

    ResponseLimits limits_;
    HeaderSection section_;
    ChunkedDecoder chunks_;
    ReceivedResponse response_;
    std::uint64_t expected_ = 0;
    Stage stage_ = Stage::header;
    Framing framing_ = Framing::none;
    ResponseFault fault_{};
    bool no_content_ = false;
};

} // namespace fairlead::http
