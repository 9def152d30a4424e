// Defines fmt's functions once for the whole tree (format-inl.h is "inline" only in header-only mode). The explicit
// instantiations are those that fmt's headers declare without defining.
#include "text/format.hpp"

#include <fmt/format-inl.h>

template fmt::detail::thousands_sep_result<char> fmt::detail::thousands_sep_impl(fmt::detail::locale_ref);
template char fmt::detail::decimal_point_impl(fmt::detail::locale_ref);
template void fmt::detail::buffer<char>::append(const char*, const char*);
template void fmt::detail::vformat_to(fmt::detail::buffer<char>&, fmt::string_view,
                                      fmt::basic_format_args<fmt::buffer_context<char>>, fmt::detail::locale_ref);
