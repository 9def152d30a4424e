#pragma once

#include "crypto/hash.hpp"
#include "net/address.hpp"
#include "random/random.hpp"
#include "stun/credential.hpp"
#include "time/instant.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace fairlead::turn {

/// Stateless nonces: 24 characters, base64 of
///
///     40 bits time (Unix seconds) | 24 bits salt | 80 bits MAC
///
/// where MAC = HMAC-SHA256(key of the hour, time | salt | client address | prefix) cut to 80 bits. With security
/// features the 13 characters of the nonce cookie stand in front (RFC 8489 section 9.2) and are covered by the MAC, so
/// that clearing a feature bit forges the nonce. Bound to the client's address, not its port: a client behind a NAT may
/// get a new port between two requests. Keys follow from the master secret and the hour, so workers and machines that
/// share the secret accept each other's nonces; the hour's key and the one before are accepted.
class NonceIssuer {
public:
    static constexpr std::size_t plain_size = 24;
    static constexpr std::size_t max_size = 13 + plain_size;

    struct Nonce {
        std::array<char, max_size> text{};
        std::size_t size = 0;
        [[nodiscard]] std::string_view view() const { return {text.data(), size}; }
    };

    enum class Verdict : std::uint8_t {
        good,
        stale,  ///< ours and this client's, but too old (or from the future: the clock was set back)
        forged, ///< anything else
    };
    struct Checked {
        Verdict verdict = Verdict::forged;
        stun::SecurityFeatures features{}; ///< what we had promised; meaningful unless forged
    };

    /// `lifetime` 0 = nonces do not get stale.
    NonceIssuer(const std::array<std::byte, 32>& secret, std::chrono::seconds lifetime, Random& random);
    ~NonceIssuer();
    NonceIssuer(const NonceIssuer&) = delete;
    NonceIssuer& operator=(const NonceIssuer&) = delete;
    NonceIssuer(NonceIssuer&&) = delete;
    NonceIssuer& operator=(NonceIssuer&&) = delete;

    void set_lifetime(std::chrono::seconds lifetime) { lifetime_ = lifetime; }

    [[nodiscard]] Nonce issue(UnixTime now, const net::IpAddress& client, stun::SecurityFeatures features);
    [[nodiscard]] Checked check(UnixTime now, const net::IpAddress& client, std::string_view nonce);

private:
    using Mac = std::array<std::byte, 10>;
    struct HourKey {
        std::int64_t hour = -1;
        crypto::Sha256 key{};
    };

    [[nodiscard]] crypto::Sha256 derive(std::int64_t hour) const;
    const crypto::Sha256& key_of_recent(std::int64_t hour);
    static Mac mac(const crypto::Sha256& key, Bytes stamp, const net::IpAddress& client, std::string_view cookie);

    std::array<std::byte, 32> secret_;
    std::chrono::seconds lifetime_;
    std::uint32_t salt_;
    std::array<HourKey, 2> keys_; // by parity of the hour
};

} // namespace fairlead::turn
