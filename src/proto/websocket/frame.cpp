#include "websocket/frame.hpp"

namespace fairlead::websocket {
namespace {

constexpr unsigned fin_bit = 0x80;
constexpr unsigned reserved_bits = 0x70;
constexpr unsigned opcode_bits = 0x0f;
constexpr unsigned mask_bit = 0x80;
constexpr unsigned length_bits = 0x7f;
constexpr unsigned length_in_16_bits = 126;
constexpr unsigned length_in_64_bits = 127;

bool is_known(unsigned opcode) {
    return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xa);
}

} // namespace

FrameHeaderReader::Step FrameHeaderReader::push(std::byte b) {
    const unsigned byte = std::to_integer<unsigned>(b);
    const std::uint8_t position = read_++;
    if (position == 0) {
        if ((byte & reserved_bits) != 0) {
            return fail(FrameError::reserved_bit);
        }
        if (!is_known(byte & opcode_bits)) {
            return fail(FrameError::reserved_opcode);
        }
        header_.fin = (byte & fin_bit) != 0;
        header_.opcode = static_cast<Opcode>(byte & opcode_bits);
        return Step::more;
    }
    if (position == 1) {
        masked_ = (byte & mask_bit) != 0;
        const unsigned length = byte & length_bits;
        if (length == length_in_16_bits || length == length_in_64_bits) {
            length_bytes_ = length == length_in_16_bits ? 2 : 8;
            return Step::more;
        }
        header_.length = length;
        return masked_ ? Step::more : Step::complete;
    }
    const unsigned length_end = 2U + length_bytes_;
    if (position < length_end) {
        if (length_bytes_ == 8 && position == 2 && (byte & 0x80U) != 0) {
            return fail(FrameError::length_too_large);
        }
        header_.length = (header_.length << 8U) | byte;
        if (position + 1U < length_end) {
            return Step::more;
        }
        // "the minimal number of bytes MUST be used to encode the length"
        if (header_.length <= (length_bytes_ == 2 ? 125U : 0xffffU)) {
            return fail(FrameError::length_not_minimal);
        }
        return masked_ ? Step::more : Step::complete;
    }
    const unsigned key_position = position - length_end;
    key_[key_position] = b;
    if (key_position + 1U < key_.size()) {
        return Step::more;
    }
    header_.mask = key_;
    return Step::complete;
}

void write(const FrameHeader& header, std::string& out) {
    const auto put = [&out](std::uint64_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    const unsigned mask = header.mask ? mask_bit : 0U;
    put((header.fin ? fin_bit : 0U) | static_cast<unsigned>(header.opcode));
    if (header.length <= control_payload_limit) {
        put(mask | header.length);
    } else if (header.length <= 0xffff) {
        put(mask | length_in_16_bits);
        put(header.length >> 8U);
        put(header.length & 0xffU);
    } else {
        put(mask | length_in_64_bits);
        for (unsigned shift = 64; shift > 0; shift -= 8) {
            put((header.length >> (shift - 8)) & 0xffU);
        }
    }
    if (header.mask) {
        out.append(as_text(*header.mask));
    }
}

void apply_mask(const MaskingKey& key, std::size_t offset, MutableBytes data) {
    for (std::size_t i = 0; i < data.size(); ++i) {
        data[i] ^= key[(offset + i) % key.size()];
    }
}

} // namespace fairlead::websocket
