#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::http {

/// The methods that this server implements (RFC 9110 section 9.3, RFC 5789). Every other one is answered with 501.
enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options };

/// As on the wire: "DELETE".
[[nodiscard]] std::string_view name(Method method);
/// Methods are case-sensitive (RFC 9110 section 9.1): "get" is none.
[[nodiscard]] std::optional<Method> parse_method(std::string_view token);

/// A set of methods, as an Allow header lists them.
class Methods {
public:
    constexpr Methods() = default;
    constexpr Methods(std::initializer_list<Method> methods) {
        for (const Method method : methods) {
            add(method);
        }
    }
    constexpr void add(Method method) { bits_ = static_cast<std::uint8_t>(bits_ | bit(method)); }
    [[nodiscard]] constexpr bool contains(Method method) const { return (bits_ & bit(method)) != 0; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

    friend constexpr bool operator==(Methods, Methods) = default;

private:
    static constexpr unsigned bit(Method method) { return 1U << static_cast<unsigned>(method); }
    std::uint8_t bits_ = 0;
};

/// "GET, HEAD, POST"
[[nodiscard]] std::string to_string(Methods methods);

} // namespace fairlead::http
