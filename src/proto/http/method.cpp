#include "http/method.hpp"

#include <array>
#include <utility>

namespace fairlead::http {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 7> table{{
    {Method::get, "GET"},
    {Method::head, "HEAD"},
    {Method::post, "POST"},
    {Method::put, "PUT"},
    {Method::patch, "PATCH"},
    {Method::delete_, "DELETE"},
    {Method::options, "OPTIONS"},
}};

} // namespace

std::string_view name(Method method) {
    return table[static_cast<std::size_t>(method)].second;
}

std::optional<Method> parse_method(std::string_view token) {
    for (const auto& [method, text] : table) {
        if (text == token) {
            return method;
        }
    }
    return std::nullopt;
}

std::string to_string(Methods methods) {
    std::string list;
    for (const auto& [method, text] : table) {
        if (methods.contains(method)) {
            list.append(list.empty() ? "" : ", ").append(text);
        }
    }
    return list;
}

} // namespace fairlead::http
