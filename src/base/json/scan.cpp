#include "json/scan.hpp"

#include "json/grammar.hpp"

#include <algorithm>
#include <cassert>

namespace fairlead::json {

namespace {

struct Nothing {
    static bool null() { return true; }
    static bool boolean(bool) { return true; }
    static bool number(std::string_view) { return true; }
    static bool string(std::string_view) { return true; }
    static bool name(std::string_view) { return true; }
    static bool begin_array() { return true; }
    static bool end_array() { return true; }
    static bool begin_object() { return true; }
    static bool end_object() { return true; }
    static ParseError error() { return ParseError::bad_syntax; }
};

Slice slice(std::string_view begin, std::string_view rest) {
    const std::string_view raw = begin.substr(0, begin.size() - rest.size());
    switch (raw.front()) {
    case '{':
        return {Kind::object, raw};
    case '[':
        return {Kind::array, raw};
    case '"':
        return {Kind::string, raw};
    case 't':
    case 'f':
        return {Kind::boolean, raw};
    case 'n':
        return {Kind::null, raw};
    default:
        return {Kind::number, raw};
    }
}

bool spells(std::string_view raw, std::string_view name) {
    const std::string_view inside = raw.substr(1, raw.size() - 2);
    return inside.find('\\') == std::string_view::npos ? inside == name : unescape(raw) == name;
}

std::uint32_t hex4(std::string_view digits) {
    std::uint32_t unit = 0;
    for (const char c : digits.substr(0, 4)) {
        unit = unit * 16 + static_cast<std::uint32_t>(text::is_digit(c) ? c - '0' : text::lower(c) - 'a' + 10);
    }
    return unit;
}

} // namespace

std::string_view describe(ParseError error) {
    switch (error) {
    case ParseError::too_large:
        return "more text than allowed";
    case ParseError::too_deep:
        return "nested too deeply";
    case ParseError::truncated:
        return "text ends too early";
    case ParseError::bad_syntax:
        return "not JSON";
    case ParseError::bad_number:
        return "malformed number";
    case ParseError::number_out_of_range:
        return "number out of range";
    case ParseError::bad_string:
        return "control character or bad escape in a string";
    case ParseError::bad_utf8:
        return "not UTF-8";
    case ParseError::trailing_text:
        return "text after the value";
    case ParseError::not_an_object:
        return "not an object";
    case ParseError::duplicate_member:
        return "a member occurs twice";
    }
    return "unknown";
}

std::string unescape(std::string_view raw) {
    std::string_view rest = raw.substr(1, raw.size() - 2);
    std::string text;
    text.reserve(rest.size());
    while (!rest.empty()) {
        const std::size_t backslash = std::min(rest.find('\\'), rest.size());
        text.append(rest.substr(0, backslash));
        rest.remove_prefix(backslash);
        if (rest.empty()) {
            break;
        }
        const char c = rest[1];
        rest.remove_prefix(2);
        if (c == 'u') {
            char32_t character = hex4(rest);
            rest.remove_prefix(4);
            if (character >= 0xd800 && character <= 0xdbff) { // the grammar has seen the other half behind "\u"
                character = 0x10000 + ((character - 0xd800) << 10U) + (hex4(rest.substr(2)) - 0xdc00);
                rest.remove_prefix(6);
            }
            text::append_utf8(text, character);
            continue;
        }
        constexpr std::string_view letters = "bfnrt";
        constexpr std::string_view meanings = "\b\f\n\r\t";
        const std::size_t which = letters.find(c);
        text.push_back(which == std::string_view::npos ? c : meanings[which]);
    }
    return text;
}

Result<Slice, ParseError> scan(std::string_view text, const Limits& limits) {
    if (text.size() > limits.size) {
        return fail(ParseError::too_large);
    }
    Nothing sink;
    Grammar grammar(text, std::min(limits.depth, deepest), sink);
    grammar.skip_space();
    const std::string_view begin = grammar.rest();
    if (!grammar.value()) {
        return fail(grammar.error());
    }
    const Slice value = slice(begin, grammar.rest());
    grammar.skip_space();
    if (!grammar.rest().empty()) {
        return fail(ParseError::trailing_text);
    }
    return value;
}

Result<void, ParseError> scan_members(std::string_view text, std::span<const std::string_view> names,
                                      std::span<Slice> into, const Limits& limits) {
    assert(names.size() == into.size());
    if (text.size() > limits.size) {
        return fail(ParseError::too_large);
    }
    std::ranges::fill(into, Slice{});
    Nothing sink;
    Grammar grammar(text, std::min(limits.depth, deepest) - (limits.depth > 0 ? 1 : 0), sink);
    grammar.skip_space();
    if (grammar.rest().empty()) {
        return fail(ParseError::truncated);
    }
    if (!grammar.take('{')) {
        const auto other = scan(text, limits);
        return fail(other ? ParseError::not_an_object : other.error());
    }
    if (limits.depth == 0) {
        return fail(ParseError::too_deep);
    }
    grammar.skip_space();
    bool more = !grammar.take('}');
    while (more) {
        std::string_view name;
        if (!grammar.string(name)) {
            return fail(grammar.error());
        }
        grammar.skip_space();
        if (!grammar.take(':')) {
            return fail(grammar.rest().empty() ? ParseError::truncated : ParseError::bad_syntax);
        }
        grammar.skip_space();
        const std::string_view begin = grammar.rest();
        if (!grammar.value()) {
            return fail(grammar.error());
        }
        const auto wanted = std::ranges::find_if(names, [&](std::string_view n) { return spells(name, n); });
        if (wanted != names.end()) {
            Slice& place = into[static_cast<std::size_t>(wanted - names.begin())];
            if (place.present()) {
                return fail(ParseError::duplicate_member);
            }
            place = slice(begin, grammar.rest());
        }
        grammar.skip_space();
        more = grammar.take(',');
        if (more) {
            grammar.skip_space();
        } else if (!grammar.take('}')) {
            return fail(grammar.rest().empty() ? ParseError::truncated : ParseError::bad_syntax);
        }
    }
    grammar.skip_space();
    if (!grammar.rest().empty()) {
        return fail(ParseError::trailing_text);
    }
    return {};
}

Elements::Elements(const Slice& array) {
    if (array.kind == Kind::array) {
        rest_ = array.raw.substr(1, array.raw.size() - 2);
    }
}

std::optional<Slice> Elements::next() {
    Nothing sink;
    Grammar grammar(rest_, deepest, sink);
    grammar.skip_space();
    const std::string_view begin = grammar.rest();
    if (begin.empty() || !grammar.value()) {
        return std::nullopt;
    }
    const Slice element = slice(begin, grammar.rest());
    grammar.skip_space();
    static_cast<void>(grammar.take(','));
    rest_ = grammar.rest();
    return element;
}

std::optional<std::string> text_of(const Slice& slice) {
    if (slice.kind != Kind::string) {
        return std::nullopt;
    }
    return unescape(slice.raw);
}

} // namespace fairlead::json
