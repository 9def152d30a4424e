#include "dtls/hello_verifier.hpp"

#include "bytes/reader.hpp"
#include "bytes/writer.hpp"
#include "crypto/hmac.hpp"
#include "dtls/wire.hpp"

namespace fairlead::dtls {

namespace {

// RFC 6347 section 4.2.1: "When the second ClientHello is received, the server can verify that the Cookie is valid".
// Sixteen bytes of MAC are out of reach for guessing and keep the answer under the size of any hello.
constexpr std::size_t cookie_size = 16;

} // namespace

HelloVerifier::HelloVerifier(Random& random) : random_(random) {}

void HelloVerifier::rotate(std::int64_t hour) {
    const auto slot = [](std::int64_t h) { return static_cast<std::size_t>(h & 1); };
    if (!hour_ || hour > *hour_ + 1 || hour < *hour_) {
        random_.fill(keys_[0]); // first use, a long pause, or a clock set back: both keys are new
        random_.fill(keys_[1]);
    } else if (hour == *hour_ + 1) {
        random_.fill(keys_[slot(hour)]);
    }
    hour_ = hour;
}

crypto::Sha256 HelloVerifier::cookie(std::int64_t hour, const net::FiveTuple& path, Bytes client_random) {
    const auto& key = keys_[static_cast<std::size_t>(hour & 1)];
    const auto client = std::as_bytes(path.client.address.bytes());
    const auto server = std::as_bytes(path.server.address.bytes());
    const std::array ports{
        static_cast<std::byte>(path.client.port >> 8U), static_cast<std::byte>(path.client.port & 0xffU),
        static_cast<std::byte>(path.server.port >> 8U), static_cast<std::byte>(path.server.port & 0xffU)};
    return crypto::hmac_sha256(key, {client, server, ports, client_random});
}

HelloVerifier::Verdict HelloVerifier::handle(Now now, const net::FiveTuple& path, Bytes datagram, net::Outbox& out) {
    const auto hello = parse_client_hello_start(datagram);
    if (!hello) {
        return Verdict::ignored;
    }
    const std::int64_t hour = unix_seconds(now.unix) / 3600;
    if (hour_ != hour) {
        rotate(hour);
    }
    const auto expected = cookie(hour, path, hello->random);
    if (!hello->cookie.empty()) {
        const auto previous = cookie(hour - 1, path, hello->random);
        if (crypto::equal(hello->cookie, Bytes(expected).first(cookie_size)) ||
            crypto::equal(hello->cookie, Bytes(previous).first(cookie_size))) {
            return Verdict::verified;
        }
    }
    constexpr std::size_t body = 2 + 1 + cookie_size;
    constexpr std::size_t total = record_header_size + handshake_header_size + body;
    const MutableBytes room = out.reserve(total);
    bytes::Writer writer(room);
    writer.u8(content_handshake);
    writer.u16(
        version_dtls_1_0); // RFC 6347 section 4.2.1: "DTLS 1.2 server implementations SHOULD use DTLS version 1.0"
    writer.u16(0);         // epoch
    writer.put(hello->record_sequence); // "MUST use the record sequence number in the ClientHello"
    writer.u16(static_cast<std::uint16_t>(handshake_header_size + body));
    writer.u8(handshake_hello_verify_request);
    writer.u8(0);
    writer.u16(body);
    writer.u16(0); // message_seq
    writer.u8(0);
    writer.u16(0); // fragment_offset
    writer.u8(0);
    writer.u16(body); // fragment_length
    writer.u16(version_dtls_1_0);
    writer.u8(cookie_size);
    writer.put(Bytes(expected).first(cookie_size));
    if (!writer.ok()) {
        return Verdict::ignored;
    }
    out.transmit(path, writer.size());
    return Verdict::challenged;
}

} // namespace fairlead::dtls
