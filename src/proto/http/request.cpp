#include "http/request.hpp"

#include "text/ascii.hpp"

#include <algorithm>

namespace fairlead::http {
namespace {

std::string_view without_weak_mark(std::string_view etag) {
    return etag.starts_with("W/") ? etag.substr(2) : etag;
}

/// The weight of RFC 9110 section 12.4.2 is zero: "q=0", "q=0.0", ...
bool has_weight_zero(std::string_view parameters) {
    const std::size_t q = parameters.find("q=");
    if (q == std::string_view::npos) {
        return false;
    }
    const std::string_view weight = text::trim(parameters.substr(q + 2));
    return !weight.empty() && weight.front() == '0' && weight.find_first_not_of("0.") == std::string_view::npos;
}

} // namespace

bool Request::keeps_alive() const {
    if (fields.lists("Connection", "close")) {
        return false;
    }
    return minor_version >= 1 || fields.lists("Connection", "keep-alive");
}

bool Request::expects_continue() const {
    // "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that expectation."
    return minor_version >= 1 && fields.lists("Expect", "100-continue");
}

std::string_view Request::host() const {
    if (!target.authority().empty()) {
        return target.authority();
    }
    return fields.find("Host").value_or(std::string_view{});
}

std::string Request::media_type() const {
    const std::string_view value = fields.find("Content-Type").value_or(std::string_view{});
    return text::lower(text::trim(value.substr(0, value.find(';'))));
}

std::optional<std::string_view> Request::cookie(std::string_view name) const {
    for (const auto& field : fields) {
        if (!text::equal_ignoring_case(field.name, "Cookie")) {
            continue;
        }
        std::string_view rest = field.value;
        while (!rest.empty()) {
            const std::size_t end = rest.find(';');
            const std::string_view pair = text::trim(rest.substr(0, end));
            rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
            const std::size_t equals = pair.find('=');
            if (equals == std::string_view::npos || pair.substr(0, equals) != name) {
                continue;
            }
            std::string_view value = pair.substr(equals + 1);
            if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
                value = value.substr(1, value.size() - 2);
            }
            return value;
        }
    }
    return std::nullopt;
}

std::optional<std::string_view> Request::bearer_token() const {
    constexpr std::string_view scheme = "Bearer ";
    const auto value = fields.find("Authorization");
    if (!value || fields.count("Authorization") != 1 || value->size() <= scheme.size() ||
        !text::equal_ignoring_case(value->substr(0, scheme.size()), scheme)) {
        return std::nullopt;
    }
    const std::string_view token = value->substr(scheme.size());
    if (token.find(' ') != std::string_view::npos) {
        return std::nullopt;
    }
    return token;
}

bool accepts_encoding(const Fields& fields, std::string_view coding) {
    bool accepted = false;
    for (const auto& field : fields) {
        if (text::equal_ignoring_case(field.name, "Accept-Encoding")) {
            for_each_element(field.value, [&](std::string_view element) {
                const std::size_t semicolon = std::min(element.find(';'), element.size());
                if (text::equal_ignoring_case(text::trim(element.substr(0, semicolon)), coding)) {
                    accepted = !has_weight_zero(element.substr(semicolon));
                }
            });
        }
    }
    return accepted;
}

bool none_match_names(const Fields& fields, std::string_view etag) {
    bool named = false;
    for (const auto& field : fields) {
        if (text::equal_ignoring_case(field.name, "If-None-Match")) {
            for_each_element(field.value, [&](std::string_view element) {
                named = named || element == "*" || without_weak_mark(element) == without_weak_mark(etag);
            });
        }
    }
    return named;
}

bool if_match_allows(const Fields& fields, std::string_view etag) {
    bool present = false;
    bool named = false;
    for (const auto& field : fields) {
        if (text::equal_ignoring_case(field.name, "If-Match")) {
            present = true;
            for_each_element(field.value, [&](std::string_view element) {
                named = named || element == "*" || (element == etag && !etag.starts_with("W/"));
            });
        }
    }
    return !present || named;
}

} // namespace fairlead::http
