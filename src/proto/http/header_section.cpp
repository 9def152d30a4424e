#include "http/header_section.hpp"

#include "text/ascii.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <charconv>
#include <limits>

namespace fairlead::http {
namespace {

namespace beast = boost::beast::http;
using ErrorCode = boost::beast::error_code;

/// Whether a request line at least ends the way every version of HTTP ends it: "HTTP/2.0" is a version we do not speak,
/// "FOO" is no request.
bool names_http_version(std::string_view section) {
    const std::string_view line = section.substr(0, section.find('\r'));
    if (std::ranges::count(line, ' ') != 2) {
        return false;
    }
    const std::string_view version = line.substr(line.rfind(' ') + 1);
    return version.size() == 8 && version.starts_with("HTTP/") && text::is_digit(version[5]) && version[6] == '.' &&
           text::is_digit(version[7]);
}

HeaderFault fault_of(const ErrorCode& ec, std::string_view section) {
    if (ec == beast::error::bad_method || ec == beast::error::bad_target || ec == beast::error::bad_status) {
        return HeaderFault::malformed_start_line;
    }
    if (ec == beast::error::bad_version) {
        return names_http_version(section) ? HeaderFault::bad_version : HeaderFault::malformed_start_line;
    }
    if (ec == beast::error::bad_content_length || ec == beast::error::multiple_content_length) {
        return HeaderFault::bad_content_length;
    }
    if (ec == beast::error::bad_transfer_encoding) {
        return HeaderFault::bad_transfer_encoding;
    }
    return HeaderFault::malformed_field;
}

/// Beast's parser is handed one whole header section and asked for nothing else: it is told that no body follows.
template <bool is_request, class Head>
class Reader final : public beast::basic_parser<is_request> {
public:
    Reader(Head& head, std::size_t field_limit) : head_(head), field_limit_(field_limit) { this->skip(true); }

    std::optional<HeaderFault> read(const std::string& section) {
        this->header_limit(std::numeric_limits<std::uint32_t>::max());
        ErrorCode ec;
        const std::size_t read = this->put(boost::asio::const_buffer(section.data(), section.size()), ec);
        if (fault_) {
            return fault_;
        }
        if (ec) {
            return fault_of(ec, section);
        }
        // What Beast leaves over would be content to us and header to somebody else.
        if (read != section.size() || !this->is_header_done()) {
            return HeaderFault::malformed_field;
        }
        return std::nullopt;
    }

private:
    using text = boost::beast::string_view;

    void on_request_impl(beast::verb, text method, text target, int version, ErrorCode& ec) override {
        if constexpr (is_request) {
            head_.method.assign(method.data(), method.size());
            head_.target.assign(target.data(), target.size());
            set_version(version, ec);
        }
    }
    void on_response_impl(int code, text, int version, ErrorCode& ec) override {
        if constexpr (!is_request) {
            head_.status = static_cast<unsigned>(code);
            set_version(version, ec);
        }
    }
    void on_field_impl(beast::field, text name, text value, ErrorCode& ec) override {
        if (head_.fields.size() == field_limit_) {
            stop(HeaderFault::too_many_fields, ec);
        } else if (!head_.fields.add({name.data(), name.size()}, {value.data(), value.size()})) {
            stop(HeaderFault::malformed_field, ec);
        }
    }
    void on_header_impl(ErrorCode&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
    std::size_t on_body_impl(text, ErrorCode&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, text, ErrorCode&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, text, ErrorCode&) override { return 0; }
    void on_finish_impl(ErrorCode&) override {}

    void set_version(int version, ErrorCode& ec) {
        if (version != 10 && version != 11) {
            stop(HeaderFault::bad_version, ec);
            return;
        }
        head_.minor_version = static_cast<unsigned>(version - 10);
    }
    void stop(HeaderFault why, ErrorCode& ec) {
        fault_ = why;
        ec = beast::error::bad_value;
    }

    Head& head_;
    std::size_t field_limit_;
    std::optional<HeaderFault> fault_;
};

} // namespace

HeaderSection::Step HeaderSection::push(Bytes& input, std::size_t start_line_limit, std::size_t limit) {
    const std::string_view text = as_text(input);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const Step step = take(text[i], start_line_limit, limit);
        if (step != Step::more) {
            input = input.subspan(i + 1);
            return step;
        }
    }
    input = {};
    return Step::more;
}

HeaderSection::Step HeaderSection::take(char c, std::size_t start_line_limit, std::size_t limit) {
    ++seen_;
    if (after_cr_) {
        if (c != '\n') {
            return fail(HeaderFault::bad_line_ending);
        }
        after_cr_ = false;
        if (text_.empty()) { // the one empty line that may stand in front of a request
            return Step::more;
        }
        text_ += "\r\n";
        const bool is_empty_line = line_ == 0;
        line_ = 0;
        in_start_line_ = false;
        return is_empty_line ? Step::complete : Step::more;
    }
    if (c == '\r') {
        if (text_.empty() && seen_ > 1) {
            return fail(HeaderFault::malformed_start_line);
        }
        after_cr_ = true;
        return Step::more;
    }
    if (c == '\n') {
        return fail(HeaderFault::bad_line_ending);
    }
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
        return fail(HeaderFault::control_character);
    }
    if (line_ == 0 && (c == ' ' || c == '\t')) {
        return fail(in_start_line_ ? HeaderFault::malformed_start_line : HeaderFault::folded_field);
    }
    ++line_;
    if (in_start_line_ && line_ > start_line_limit) {
        return fail(HeaderFault::start_line_too_long);
    }
    if (seen_ > limit) {
        return fail(HeaderFault::too_large);
    }
    text_ += c;
    return Step::more;
}

HeaderSection::Step HeaderSection::fail(HeaderFault why) {
    fault_ = why;
    return Step::faulty;
}

std::optional<HeaderFault> read(const std::string& section, std::size_t field_limit, RequestHead& head) {
    return Reader<true, RequestHead>(head, field_limit).read(section);
}

std::optional<HeaderFault> read(const std::string& section, std::size_t field_limit, ResponseHead& head) {
    return Reader<false, ResponseHead>(head, field_limit).read(section);
}

std::optional<std::uint64_t> parse_content_length(std::string_view value) {
    if (value.empty() || value.size() > 18 || !std::ranges::all_of(value, text::is_digit)) {
        return std::nullopt;
    }
    std::uint64_t length = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), length);
    return ec == std::errc{} && end == value.data() + value.size() ? std::optional(length) : std::nullopt;
}

} // namespace fairlead::http
