#pragma once

#include "bytes/bytes.hpp"

namespace fairlead::websocket {

/// UTF-8 (RFC 3629) that arrives in pieces: false with the first byte that no continuation can make valid again.
/// Overlong forms, surrogates and values above U+10FFFF are invalid.
class Utf8Validator {
public:
    [[nodiscard]] bool push(Bytes text);
    /// No character is left half written.
    [[nodiscard]] bool is_complete() const { return missing_ == 0; }
    void reset() { *this = Utf8Validator{}; }

private:
    std::uint8_t missing_ = 0;   // continuation bytes still to come
    std::uint8_t lowest_ = 0x80; // the range of the next one
    std::uint8_t highest_ = 0xbf;
};

} // namespace fairlead::websocket
