#pragma once

#include "bytes/bytes.hpp"
#include "crypto/hash.hpp"
#include "net/address.hpp"
#include "net/outbox.hpp"
#include "random/random.hpp"
#include "time/instant.hpp"

#include <array>
#include <optional>

namespace fairlead::dtls {

/// The stateless half of a DTLS 1.2 server (RFC 6347 section 4.2.1): answers the first ClientHello of a stranger with a
/// HelloVerifyRequest and recognises the second by its cookie. Nothing is remembered per source, and the answer is
/// shorter than the smallest hello.
///
/// OpenSSL's own DTLSv1_listen refuses a ClientHello that arrives in several fragments, as today's clients with
/// post-quantum key shares send it. This one needs the first fragment only: random, session id and cookie stand at its
/// beginning.
class HelloVerifier {
public:
    explicit HelloVerifier(Random& random);

    enum class Verdict : std::uint8_t {
        verified,   // the cookie is ours and fits this path: worth an Endpoint
        challenged, // a HelloVerifyRequest went out
        ignored,    // not the beginning of a ClientHello: silence
    };

    /// `datagram` comes from a 5-tuple that has no endpoint.
    [[nodiscard]] Verdict handle(Now now, const net::FiveTuple& path, Bytes datagram, net::Outbox& out);

private:
    // Key i serves the hour i modulo 2; a cookie is good in its own hour and the next.
    [[nodiscard]] crypto::Sha256 cookie(std::int64_t hour, const net::FiveTuple& path, Bytes client_random);
    void rotate(std::int64_t hour);

    Random& random_;
    std::array<std::array<std::byte, 32>, 2> keys_{};
    std::optional<std::int64_t> hour_;
};

} // namespace fairlead::dtls
