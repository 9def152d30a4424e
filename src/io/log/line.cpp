#include "log/line.hpp"

#include <array>
#include <chrono>

namespace fairlead::log {
namespace {

constexpr std::string_view json_time = R"({"ts":"2026-01-02T03:04:05.678Z",)";

void append_time(std::string& out, std::int64_t microseconds) {
    using namespace std::chrono;
    const sys_time<std::chrono::microseconds> time{std::chrono::microseconds{microseconds}};
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{floor<milliseconds>(time - day)};
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                   clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

// Length of the well-formed UTF-8 sequence at the start of `text`; 0 when there is none (RFC 3629 section 4).
std::size_t utf8_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto tail = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
    const unsigned first = at(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return tail(1) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const bool overlong = first == 0xE0 && at(1) < 0xA0;
        const bool surrogate = first == 0xED && at(1) > 0x9F;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const bool overlong = first == 0xF0 && at(1) < 0x90;
        const bool beyond = first == 0xF4 && at(1) > 0x8F;
        return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

// C0, DEL, C1 (U+0080 to U+009F) and the bidirectional controls that can reorder a terminal's line.
bool is_control(std::string_view sequence) {
    const auto first = static_cast<unsigned char>(sequence[0]);
    if (sequence.size() == 1) {
        return first < 0x20 || first == 0x7F;
    }
    const auto second = static_cast<unsigned char>(sequence[1]);
    if (sequence.size() == 2) {
        return first == 0xC2 && second < 0xA0;
    }
    const auto third = static_cast<unsigned char>(sequence[2]);
    return sequence.size() == 3 && first == 0xE2 &&
           ((second == 0x80 && (third == 0x8E || third == 0x8F || (third >= 0xA8 && third <= 0xAE))) ||
            (second == 0x81 && third >= 0xA6 && third <= 0xA9));
}

// JSON escapes whole UTF-16 units, text escapes bytes.
void append_escape(std::string& out, std::string_view sequence, bool json) {
    if (sequence == "\n") {
        out += "\\n";
    } else if (sequence == "\r") {
        out += "\\r";
    } else if (sequence == "\t") {
        out += "\\t";
    } else if (!json) {
        for (const char c : sequence) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
        }
    } else {
        unsigned point = static_cast<unsigned char>(sequence[0]);
        if (sequence.size() == 2) {
            point &= 0x1FU;
        } else if (sequence.size() == 3) {
            point &= 0x0FU;
        }
        for (const char c : sequence.substr(1)) {
            point = (point << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
        }
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", point);
    }
}

void append_escaped(std::string& out, std::string_view text, bool json, std::size_t limit) {
    while (!text.empty()) {
        if (out.size() >= limit) {
            out += "...";
            return;
        }
        const std::size_t length = utf8_length(text);
        const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
        if (length == 0) {
            out += json ? "\xEF\xBF\xBD" : "?"; // U+FFFD
        } else if (is_control(sequence)) {
            append_escape(out, sequence, json);
        } else if (sequence == "\\" || (json && sequence == "\"")) {
            out += '\\';
            out += sequence;
        } else {
            out += sequence;
        }
        text.remove_prefix(sequence.size());
    }
}

void append_json_string(std::string& out, std::string_view text, std::size_t limit) {
    out += '"';
    append_escaped(out, text, true, limit);
    out += '"';
}

void append_text_value(std::string& out, std::string_view text, std::size_t limit) {
    const bool plain = !text.empty() && text.find_first_of(" \"=") == std::string_view::npos;
    if (!plain) {
        out += '"';
    }
    for (std::size_t quote = 0; !plain && (quote = text.find('"')) != std::string_view::npos;) {
        append_escaped(out, text.substr(0, quote), false, limit);
        out += "\\\"";
        text.remove_prefix(quote + 1);
    }
    append_escaped(out, text, false, limit);
    if (!plain) {
        out += '"';
    }
}

void append_value(std::string& out, const Field::Value& value, bool json, std::size_t limit) {
    if (const auto* text = std::get_if<std::string_view>(&value)) {
        return json ? append_json_string(out, *text, limit) : append_text_value(out, *text, limit);
    }
    if (const auto* number = std::get_if<double>(&value)) {
        // JSON has no infinity and no NaN.
        const bool finite = *number - *number == 0;
        fmt::format_to(std::back_inserter(out), fmt::runtime(finite || !json ? "{}" : "null"), *number);
        return;
    }
    if (const auto* flag = std::get_if<bool>(&value)) {
        out += *flag ? "true" : "false";
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        fmt::format_to(std::back_inserter(out), "{}", *integer);
    } else {
        fmt::format_to(std::back_inserter(out), "{}", std::get<std::uint64_t>(value));
    }
}

std::string_view colour_of(Level level) {
    switch (level) {
    case Level::debug:
        return "\x1b[2m";
    case Level::warn:
        return "\x1b[33m";
    case Level::error:
        return "\x1b[31m";
    default:
        return "\x1b[32m";
    }
}

std::string_view word(Level level) {
    static constexpr std::array<std::string_view, 5> words = {"DEBUG", "INFO ", "WARN ", "ERROR", "OFF  "};
    return words.at(static_cast<std::size_t>(level));
}

} // namespace

std::size_t timestamp_length(Style style) {
    return style.json ? json_time.size() : std::string_view("2026-01-02T03:04:05.678Z ").size();
}

void append_line(std::string& out, Style style, std::int64_t unix_microseconds, Level level, std::string_view topic,
                 std::string_view message, Fields fields) {
    const std::size_t limit = out.size() + longest_line;
    if (style.json) {
        out += R"({"ts":")";
        append_time(out, unix_microseconds);
        fmt::format_to(std::back_inserter(out), R"(","level":"{}","topic":)", describe(level));
        append_json_string(out, topic, limit);
        out += R"(,"event":)";
        append_json_string(out, message, limit);
        for (const Field& field : fields) {
            if (out.size() >= limit) {
                break;
            }
            out += ',';
            append_json_string(out, field.key, limit);
            out += ':';
            append_value(out, field.value, true, limit);
        }
        out += "}\n";
        return;
    }
    append_time(out, unix_microseconds);
    out += ' ';
    if (style.colour) {
        out += colour_of(level);
    }
    out += word(level);
    if (style.colour) {
        out += "\x1b[0m";
    }
    out += ' ';
    append_escaped(out, topic, false, limit);
    out += ": ";
    append_escaped(out, message, false, limit);
    for (const Field& field : fields) {
        if (out.size() >= limit) {
            break;
        }
        out += ' ';
        append_escaped(out, field.key, false, limit);
        out += '=';
        append_value(out, field.value, false, limit);
    }
    out += '\n';
}

void append_summary(std::string& out, Style style, std::int64_t unix_microseconds, Level level, std::string_view topic,
                    std::string_view event, std::uint64_t repeats) {
    if (style.json) {
        append_line(out, style, unix_microseconds, level, topic, event, {{"repeated", repeats}});
        return;
    }
    const std::string message = fmt::format("(repeated {} times) {}", repeats, event);
    append_line(out, style, unix_microseconds, level, topic, message, {});
}

} // namespace fairlead::log
