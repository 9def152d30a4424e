#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fairlead::json {

enum class ParseError : std::uint8_t {
    too_large,
    too_deep,
    truncated,
    bad_syntax,
    bad_number,
    number_out_of_range, ///< a magnitude no double can carry
    bad_string,          ///< control character, unknown escape or lone surrogate
    bad_utf8,
    trailing_text,
    not_an_object,
    duplicate_member,
};
[[nodiscard]] std::string_view describe(ParseError error);

struct Limits {
    std::size_t size = std::size_t{64} * 1024; ///< bytes of text
    std::size_t depth = 64;                    ///< arrays and objects inside each other; the outermost counts
};

} // namespace fairlead::json
