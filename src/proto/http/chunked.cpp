#include "http/chunked.hpp"

#include "http/fields.hpp"

#include <algorithm>

namespace fairlead::http {
namespace {

constexpr std::size_t extension_limit = 256;
constexpr std::size_t trailer_limit = 4096;
constexpr std::uint8_t size_digit_limit = 15; // never overflows 64 bits, and no honest chunk is longer

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool is_text(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

} // namespace

ChunkedDecoder::Step ChunkedDecoder::push(Bytes& input, std::string& content, std::size_t limit) {
    while (!input.empty()) {
        if (state_ == State::data) {
            const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(size_, input.size()));
            content.append(as_text(input.first(n)));
            input = input.subspan(n);
            size_ -= n;
            state_ = size_ == 0 ? State::data_cr : State::data;
            continue;
        }
        const Step step = take(static_cast<char>(input.front()));
        input = input.subspan(1);
        if (step != Step::more) {
            return step;
        }
        if (state_ == State::data && size_ > limit - std::min(limit, content.size())) {
            return Step::content_too_large;
        }
    }
    return Step::more;
}

ChunkedDecoder::Step ChunkedDecoder::take(char c) {
    switch (state_) {
    case State::size_first:
    case State::size: {
        const int digit = hex_value(c);
        if (digit >= 0) {
            if (++digits_ > size_digit_limit) {
                return Step::malformed;
            }
            size_ = size_ * 16 + static_cast<unsigned>(digit);
            state_ = State::size;
            return Step::more;
        }
        if (state_ == State::size_first || (c != '\r' && c != ';')) {
            return Step::malformed;
        }
        state_ = c == '\r' ? State::size_end : State::extension;
        return Step::more;
    }
    case State::extension:
        if (c == '\r') {
            state_ = State::size_end;
            return Step::more;
        }
        return is_text(c) && ++overhead_ <= extension_limit ? Step::more : Step::malformed;
    case State::size_end:
        if (c != '\n') {
            return Step::malformed;
        }
        overhead_ = 0;
        digits_ = 0;
        state_ = size_ == 0 ? State::trailer_first : State::data;
        return Step::more;
    case State::data: // push() has consumed it
    case State::data_cr:
        state_ = State::data_end;
        return c == '\r' ? Step::more : Step::malformed;
    case State::data_end:
        state_ = State::size_first;
        return c == '\n' ? Step::more : Step::malformed;
    case State::trailer_first:
        if (c == '\r') {
            state_ = State::last_end;
            return Step::more;
        }
        state_ = State::trailer_name;
        [[fallthrough]];
    case State::trailer_name:
        if (++overhead_ > trailer_limit) {
            return Step::trailer_too_large;
        }
        if (c == ':' && in_name_) {
            in_name_ = false;
            state_ = State::trailer_value;
            return Step::more;
        }
        in_name_ = true;
        return is_token({&c, 1}) ? Step::more : Step::malformed;
    case State::trailer_value:
        if (++overhead_ > trailer_limit) {
            return Step::trailer_too_large;
        }
        if (c == '\r') {
            state_ = State::trailer_end;
            return Step::more;
        }
        return is_text(c) ? Step::more : Step::malformed;
    case State::trailer_end:
        state_ = State::trailer_first;
        return c == '\n' ? Step::more : Step::malformed;
    case State::last_end:
        return c == '\n' ? Step::complete : Step::malformed;
    }
    return Step::malformed;
}

} // namespace fairlead::http
