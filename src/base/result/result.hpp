#pragma once

#include <expected>
#include <utility>

namespace fairlead {

/// A value, or the reason why there is none. The reason is a small enum of the module that returns it, never text.
/// std::expected with [[nodiscard]] on the class: a result that nobody looks at does not compile.
template <class T, class E>
class [[nodiscard]] Result : public std::expected<T, E> {
public:
    using std::expected<T, E>::expected;
};

/// `return fail(ParseError::truncated);`
template <class E>
[[nodiscard]] constexpr std::unexpected<E> fail(E why) {
    return std::unexpected<E>(std::move(why));
}

} // namespace fairlead
