#pragma once

#include "http/fields.hpp"
#include "http/method.hpp"
#include "http/target.hpp"

namespace fairlead::http {

/// A request that has passed every check of RequestParser.
struct Request {
    Method method = Method::get;
    Target target;
    /// The minor version of HTTP/1.x: 0 or 1.
    unsigned minor_version = 1;
    Fields fields;
    /// Content without transfer coding; at most what the parser was told to accept.
    std::string body;

    /// RFC 9112 section 9.3: whether the connection may carry another request after this one.
    [[nodiscard]] bool keeps_alive() const;
    /// RFC 9110 section 10.1.1: the client waits for 100 (Continue) before it sends the content.
    [[nodiscard]] bool expects_continue() const;
    /// Host, or the authority of an absolute-form. Empty only in HTTP/1.0.
    [[nodiscard]] std::string_view host() const;

    [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const { return fields.find(name); }
    [[nodiscard]] const std::string& path() const { return target.path(); }
    /// The media type of Content-Type, without parameters, in lower case. Empty when there is none.
    [[nodiscard]] std::string media_type() const;
    /// RFC 6265 section 5.4: the first cookie of that name, its value as sent.
    [[nodiscard]] std::optional<std::string_view> cookie(std::string_view name) const;
    /// RFC 6750 section 2.1: the token of "Authorization: Bearer <token>", scheme in any letter case.
    [[nodiscard]] std::optional<std::string_view> bearer_token() const;
};

/// RFC 9110 section 12.5.3: whether the client takes `coding` ("gzip") with a weight above zero.
[[nodiscard]] bool accepts_encoding(const Fields& fields, std::string_view coding);

/// RFC 9110 section 13.1.2: whether If-None-Match names `etag` (quotes included) by weak comparison, or is "*".
[[nodiscard]] bool none_match_names(const Fields& fields, std::string_view etag);
/// RFC 9110 section 13.1.1: whether If-Match is absent, "*", or names `etag` by strong comparison.
[[nodiscard]] bool if_match_allows(const Fields& fields, std::string_view etag);

} // namespace fairlead::http
