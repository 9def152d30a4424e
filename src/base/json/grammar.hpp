#pragma once

#include "text/ascii.hpp"
#include "text/utf8.hpp"
#include "json/error.hpp"

#include <string_view>

namespace fairlead::json {

/// The grammar of RFC 8259, once for the whole tree: scan.cpp walks it with a sink that ignores everything, value.cpp
/// with one that builds. Internal to this module.
///
/// A sink has null(), boolean(bool), number(raw), string(raw), name(raw), begin_array(), end_array(), begin_object(),
/// end_object(), each returning false to stop with an error of its own.
template <class Sink>
class Grammar {
public:
    Grammar(std::string_view text, std::size_t depth, Sink& sink) : rest_(text), depth_(depth), sink_(sink) {}

    [[nodiscard]] std::string_view rest() const { return rest_; }
    [[nodiscard]] ParseError error() const { return error_; }

    void skip_space() {
        while (!rest_.empty() &&
               (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\n' || rest_.front() == '\r')) {
            rest_.remove_prefix(1);
        }
    }
    /// Steps over `c` when it is next.
    [[nodiscard]] bool take(char c) {
        if (rest_.empty() || rest_.front() != c) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    /// One value, which begins here.
    [[nodiscard]] bool value() {
        if (rest_.empty()) {
            return stop(ParseError::truncated);
        }
        switch (rest_.front()) {
        case '{':
            return object();
        case '[':
            return array();
        case '"': {
            std::string_view raw;
            return string(raw) && (sink_.string(raw) || stop(sink_.error()));
        }
        case 't':
            return word("true") && (sink_.boolean(true) || stop(sink_.error()));
        case 'f':
            return word("false") && (sink_.boolean(false) || stop(sink_.error()));
        case 'n':
            return word("null") && (sink_.null() || stop(sink_.error()));
        default:
            return number();
        }
    }

    /// A string, quotes included.
    [[nodiscard]] bool string(std::string_view& raw) {
        const std::string_view begin = rest_;
        if (!take('"')) {
            return stop(rest_.empty() ? ParseError::truncated : ParseError::bad_syntax);
        }
        while (!rest_.empty()) {
            const auto c = static_cast<unsigned char>(rest_.front());
            if (c == '"') {
                rest_.remove_prefix(1);
                raw = begin.substr(0, begin.size() - rest_.size());
                return true;
            }
            if (c < 0x20) {
                return stop(ParseError::bad_string);
            }
            if (c == '\\') {
                if (!escape()) {
                    return false;
                }
            } else if (c < 0x80) {
                rest_.remove_prefix(1);
            } else if (!text::take_utf8(rest_)) {
                return stop(ParseError::bad_utf8);
            }
        }
        return stop(ParseError::truncated);
    }

    [[nodiscard]] bool stop(ParseError why) {
        error_ = why;
        return false;
    }

private:
    [[nodiscard]] bool word(std::string_view expected) {
        if (!rest_.starts_with(expected)) {
            return stop(expected.starts_with(rest_) ? ParseError::truncated : ParseError::bad_syntax);
        }
        rest_.remove_prefix(expected.size());
        return true;
    }

    [[nodiscard]] bool digits() {
        if (rest_.empty() || !text::is_digit(rest_.front())) {
            return stop(rest_.empty() ? ParseError::truncated : ParseError::bad_number);
        }
        while (!rest_.empty() && text::is_digit(rest_.front())) {
            rest_.remove_prefix(1);
        }
        return true;
    }

    [[nodiscard]] bool number() {
        const std::string_view begin = rest_;
        const bool negative = take('-');
        if (!negative && !text::is_digit(rest_.front())) {
            return stop(ParseError::bad_syntax);
        }
        if (take('0')) {
            if (!rest_.empty() && text::is_digit(rest_.front())) {
                return stop(ParseError::bad_number);
            }
        } else if (!digits()) {
            return false;
        }
        if (take('.') && !digits()) {
            return false;
        }
        if (take('e') || take('E')) {
            if (!take('+')) {
                static_cast<void>(take('-'));
            }
            if (!digits()) {
                return false;
            }
        }
        return sink_.number(begin.substr(0, begin.size() - rest_.size())) || stop(sink_.error());
    }

    [[nodiscard]] bool hex4(std::uint32_t& unit) {
        unit = 0;
        for (int i = 0; i < 4; ++i) {
            if (rest_.empty()) {
                return stop(ParseError::truncated);
            }
            const char c = text::lower(rest_.front());
            if (text::is_digit(c)) {
                unit = unit * 16 + static_cast<std::uint32_t>(c - '0');
            } else if (c >= 'a' && c <= 'f') {
                unit = unit * 16 + static_cast<std::uint32_t>(c - 'a') + 10;
            } else {
                return stop(ParseError::bad_string);
            }
            rest_.remove_prefix(1);
        }
        return true;
    }

    [[nodiscard]] bool escape() {
        rest_.remove_prefix(1);
        if (rest_.empty()) {
            return stop(ParseError::truncated);
        }
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c != 'u') {
            return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos || stop(ParseError::bad_string);
        }
        std::uint32_t unit = 0;
        if (!hex4(unit)) {
            return false;
        }
        if (unit < 0xd800 || unit > 0xdfff) {
            return true;
        }
        // RFC 8259 section 8.2 lets writers send half a pair and warns readers that they will disagree about it.
        if (unit > 0xdbff) {
            return stop(ParseError::bad_string);
        }
        if (!take('\\') || !take('u')) {
            return stop(rest_.empty() ? ParseError::truncated : ParseError::bad_string);
        }
        return hex4(unit) && ((unit >= 0xdc00 && unit <= 0xdfff) || stop(ParseError::bad_string));
    }

    [[nodiscard]] bool enter() {
        rest_.remove_prefix(1);
        if (depth_ == 0) {
            return stop(ParseError::too_deep);
        }
        --depth_;
        skip_space();
        return true;
    }
    /// Behind an element: true when another follows, false at the end or with an error (then `ended` is false).
    [[nodiscard]] bool another(char closing, bool& ended) {
        skip_space();
        ended = take(closing);
        if (ended) {
            ++depth_;
            return false;
        }
        if (!take(',')) {
            return stop(rest_.empty() ? ParseError::truncated : ParseError::bad_syntax);
        }
        skip_space();
        return true;
    }

    [[nodiscard]] bool array() {
        if (!enter() || (!sink_.begin_array() && !stop(sink_.error()))) {
            return false;
        }
        bool ended = take(']');
        if (ended) {
            ++depth_;
        } else {
            do {
                if (!value()) {
                    return false;
                }
            } while (another(']', ended));
        }
        return ended && (sink_.end_array() || stop(sink_.error()));
    }

    [[nodiscard]] bool object() {
        if (!enter() || (!sink_.begin_object() && !stop(sink_.error()))) {
            return false;
        }
        bool ended = take('}');
        if (ended) {
            ++depth_;
        } else {
            do {
                std::string_view name;
                if (!string(name) || (!sink_.name(name) && !stop(sink_.error()))) {
                    return false;
                }
                skip_space();
                if (!take(':')) {
                    return stop(rest_.empty() ? ParseError::truncated : ParseError::bad_syntax);
                }
                skip_space();
                if (!value()) {
                    return false;
                }
            } while (another('}', ended));
        }
        return ended && (sink_.end_object() || stop(sink_.error()));
    }

    std::string_view rest_;
    std::size_t depth_;
    Sink& sink_;
    ParseError error_ = ParseError::bad_syntax;
};

/// The characters of a string that the grammar accepted, quotes included.
[[nodiscard]] std::string unescape(std::string_view raw);

/// Recursion stays far from the end of any stack whatever a caller asks for.
inline constexpr std::size_t deepest = 512;

} // namespace fairlead::json
