#pragma once

#include "bytes/bytes.hpp"
#include "crypto/hash.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace fairlead::stun {

/// IANA registry "STUN Password Algorithms" (RFC 8489 section 18.5).
enum class PasswordAlgorithm : std::uint16_t { md5 = 0x0001, sha256 = 0x0002 };

/// The long-term key of RFC 8489 section 9.2.2, one per password algorithm. A database may hold only one of the two.
struct LongTermKeys {
    std::optional<crypto::Md5> md5{};       ///< MD5(username ":" realm ":" OpaqueString(password))
    std::optional<crypto::Sha256> sha256{}; ///< SHA-256 of the same

    [[nodiscard]] Bytes of(PasswordAlgorithm algorithm) const; ///< empty when there is none
};

/// Both keys. `username`, `realm` and `password` are already prepared (RFC 8265 OpaqueString) where that matters.
[[nodiscard]] LongTermKeys long_term_keys(std::string_view username, std::string_view realm, std::string_view password);

/// USERHASH (RFC 8489 section 14.4): SHA-256(username ":" realm).
[[nodiscard]] crypto::Sha256 userhash(std::string_view username, std::string_view realm);

/// The nonce cookie of RFC 8489 section 9.2: "obMatJos2" and 24 feature bits in base64. Section 18.1 counts the bits
/// from the left, its erratum 6290 and the example of appendix B.1 from the right; both kinds of client are about. So
/// we set and read a feature at both ends, which collides for no feature that exists.
inline constexpr std::string_view nonce_cookie = "obMatJos2";
struct SecurityFeatures {
    bool password_algorithms = false; ///< bit 0
    bool username_anonymity = false;  ///< bit 1
    friend bool operator==(const SecurityFeatures&, const SecurityFeatures&) = default;
};
/// "obMatJos2" + four characters.
[[nodiscard]] std::array<char, 13> write_nonce_cookie(SecurityFeatures features);
/// Nothing when the nonce does not begin with a cookie.
[[nodiscard]] std::optional<SecurityFeatures> read_nonce_cookie(std::string_view nonce);

} // namespace fairlead::stun
