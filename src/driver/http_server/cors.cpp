#include "http_server/cors.hpp"

#include <algorithm>

namespace fairlead::http_server {

bool Cors::allows(std::string_view origin) const {
    return std::ranges::any_of(origins, [&](const std::string& one) { return one == "*" || one == origin; });
}

void Cors::apply(std::optional<std::string_view> origin, http::Response& response) const {
    const bool anybody = std::ranges::find(origins, "*") != origins.end();
    if (!anybody) {
        response.add("Vary", "Origin");
    }
    if (!origin || !allows(*origin)) {
        return;
    }
    if (anybody) {
        response.set("Access-Control-Allow-Origin", "*");
    } else {
        response.set("Access-Control-Allow-Origin", *origin);
        if (credentials) {
            response.set("Access-Control-Allow-Credentials", "true");
        }
    }
    if (!exposed.empty()) {
        response.set("Access-Control-Expose-Headers", exposed);
    }
}

bool Cors::is_preflight(const http::Request& request) {
    return request.method == http::Method::options && request.field("Origin") &&
           request.field("Access-Control-Request-Method");
}

http::Response Cors::preflight(const http::Request& request) const {
    http::Response response(http::Status::no_content);
    if (allows(request.field("Origin").value_or(std::string_view{}))) {
        response.set("Access-Control-Allow-Methods", http::to_string(methods));
        if (!headers.empty()) {
            response.set("Access-Control-Allow-Headers", headers);
        }
        response.set("Access-Control-Max-Age", std::to_string(max_age_seconds));
    }
    return response;
}

} // namespace fairlead::http_server
