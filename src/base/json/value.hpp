#pragma once

#include "result/result.hpp"
#include "json/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fairlead::json {

struct Member;

/// An owned JSON value, for everything that is read once and looked through: configuration, webhooks, keys, tokens.
/// Where text must be passed on as written, see scan.hpp.
class Value {
public:
    using Array = std::vector<Value>;
    using Object = std::vector<Member>; ///< in the order of the text

    Value(); ///< null
    explicit Value(bool b);
    explicit Value(std::int64_t number);
    explicit Value(std::uint64_t number);
    explicit Value(double number);
    explicit Value(std::string text);
    explicit Value(Array array);
    explicit Value(Object object);

    enum class Duplicates : std::uint8_t {
        last_wins, ///< as every JavaScript reader
        refused,   ///< for what is signed or decides about access
    };
    /// Strict RFC 8259, as scan(); the accessors below never throw.
    [[nodiscard]] static Result<Value, ParseError> parse(std::string_view text, const Limits& limits = {},
                                                         Duplicates duplicates = Duplicates::last_wins);

    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(held_); }
    [[nodiscard]] std::optional<bool> boolean() const;
    /// Numbers written without fraction and exponent that fit.
    [[nodiscard]] std::optional<std::int64_t> integer() const;
    [[nodiscard]] std::optional<std::uint64_t> natural() const;
    /// Any number.
    [[nodiscard]] std::optional<double> number() const;
    [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&held_); }
    [[nodiscard]] const Array* array() const { return std::get_if<Array>(&held_); }
    [[nodiscard]] const Object* object() const { return std::get_if<Object>(&held_); }

    /// The member of that name; nullptr when there is none or this is not an object.
    [[nodiscard]] const Value* find(std::string_view name) const;
    /// The text of the member of that name; nothing when it is missing or of another kind.
    [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const;

private:
    std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object> held_;
};

struct Member {
    std::string name;
    Value value;
};

// Only here is Member complete, as the destructor of an Object needs it.
inline Value::Value() = default;
inline Value::Value(bool b) : held_(b) {}
inline Value::Value(std::int64_t number) : held_(number) {}
inline Value::Value(std::uint64_t number) : held_(number) {}
inline Value::Value(double number) : held_(number) {}
inline Value::Value(std::string text) : held_(std::move(text)) {}
inline Value::Value(Array array) : held_(std::move(array)) {}
inline Value::Value(Object object) : held_(std::move(object)) {}

} // namespace fairlead::json
