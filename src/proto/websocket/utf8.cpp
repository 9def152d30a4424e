#include "websocket/utf8.hpp"

namespace fairlead::websocket {

// The well-formed sequences of RFC 3629 section 4: only the first continuation byte ever has a narrower range than
// 80-BF.
bool Utf8Validator::push(Bytes text) {
    for (const std::byte b : text) {
        const auto byte = std::to_integer<std::uint8_t>(b);
        if (missing_ > 0) {
            if (byte < lowest_ || byte > highest_) {
                return false;
            }
            --missing_;
            lowest_ = 0x80;
            highest_ = 0xbf;
        } else if (byte < 0x80) {
            continue;
        } else if (byte >= 0xc2 && byte <= 0xdf) {
            missing_ = 1;
        } else if (byte >= 0xe0 && byte <= 0xef) {
            missing_ = 2;
            lowest_ = byte == 0xe0 ? 0xa0 : 0x80;
            highest_ = byte == 0xed ? 0x9f : 0xbf; // no surrogates
        } else if (byte >= 0xf0 && byte <= 0xf4) {
            missing_ = 3;
            lowest_ = byte == 0xf0 ? 0x90 : 0x80;
            highest_ = byte == 0xf4 ? 0x8f : 0xbf; // nothing above U+10FFFF
        } else {
            return false;
        }
    }
    return true;
}

} // namespace fairlead::websocket
