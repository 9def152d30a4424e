#include "dtls/wire.hpp"

#include "bytes/reader.hpp"
#include "bytes/writer.hpp"

#include <algorithm>

namespace fairlead::dtls {

namespace {

struct Fragment {
    Bytes record_sequence;
    std::uint16_t record_version = 0;
    std::uint16_t message_sequence = 0;
    std::size_t length = 0;
    std::size_t offset = 0;
    Bytes body;
};

std::optional<std::size_t> u24(bytes::Reader& reader) {
    const auto high = reader.u8();
    const auto low = reader.u16();
    if (!high || !low) {
        return std::nullopt;
    }
    return (std::size_t{*high} << 16U) | *low;
}

// The next record of the datagram, if it is an unencrypted fragment of a ClientHello. Steps over the record in any
// case; nothing left to step over ends the walk (`reader.empty()`).
std::optional<Fragment> next_fragment(bytes::Reader& reader) {
    const auto type = reader.u8();
    const auto version = reader.u16();
    const auto epoch = reader.u16();
    const auto sequence = reader.take(6);
    const auto length = reader.u16();
    const auto payload = length ? reader.take(*length) : std::nullopt;
    if (!type || !version || !epoch || !sequence || !payload) {
        static_cast<void>(
            reader.take(reader.remaining())); // a record that claims more than there is: nothing after it can be found
        return std::nullopt;
    }
    if (*type != content_handshake || *epoch != 0 || (*version >> 8U) != 0xfe) {
        return std::nullopt;
    }
    bytes::Reader inner(*payload);
    Fragment fragment;
    fragment.record_sequence = *sequence;
    fragment.record_version = *version;
    const auto message_type = inner.u8();
    const auto message_length = u24(inner);
    const auto message_sequence = inner.u16();
    const auto offset = u24(inner);
    const auto fragment_length = u24(inner);
    if (!message_type || !message_length || !message_sequence || !offset || !fragment_length ||
        *message_type != handshake_client_hello) {
        return std::nullopt;
    }
    const auto body = inner.take(*fragment_length);
    if (!body || *offset > *message_length || *fragment_length > *message_length - *offset) {
        return std::nullopt;
    }
    fragment.message_sequence = *message_sequence;
    fragment.length = *message_length;
    fragment.offset = *offset;
    fragment.body = *body;
    return fragment;
}

} // namespace

std::optional<ClientHelloStart> parse_client_hello_start(Bytes datagram) {
    bytes::Reader reader(datagram);
    const auto fragment = next_fragment(reader);
    if (!fragment || fragment->offset != 0) {
        return std::nullopt;
    }
    // ClientHello: client_version(2) random(32) session_id<0..32> cookie<0..255> ...
    bytes::Reader body(fragment->body);
    const auto version = body.u16();
    const auto random = body.take(32);
    const auto session_id_length = body.u8();
    if (!version || (*version >> 8U) != 0xfe || !random || !session_id_length || *session_id_length > 32 ||
        !body.skip(*session_id_length)) {
        return std::nullopt;
    }
    const auto cookie_length = body.u8();
    const auto cookie = cookie_length ? body.take(*cookie_length) : std::nullopt;
    if (!cookie) {
        return std::nullopt;
    }
    ClientHelloStart hello;
    hello.record_sequence = fragment->record_sequence;
    hello.random = *random;
    hello.cookie = *cookie;
    hello.message_sequence = fragment->message_sequence;
    hello.length = fragment->length;
    hello.fragment_length = fragment->body.size();
    return hello;
}

HelloAssembler::Progress HelloAssembler::add(Bytes datagram) {
    bytes::Reader reader(datagram);
    while (!reader.empty()) {
        const auto fragment = next_fragment(reader);
        if (!fragment) {
            continue;
        }
        if (record_.empty()) {
            if (fragment->length > max_hello) {
                return Progress::refused;
            }
            message_sequence_ = fragment->message_sequence;
            record_.resize(record_header_size + handshake_header_size + fragment->length);
            have_.assign(fragment->length, false);
            missing_ = fragment->length;
            const auto length = static_cast<std::uint16_t>(fragment->length);
            bytes::Writer writer(record_);
            writer.u8(content_handshake);
            writer.u16(fragment->record_version);
            writer.u16(0);
            writer.put(fragment->record_sequence);
            writer.u16(static_cast<std::uint16_t>(handshake_header_size + length));
            writer.u8(handshake_client_hello);
            writer.u8(0);
            writer.u16(length);
            writer.u16(message_sequence_);
            writer.u8(0);
            writer.u16(0);
            writer.u8(0);
            writer.u16(length);
        }
        if (fragment->message_sequence != message_sequence_ || fragment->length != have_.size()) {
            continue; // a late first hello without cookie, or one that contradicts itself
        }
        for (std::size_t i = 0; i < fragment->body.size(); ++i) {
            const std::size_t at = fragment->offset + i;
            if (!have_[at]) {
                have_[at] = true;
                --missing_;
                record_[record_header_size + handshake_header_size + at] = fragment->body[i];
            }
        }
    }
    return !record_.empty() && missing_ == 0 ? Progress::complete : Progress::incomplete;
}

} // namespace fairlead::dtls
