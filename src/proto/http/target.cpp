#include "http/target.hpp"

#include "text/ascii.hpp"

#include <algorithm>

namespace fairlead::http {
namespace {

int hex_value(char c) {
    if (text::is_digit(c)) {
        return c - '0';
    }
    const char letter = text::lower(c);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/// The byte that "%XX" at the front of `text` stands for; -1 when it is no such triple.
int decode_triple(std::string_view text) {
    if (text.size() < 3 || text[0] != '%') {
        return -1;
    }
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// RFC 3986: unreserved, sub-delims, ":" / "@" / "/", and "%" of an encoding; "?" inside queries. Browsers also send
/// some of the rest unescaped in queries ("|", "[", "\"" and the like), so every visible ASCII character but '#' passes
/// there and in paths.
bool is_target_character(char c) {
    return c > ' ' && c < '\x7f' && c != '#';
}

Result<std::string, TargetError> decode_path(std::string_view text) {
    std::string path;
    path.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const int byte = decode_triple(text.substr(i));
            if (byte < 0) {
                return fail(TargetError::bad_percent_encoding);
            }
            c = static_cast<char>(static_cast<unsigned char>(byte));
            if (c == '/' || c == '\\' || c == '\0') {
                return fail(TargetError::encoded_separator);
            }
            if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
                return fail(TargetError::control_character);
            }
            i += 2;
        } else if (c == '\\') {
            return fail(TargetError::bad_character);
        }
        path += c;
    }
    return path;
}

bool has_dot_segment(std::string_view path) {
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view segment = path.substr(0, slash);
        if (segment == "." || segment == "..") {
            return true;
        }
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    }
    return false;
}

std::string decode_form_text(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int byte = decode_triple(text.substr(i));
        if (byte >= 0) {
            result += static_cast<char>(static_cast<unsigned char>(byte));
            i += 2;
        } else {
            result += text[i] == '+' ? ' ' : text[i];
        }
    }
    return result;
}

} // namespace

std::string_view describe(TargetError error) {
    switch (error) {
    case TargetError::empty:
        return "empty target";
    case TargetError::bad_character:
        return "character that may not stand in a target";
    case TargetError::bad_percent_encoding:
        return "percent sign without two hexadecimal digits";
    case TargetError::encoded_separator:
        return "encoded slash, backslash or NUL in the path";
    case TargetError::control_character:
        return "control character in the path";
    case TargetError::dot_segment:
        return "dot segment in the path";
    case TargetError::bad_authority:
        return "malformed authority";
    case TargetError::unsupported_form:
        return "unsupported form of target";
    }
    return "unknown";
}

Result<Target, TargetError> Target::parse(std::string_view text) {
    if (text.empty()) {
        return fail(TargetError::empty);
    }
    if (!std::ranges::all_of(text, is_target_character)) {
        return fail(TargetError::bad_character);
    }
    Target target;
    if (text == "*") {
        target.path_ = "*";
        return target;
    }
    if (text.front() != '/') {
        const std::size_t colon = text.find("://");
        if (colon == std::string_view::npos) {
            return fail(TargetError::unsupported_form);
        }
        const std::string_view scheme = text.substr(0, colon);
        if (!text::equal_ignoring_case(scheme, "http") && !text::equal_ignoring_case(scheme, "https")) {
            return fail(TargetError::unsupported_form);
        }
        text.remove_prefix(colon + 3);
        const std::size_t end = std::min(text.find_first_of("/?"), text.size());
        if (!is_authority(text.substr(0, end))) {
            return fail(TargetError::bad_authority);
        }
        target.authority_ = text.substr(0, end);
        text.remove_prefix(end);
    }
    const std::size_t mark = text.find('?');
    auto path = decode_path(text.substr(0, mark));
    if (!path) {
        return fail(path.error());
    }
    target.path_ = path->empty() ? "/" : std::move(*path);
    if (has_dot_segment(target.path_)) {
        return fail(TargetError::dot_segment);
    }
    if (mark != std::string_view::npos) {
        target.query_ = text.substr(mark + 1);
    }
    return target;
}

std::optional<std::string> Target::parameter(std::string_view name) const {
    for (auto& [key, value] : parameters()) {
        if (key == name) {
            return std::move(value);
        }
    }
    return std::nullopt;
}

std::vector<Parameter> Target::parameters() const {
    return parse_form(query_);
}

std::string encode_path(std::string_view path) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view allowed = "-._~!$&'()*+,;=:@/";
    std::string result;
    for (const char c : path) {
        if (text::is_alpha(c) || text::is_digit(c) || allowed.find(c) != std::string_view::npos) {
            result += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            result += '%';
            result += digits[byte >> 4U];
            result += digits[byte & 0x0fU];
        }
    }
    return result;
}

bool is_authority(std::string_view text) {
    std::string_view host = text;
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) {
            return false;
        }
        host = text.substr(1, close - 1);
        port = text.substr(close + 1);
        if (!port.empty() && port.front() != ':') {
            return false;
        }
        const auto allowed = [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; };
        if (host.empty() || !std::ranges::all_of(host, allowed)) {
            return false;
        }
    } else {
        const std::size_t colon = text.find(':');
        host = text.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
        const auto allowed = [](char c) {
            return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '.' || c == '_';
        };
        if (host.empty() || host.size() > 253 || !std::ranges::all_of(host, allowed)) {
            return false;
        }
    }
    // "host:" with an empty port is in the grammar of RFC 3986 section 3.2.3.
    return port.empty() || (port.size() <= 6 && std::ranges::all_of(port.substr(1), text::is_digit));
}

std::vector<Parameter> parse_form(std::string_view text) {
    std::vector<Parameter> parameters;
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const std::string_view pair = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (pair.empty()) {
            continue;
        }
        const std::size_t equals = pair.find('=');
        const std::string_view value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
        parameters.push_back({decode_form_text(pair.substr(0, equals)), decode_form_text(value)});
    }
    return parameters;
}

} // namespace fairlead::http
