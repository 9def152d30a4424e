#pragma once

#include "http_server/request.hpp"

#include <string>
#include <vector>

namespace fairlead::http_server {

/// Cross-origin rules (WHATWG Fetch) of a set of routes. An origin that is not listed gets no header at all; nothing is
/// ever reflected that was not configured.
struct Cors {
    /// Exact origins ("https://app.example.org"). "*" allows every one, and then never with credentials.
    std::vector<std::string> origins{};
    bool credentials = false;
    http::Methods methods{http::Method::get, http::Method::post, http::Method::put, http::Method::delete_,
                          http::Method::options};
    /// As Access-Control-Allow-Headers and -Expose-Headers list them; empty for none.
    std::string headers = "Accept, Authorization, Content-Type";
    std::string exposed{};
    unsigned max_age_seconds = 600;

    [[nodiscard]] bool allows(std::string_view origin) const;
    /// What every response of these routes carries.
    void apply(std::optional<std::string_view> origin, http::Response& response) const;
    [[nodiscard]] static bool is_preflight(const http::Request& request);
    /// 204 with the rules for an allowed origin, 204 without any for another one (the browser then refuses).
    [[nodiscard]] http::Response preflight(const http::Request& request) const;
};

} // namespace fairlead::http_server
