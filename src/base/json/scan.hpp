#pragma once

#include "result/result.hpp"
#include "json/error.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::json {

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

/// A value as somebody wrote it: number text, member order, escapes and inner white space untouched. A view into the
/// scanned text; only the functions below make one, so it is always valid JSON.
struct Slice {
    Kind kind = Kind::null;
    std::string_view raw; ///< empty where a wanted member is missing

    [[nodiscard]] bool present() const { return !raw.empty(); }
    [[nodiscard]] bool is_null() const { return kind == Kind::null; }
};

/// The one value that `text` is (RFC 8259, strictly: UTF-8 without byte order mark, no lone surrogates, nothing behind
/// it). Allocates nothing.
[[nodiscard]] Result<Slice, ParseError> scan(std::string_view text, const Limits& limits = {});

/// Checks the whole of `text`, which must be an object, and stores the members called `names[i]` in `into[i]`; others
/// are checked and left. A wanted name twice, however spelt, is duplicate_member. `into` is as long as `names`.
[[nodiscard]] Result<void, ParseError> scan_members(std::string_view text, std::span<const std::string_view> names,
                                                    std::span<Slice> into, const Limits& limits = {});

/// `const auto m = members<2>(text, {"type", "body"}, limits);`
template <std::size_t N>
[[nodiscard]] Result<std::array<Slice, N>, ParseError>
members(std::string_view text, const std::array<std::string_view, N>& names, const Limits& limits = {}) {
    std::array<Slice, N> found{};
    if (const auto done = scan_members(text, names, found, limits); !done) {
        return fail(done.error());
    }
    return found;
}

/// The elements of an array, one after the other.
class Elements {
public:
    /// `array` must be a slice of kind array; any other has no elements.
    explicit Elements(const Slice& array);
    [[nodiscard]] std::optional<Slice> next();

private:
    std::string_view rest_;
};

/// The characters that a string slice stands for, in UTF-8; nothing for another kind.
[[nodiscard]] std::optional<std::string> text_of(const Slice& slice);

} // namespace fairlead::json
