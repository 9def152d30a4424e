#include "http/response.hpp"

#include "text/ascii.hpp"
#include "text/format.hpp"

#include <array>
#include <charconv>

namespace fairlead::http {
namespace {

void append_number(std::string& out, std::size_t value, int base = 10) {
    char digits[24];
    const auto [end, ec] = std::to_chars(digits, digits + sizeof digits, value, base);
    out.append(digits, end);
}

/// What only the writer knows.
bool is_framing_field(std::string_view name) {
    return text::equal_ignoring_case(name, "Content-Length") || text::equal_ignoring_case(name, "Transfer-Encoding");
}

enum class Length : std::uint8_t { known, chunked, until_end, none };

void write_head(const Response& response, const Exchange& exchange, Length length, std::string& out) {
    const Status status = response.is_well_formed() ? response.status() : Status::internal_server_error;
    out.append("HTTP/1.1 ");
    append_number(out, code(status));
    out.append(" ").append(reason(status)).append("\r\n");
    bool has_connection = false;
    if (response.is_well_formed()) {
        for (const auto& [name, value] : response.fields()) {
            if (is_framing_field(name)) {
                continue;
            }
            has_connection = has_connection || text::equal_ignoring_case(name, "Connection");
            out.append(name).append(": ").append(value).append("\r\n");
        }
    }
    if (length == Length::known) {
        out.append("Content-Length: ");
        append_number(out, response.is_well_formed() ? response.content().size() : 0);
        out.append("\r\n");
    } else if (length == Length::chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    }
    const bool keep_alive = exchange.keep_alive && !response.closes_connection();
    if (!has_connection && !keep_alive) {
        out.append("Connection: close\r\n");
    } else if (!has_connection && exchange.minor_version == 0) {
        out.append("Connection: keep-alive\r\n");
    }
    out.append("\r\n");
}

Length length_of(const Response& response) {
    return response.is_well_formed() && forbids_content(response.status()) ? Length::none : Length::known;
}

} // namespace

Response Response::text(Status status, std::string_view text) {
    Response response(status);
    response.set("Content-Type", "text/plain; charset=utf-8").body(std::string(text));
    return response;
}

Response Response::json(Status status, std::string json) {
    Response response(status);
    response.set("Content-Type", "application/json").body(std::move(json));
    return response;
}

Response Response::redirect(Status status, std::string_view location) {
    Response response(status);
    response.set("Location", location);
    return response;
}

Response& Response::set(std::string_view name, std::string_view value) {
    well_formed_ = fields_.set(name, value) && well_formed_;
    return *this;
}

Response& Response::add(std::string_view name, std::string_view value) {
    well_formed_ = fields_.add(name, value) && well_formed_;
    return *this;
}

Response& Response::set_default(std::string_view name, std::string_view value) {
    return fields_.contains(name) ? *this : add(name, value);
}

Response& Response::body(std::string content) {
    content_ = std::move(content);
    return *this;
}

Response& Response::body_static(Bytes content) {
    content_ = content;
    return *this;
}

Bytes Response::content() const {
    if (const auto* text = std::get_if<std::string>(&content_)) {
        return as_bytes(*text);
    }
    return std::get<Bytes>(content_);
}

void write_head(const Response& response, const Exchange& exchange, std::string& out) {
    write_head(response, exchange, length_of(response), out);
}

Bytes content_of(const Response& response, const Exchange& exchange) {
    const bool has_content =
        exchange.method != Method::head && response.is_well_formed() && !forbids_content(response.status());
    return has_content ? response.content() : Bytes{};
}

void write(const Response& response, const Exchange& exchange, std::string& out) {
    write_head(response, exchange, out);
    out.append(as_text(content_of(response, exchange)));
}

std::string http_date(UnixTime time) {
    using namespace std::chrono;
    constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = floor<std::chrono::days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[weekday(day).c_encoding()],
                       unsigned{date.day()}, months[unsigned{date.month()} - 1], int{date.year()},
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

ChunkedWriter::ChunkedWriter(const Response& response, const Exchange& exchange, std::string& out)
    : chunks_(exchange.minor_version >= 1),
      silent_(exchange.method == Method::head || !response.is_well_formed() || forbids_content(response.status())) {
    if (length_of(response) == Length::none || !response.is_well_formed()) {
        write_head(response, exchange, out);
    } else {
        write_head(response, exchange, chunks_ ? Length::chunked : Length::until_end, out);
    }
}

void ChunkedWriter::write(std::string_view piece, std::string& out) const {
    if (piece.empty() || silent_) {
        return;
    }
    if (!chunks_) {
        out.append(piece);
        return;
    }
    append_number(out, piece.size(), 16);
    out.append("\r\n").append(piece).append("\r\n");
}

void ChunkedWriter::finish(std::string& out) const {
    if (chunks_ && !silent_) {
        out.append("0\r\n\r\n");
    }
}

} // namespace fairlead::http
