#pragma once

#include "bytes/bytes.hpp"
#include "http/fields.hpp"
#include "http/method.hpp"
#include "http/status.hpp"
#include "time/instant.hpp"

#include <variant>

namespace fairlead::http {

/// What a handler answers. Content-Length, Connection and Date are the writer's business and ignored here.
class Response {
public:
    explicit Response(Status status = Status::ok) : status_(status) {}

    [[nodiscard]] static Response text(Status status, std::string_view text);
    [[nodiscard]] static Response json(Status status, std::string json);
    /// 308 keeps the method, 303 turns it into GET.
    [[nodiscard]] static Response redirect(Status status, std::string_view location);

    [[nodiscard]] Status status() const { return status_; }
    [[nodiscard]] const Fields& fields() const { return fields_; }

    /// A name or value that may not stand in a header (RFC 9110 section 5.5) spoils the response: it is written as 500,
    /// without any of its fields. Values made from what a peer sent cannot add header lines this way.
    Response& set(std::string_view name, std::string_view value);
    Response& add(std::string_view name, std::string_view value);
    /// Adds nothing when the field is there already.
    Response& set_default(std::string_view name, std::string_view value);
    [[nodiscard]] bool is_well_formed() const { return well_formed_; }

    Response& body(std::string content);
    /// `content` must outlive the response: embedded assets, literals.
    Response& body_static(Bytes content);
    [[nodiscard]] Bytes content() const;

    /// The connection ends behind this response.
    Response& close_connection() {
        closes_ = true;
        return *this;
    }
    [[nodiscard]] bool closes_connection() const { return closes_; }

private:
    Status status_;
    Fields fields_;
    std::variant<std::string, Bytes> content_;
    bool closes_ = false;
    bool well_formed_ = true;
};

/// What the writer must know of the request.
struct Exchange {
    Method method = Method::get;
    unsigned minor_version = 1;
    bool keep_alive = true;
};

/// Writes status line and header section of `response` behind `out`: with Content-Length (RFC 9110 section 8.6) unless
/// the status forbids content, and with Connection where the version's default is not what happens.
void write_head(const Response& response, const Exchange& exchange, std::string& out);
/// The whole of it; without the content for HEAD and where the status forbids it.
void write(const Response& response, const Exchange& exchange, std::string& out);

/// The content that follows the header section in this exchange: none for HEAD, or where the status forbids it.
[[nodiscard]] Bytes content_of(const Response& response, const Exchange& exchange);

/// A response whose length is not known when it begins: head, then any number of chunks, then the end. HTTP/1.0 knows
/// no chunks; there the content goes out bare and the end of the connection ends it (`exchange.keep_alive` must be
/// false).
class ChunkedWriter {
public:
    ChunkedWriter(const Response& response, const Exchange& exchange, std::string& out);
    /// An empty piece writes nothing (an empty chunk would end the message).
    void write(std::string_view piece, std::string& out) const;
    void finish(std::string& out) const;

private:
    bool chunks_;
    bool silent_;
};

/// IMF-fixdate (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string http_date(UnixTime time);

/// "HTTP/1.1 100 Continue" and its empty line.
inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

} // namespace fairlead::http
