#pragma once

#include "bytes/bytes.hpp"

#include <string>

namespace fairlead::http {

/// The chunked transfer coding (RFC 9112 section 7.1), byte by byte. Sizes are hexadecimal digits and nothing else (at
/// most 15), every line ends with CRLF, extensions are skipped up to 256 bytes a line. Trailer fields are checked for
/// their form and dropped, at most 4 KiB of them.
class ChunkedDecoder {
public:
    enum class Step : std::uint8_t { more, complete, malformed, trailer_too_large, content_too_large };

    /// Takes bytes from the front of `input` and appends content to `content`, which never grows beyond `limit`. Takes
    /// nothing behind the last line.
    [[nodiscard]] Step push(Bytes& input, std::string& content, std::size_t limit);

private:
    enum class State : std::uint8_t {
        size_first,
        size,
        extension,
        size_end,
        data,
        data_cr,
        data_end,
        trailer_first,
        trailer_name,
        trailer_value,
        trailer_end,
        last_end,
    };
    Step take(char c);

    std::uint64_t size_ = 0;   // of this chunk; while in data, what is left of it
    std::size_t overhead_ = 0; // bytes of extensions in this line, or of the trailer section
    std::uint8_t digits_ = 0;
    bool in_name_ = false; // a trailer's name has begun
    State state_ = State::size_first;
};

} // namespace fairlead::http
