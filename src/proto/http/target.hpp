#pragma once

#include "result/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::http {

enum class TargetError : std::uint8_t {
    empty,
    bad_character,        // outside RFC 3986: blanks, controls, '#', bytes from 0x80 on
    bad_percent_encoding, // '%' without two hexadecimal digits
    encoded_separator,    // %2F, %5C, %00: a path that means different things to different readers
    control_character,
    dot_segment, // "." or "..", also when written %2e
    bad_authority,
    unsupported_form, // authority-form, or a scheme that is neither http nor https
};
[[nodiscard]] std::string_view describe(TargetError error);

struct Parameter {
    std::string name;
    std::string value;
};

/// A request target (RFC 9112 section 3.2) in origin-form or absolute-form, or the asterisk of OPTIONS.
class Target {
public:
    [[nodiscard]] static Result<Target, TargetError> parse(std::string_view text);

    /// Percent-decoded; begins with '/'. Without dot segments, control characters, backslashes, or a slash that was not
    /// written as one. "*" for asterisk-form. Bytes from 0x80 on are possible and need not be UTF-8.
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] bool is_asterisk() const { return path_ == "*"; }

    /// As written, without '?'. May carry a token: never logged.
    [[nodiscard]] const std::string& query() const { return query_; }
    /// The first parameter of that name in application/x-www-form-urlencoded form ('+' is a blank).
    [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
    [[nodiscard]] std::vector<Parameter> parameters() const;

    /// Of an absolute-form; it takes the place of Host (RFC 9112 section 3.2.2). Empty otherwise.
    [[nodiscard]] const std::string& authority() const { return authority_; }

private:
    std::string path_;
    std::string query_;
    std::string authority_;
};

/// A path for a Location: everything but unreserved characters, sub-delims, ":", "@" and "/" percent-encoded.
[[nodiscard]] std::string encode_path(std::string_view path);

/// "uri-host [ ":" port ]" as Host carries it (RFC 9110 section 7.2); the empty text is not an authority of ours.
[[nodiscard]] bool is_authority(std::string_view text);

/// The pairs of an application/x-www-form-urlencoded text. A '%' without two digits stands for itself.
[[nodiscard]] std::vector<Parameter> parse_form(std::string_view text);

} // namespace fairlead::http
