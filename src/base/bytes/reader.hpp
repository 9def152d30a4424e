#pragma once

#include "bytes/bytes.hpp"

#include <optional>

namespace fairlead::bytes {

/// A bounds-checked cursor over network bytes: the only way that wire bytes are read. A read past the end yields
/// nothing and leaves the cursor where it was. Lengths are size_t throughout; nothing is truncated to the width of a
/// wire field.
class Reader {
public:
    explicit Reader(Bytes data) : data_(data) {}

    [[nodiscard]] std::size_t remaining() const { return data_.size() - position_; }
    [[nodiscard]] std::size_t position() const { return position_; }
    [[nodiscard]] bool empty() const { return remaining() == 0; }

    [[nodiscard]] std::optional<std::uint8_t> u8() {
        if (remaining() < 1) {
            return std::nullopt;
        }
        return static_cast<std::uint8_t>(data_[position_++]);
    }
    [[nodiscard]] std::optional<std::uint16_t> u16() { return big_endian<std::uint16_t>(); }
    [[nodiscard]] std::optional<std::uint32_t> u32() { return big_endian<std::uint32_t>(); }
    [[nodiscard]] std::optional<std::uint64_t> u64() { return big_endian<std::uint64_t>(); }

    /// A view of the next `n` bytes, which it steps over.
    [[nodiscard]] std::optional<Bytes> take(std::size_t n) {
        if (remaining() < n) {
            return std::nullopt;
        }
        const Bytes view = data_.subspan(position_, n);
        position_ += n;
        return view;
    }
    [[nodiscard]] bool skip(std::size_t n) { return take(n).has_value(); }
    [[nodiscard]] Bytes rest() const { return data_.subspan(position_); }

private:
    template <class T>
    std::optional<T> big_endian() {
        if (remaining() < sizeof(T)) {
            return std::nullopt;
        }
        T value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            value = static_cast<T>((value << 8U) | static_cast<T>(static_cast<std::uint8_t>(data_[position_ + i])));
        }
        position_ += sizeof(T);
        return value;
    }

    Bytes data_;
    std::size_t position_ = 0;
};

/// The big-endian number at `offset`; the caller has checked that it lies inside. For hot paths that know their length.
[[nodiscard]] inline std::uint16_t load_u16(Bytes data, std::size_t offset) {
    return static_cast<std::uint16_t>((std::to_integer<unsigned>(data[offset]) << 8U) |
                                      std::to_integer<unsigned>(data[offset + 1]));
}
[[nodiscard]] inline std::uint32_t load_u32(Bytes data, std::size_t offset) {
    return (std::uint32_t{load_u16(data, offset)} << 16U) | load_u16(data, offset + 2);
}

} // namespace fairlead::bytes
