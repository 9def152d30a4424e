#pragma once

#include "net/address.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace fairlead::turn {

/// What RFC 8656 leaves to the server. Times in seconds.
struct ServerConfig {
    /// REALM. Short realms keep the 401 small: up to 12 bytes stay under twice a browser's Allocate.
    std::string realm = "fairlead";

    enum class Authentication : std::uint8_t {
        long_term, ///< RFC 8489 section 9.2
        none,      ///< everybody may relay (coturn's no-auth). Only behind other protection.
    };
    Authentication authentication = Authentication::long_term;

    /// MESSAGE-INTEGRITY-SHA256 and PASSWORD-ALGORITHMS (RFC 8489 section 9.2.1), which make the 401 24 bytes longer.
    enum class OfferSha256 : std::uint8_t {
        never,
        /// Over UDP only where the answer stays within twice the request on the wire; always over TCP, TLS and DTLS,
        /// whose source is verified. A departure from RFC 8489 section 9.2.4, which has every 401 carry it: see
        /// NOTES.md.
        when_request_pays,
        always,
    };
    OfferSha256 offer_sha256 = OfferSha256::when_request_pays;
    /// False refuses MD5 keys: only PASSWORD-ALGORITHM SHA-256 authenticates, and it is always offered.
    bool md5_keys = true;
    /// Advertise USERHASH. Only where Credentials can resolve one (static users; not time-limited names).
    bool username_anonymity = false;

    /// Master secret of the stateless nonces; the same for all workers (and machines of a fleet). Random at start.
    std::array<std::byte, 32> nonce_secret{};
    /// How long a nonce is good for; 0 = for ever. Then 438.
    std::chrono::seconds nonce_lifetime{600};

    std::chrono::seconds default_lifetime{600};    ///< RFC 8656 section 3.2
    std::chrono::seconds max_lifetime{3600};       ///< RFC 8656 section 7.2
    std::chrono::seconds permission_lifetime{300}; ///< RFC 8656 section 9
    std::chrono::seconds channel_lifetime{600};    ///< RFC 8656 section 12
    std::chrono::seconds reservation_lifetime{30}; ///< RFC 8656 section 7.2
    /// Caps an allocation's lifetime at its credential's expiry instead of refusing the next refresh only.
    bool lifetime_ends_with_credential = false;

    std::size_t max_allocations = 100'000;           ///< then 508
    std::size_t max_relays = 400'000;                ///< bound of RelayId
    std::size_t max_permissions_per_allocation = 64; ///< then 508
    std::size_t max_channels_per_allocation = 64;    ///< then 508
    std::size_t max_reservations = 10'000;           ///< then 508
    std::size_t max_parked_requests = 1'024;         ///< waiting for a key; more are dropped (the client retransmits)
    std::chrono::seconds parked_request_lifetime{5};

    enum class ChannelRange : std::uint8_t {
        rfc8656, ///< 0x4000 to 0x4FFF
        rfc5766, ///< 0x4000 to 0x7FFF, for clients of before 2020 (rfc5766-channel-numbers)
    };
    ChannelRange channel_range = ChannelRange::rfc8656;

    /// Family of a relayed address when the client does not say (RFC 8656 section 7.2 wants IPv4; browsers never say,
    /// and with `as_client` one that came over IPv6 gets IPv6 where the opener has it).
    enum class DefaultFamily : std::uint8_t { v4, v6, as_client };
    DefaultFamily default_family = DefaultFamily::v4;

    /// False: DONT-FRAGMENT is answered 420, as RFC 8656 section 7.2 wants of a server that cannot set DF.
    bool dont_fragment = true;
    bool even_port = true; ///< false: EVEN-PORT is answered 508

    bool answer_bindings = true;            ///< false: Binding requests are dropped (no-stun)
    bool relay = true;                      ///< false: everything but Binding is dropped (stun-only)
    bool binding_needs_credentials = false; ///< secure-stun

    /// SOFTWARE in answers to authenticated requests; empty = none. Never before authentication.
    std::string software{};
    bool always_fingerprint = false; ///< false: FINGERPRINT only where the request had it
    bool reason_phrases = true;      ///< in answers to authenticated requests; unauthenticated ones never carry them

    /// Unauthenticated answers (401, 400, 438, Binding) per source: /32 or /56.
    bool limit_unauthenticated = true;
    unsigned unauthenticated_burst = 20;
    unsigned unauthenticated_per_second = 20;
    unsigned unauthenticated_total_burst = 20'000; ///< for all sources together
    unsigned unauthenticated_total_per_second = 20'000;

    /// Goes into the first byte of reservation tokens, so that a stray one says whose it is.
    std::uint8_t worker_index = 0;
};

} // namespace fairlead::turn
