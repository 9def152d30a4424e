#pragma once

#include "json/scan.hpp"

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead::json {

/// Appends `text` as a JSON string. Bytes that are not UTF-8 become U+FFFD, so the output is JSON whatever goes in;
/// control characters are escaped, and so are U+2028 and U+2029, which end a line in older JavaScript.
void append_string(std::string& out, std::string_view text);

/// Writes one JSON value, member by member, without white space. Commas are its own business; that every begin has its
/// end and every member its value is the caller's.
class Writer {
public:
    Writer& begin_object() { return open('{'); }
    Writer& end_object() { return close('}'); }
    Writer& begin_array() { return open('['); }
    Writer& end_array() { return close(']'); }
    Writer& key(std::string_view name);

    Writer& value(std::string_view text);
    Writer& value(const char* text) { return value(std::string_view(text)); }
    Writer& value(bool b) { return literal(b ? "true" : "false"); }
    template <std::integral T>
    Writer& value(T number) {
        if constexpr (std::signed_integral<T>) {
            return integer(static_cast<std::int64_t>(number));
        } else {
            return natural(static_cast<std::uint64_t>(number));
        }
    }
    /// Shortest text that reads back as the same number; null for infinities and NaN, which JSON cannot say.
    Writer& value(double number);
    Writer& null() { return literal("null"); }
    /// As somebody else wrote it.
    Writer& raw(const Slice& slice) { return literal(slice.raw); }
    /// Text that is known to be one JSON value.
    Writer& raw(std::string_view json) { return literal(json); }

    template <class T>
    Writer& member(std::string_view name, const T& v) {
        return key(name).value(v);
    }

    [[nodiscard]] const std::string& text() const { return out_; }
    [[nodiscard]] std::string take() { return std::exchange(out_, {}); }

private:
    Writer& open(char bracket);
    Writer& close(char bracket);
    Writer& literal(std::string_view text);
    Writer& integer(std::int64_t number);
    Writer& natural(std::uint64_t number);
    void separate();

    std::string out_;
    bool comma_ = false;
};

} // namespace fairlead::json
