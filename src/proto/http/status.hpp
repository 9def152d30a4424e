#pragma once

#include <cstdint>
#include <string_view>

namespace fairlead::http {

/// The status codes that this server sends or understands (RFC 9110 section 15, RFC 6585).
enum class Status : std::uint16_t {
    continue_ = 100,
    switching_protocols = 101,
    ok = 200,
    created = 201,
    accepted = 202,
    no_content = 204,
    moved_permanently = 301,
    see_other = 303,
    not_modified = 304,
    temporary_redirect = 307,
    permanent_redirect = 308,
    bad_request = 400,
    unauthorized = 401,
    forbidden = 403,
    not_found = 404,
    method_not_allowed = 405,
    not_acceptable = 406,
    request_timeout = 408,
    conflict = 409,
    gone = 410,
    length_required = 411,
    precondition_failed = 412,
    content_too_large = 413,
    uri_too_long = 414,
    unsupported_media_type = 415,
    expectation_failed = 417,
    misdirected_request = 421,
    unprocessable_content = 422,
    upgrade_required = 426,
    precondition_required = 428,
    too_many_requests = 429,
    request_header_fields_too_large = 431,
    internal_server_error = 500,
    not_implemented = 501,
    bad_gateway = 502,
    service_unavailable = 503,
    gateway_timeout = 504,
    http_version_not_supported = 505,
};

[[nodiscard]] constexpr unsigned code(Status status) {
    return static_cast<unsigned>(status);
}
/// The reason phrase; "Unknown" for a number without a name here.
[[nodiscard]] std::string_view reason(Status status);

/// No content and no Content-Length may follow these (RFC 9110 section 8.6, RFC 9112 section 6.3).
[[nodiscard]] constexpr bool forbids_content(Status status) {
    return code(status) < 200 || status == Status::no_content || status == Status::not_modified;
}

} // namespace fairlead::http
