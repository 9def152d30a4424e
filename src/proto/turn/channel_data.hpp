#pragma once

#include "bytes/reader.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace fairlead::turn {

/// RFC 8656 section 12.4:
///
///     0                   1                   2                   3
///    |         Channel Number        |            Length             |
///    |                       Application Data                        |
struct ChannelData {
    static constexpr std::size_t header_size = 4;

    std::uint16_t channel = 0;
    std::uint16_t length = 0; ///< of the application data

    /// Nothing when the bytes are fewer than the header announces. More are padding ("the ChannelData message ... MAY
    /// be padded", section 12.5) and ignored.
    [[nodiscard]] static std::optional<ChannelData> parse(Bytes bytes) {
        if (bytes.size() < header_size) {
            return std::nullopt;
        }
        const ChannelData header{.channel = bytes::load_u16(bytes, 0), .length = bytes::load_u16(bytes, 2)};
        if (header.length > bytes.size() - header_size) {
            return std::nullopt;
        }
        return header;
    }
};

} // namespace fairlead::turn
