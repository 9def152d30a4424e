#pragma once

#include "bytes/bytes.hpp"

#include <algorithm>

namespace fairlead::bytes {

/// A bounds-checked cursor that writes into room the caller owns. A write that does not fit writes nothing and makes
/// ok() false for good, so a whole message can be written and checked once at the end.
class Writer {
public:
    explicit Writer(MutableBytes room) : room_(room) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t left() const { return room_.size() - size_; }
    [[nodiscard]] Bytes written() const { return room_.first(size_); }

    void u8(std::uint8_t v) { big_endian(v); }
    void u16(std::uint16_t v) { big_endian(v); }
    void u32(std::uint32_t v) { big_endian(v); }
    void u64(std::uint64_t v) { big_endian(v); }

    void put(Bytes data) {
        if (!claim(data.size())) {
            return;
        }
        std::ranges::copy(data, room_.begin() + static_cast<std::ptrdiff_t>(size_ - data.size()));
    }
    void zeros(std::size_t n) {
        if (!claim(n)) {
            return;
        }
        std::ranges::fill(room_.subspan(size_ - n, n), std::byte{0});
    }

    /// Overwrites a number written earlier (a length known only now). `offset + 2` must lie in what was written.
    void patch_u16(std::size_t offset, std::uint16_t v) {
        if (offset + 2 > size_) {
            ok_ = false;
            return;
        }
        room_[offset] = static_cast<std::byte>(v >> 8U);
        room_[offset + 1] = static_cast<std::byte>(v & 0xffU);
    }

private:
    bool claim(std::size_t n) {
        if (!ok_ || left() < n) {
            ok_ = false;
            return false;
        }
        size_ += n;
        return true;
    }
    template <class T>
    void big_endian(T v) {
        if (!claim(sizeof(T))) {
            return;
        }
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            room_[size_ - 1 - i] = static_cast<std::byte>(v & 0xffU);
            if constexpr (sizeof(T) > 1) {
                v = static_cast<T>(v >> 8U);
            }
        }
    }

    MutableBytes room_;
    std::size_t size_ = 0;
    bool ok_ = true;
};

} // namespace fairlead::bytes
