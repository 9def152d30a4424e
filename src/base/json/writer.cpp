#include "json/writer.hpp"

#include "text/utf8.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace fairlead::json {

void append_string(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    out.push_back('"');
    while (!text.empty()) {
        const char c = text.front();
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            text.remove_prefix(1);
            if (c == '"' || c == '\\') {
                out.append({'\\', c});
            } else if (byte >= 0x20) {
                out.push_back(c);
            } else {
                constexpr std::string_view meanings = "\b\f\n\r\t";
                constexpr std::string_view letters = "bfnrt";
                const std::size_t which = meanings.find(c);
                if (which != std::string_view::npos) {
                    out.append({'\\', letters[which]});
                } else {
                    out.append("\\u00").append({hex[byte >> 4U], hex[byte & 15U]});
                }
            }
            continue;
        }
        const std::string_view before = text;
        const auto character = text::take_utf8(text);
        if (!character) {
            text.remove_prefix(1);
            out.append("\xef\xbf\xbd");
        } else if (*character == 0x2028 || *character == 0x2029) {
            out.append(*character == 0x2028 ? "\\u2028" : "\\u2029");
        } else {
            out.append(before.substr(0, before.size() - text.size()));
        }
    }
    out.push_back('"');
}

void Writer::separate() {
    if (comma_) {
        out_.push_back(',');
    }
    comma_ = true;
}

Writer& Writer::key(std::string_view name) {
    separate();
    append_string(out_, name);
    out_.push_back(':');
    comma_ = false;
    return *this;
}

Writer& Writer::value(std::string_view text) {
    separate();
    append_string(out_, text);
    return *this;
}

Writer& Writer::value(double number) {
    if (!std::isfinite(number)) {
        return null();
    }
    if (number == 0 && std::signbit(number)) {
        return literal("-0.0"); // "-0" would read back as an integer, which has no sign to keep
    }
    std::array<char, 32> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return literal({digits.data(), end});
}

Writer& Writer::open(char bracket) {
    separate();
    out_.push_back(bracket);
    comma_ = false;
    return *this;
}

Writer& Writer::close(char bracket) {
    out_.push_back(bracket);
    comma_ = true;
    return *this;
}

Writer& Writer::literal(std::string_view text) {
    separate();
    out_.append(text);
    return *this;
}

Writer& Writer::integer(std::int64_t number) {
    std::array<char, 24> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return literal({digits.data(), end});
}

Writer& Writer::natural(std::uint64_t number) {
    std::array<char, 24> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return literal({digits.data(), end});
}

} // namespace fairlead::json
