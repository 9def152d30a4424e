#include "stun/credential.hpp"

#include "bytes/base64.hpp"
#include "crypto/hmac.hpp"

#include <algorithm>
#include <string>

namespace fairlead::stun {

Bytes LongTermKeys::of(PasswordAlgorithm algorithm) const {
    switch (algorithm) {
    case PasswordAlgorithm::md5:
        return md5 ? Bytes(*md5) : Bytes();
    case PasswordAlgorithm::sha256:
        return sha256 ? Bytes(*sha256) : Bytes();
    }
    return {};
}

LongTermKeys long_term_keys(std::string_view username, std::string_view realm, std::string_view password) {
    std::string text;
    text.reserve(username.size() + realm.size() + password.size() + 2);
    text.append(username).append(":").append(realm).append(":").append(password);
    LongTermKeys keys{.md5 = crypto::md5(as_bytes(text)), .sha256 = crypto::sha256(as_bytes(text))};
    crypto::wipe(std::as_writable_bytes(std::span(text)));
    return keys;
}

crypto::Sha256 userhash(std::string_view username, std::string_view realm) {
    std::string text;
    text.reserve(username.size() + realm.size() + 1);
    text.append(username).append(":").append(realm);
    return crypto::sha256(as_bytes(text));
}

std::array<char, 13> write_nonce_cookie(SecurityFeatures features) {
    std::array<char, 13> cookie{};
    std::ranges::copy(nonce_cookie, cookie.begin());
    std::array<std::byte, 3> bits{};
    if (features.password_algorithms) {
        bits[0] |= std::byte{0x80};
        bits[2] |= std::byte{0x01};
    }
    if (features.username_anonymity) {
        bits[0] |= std::byte{0x40};
        bits[2] |= std::byte{0x02};
    }
    std::ranges::copy(bytes::to_base64(bits), cookie.begin() + nonce_cookie.size());
    return cookie;
}

std::optional<SecurityFeatures> read_nonce_cookie(std::string_view nonce) {
    if (nonce.size() < 13 || !nonce.starts_with(nonce_cookie)) {
        return std::nullopt;
    }
    const auto bits = bytes::from_base64(nonce.substr(nonce_cookie.size(), 4));
    if (!bits || bits->size() != 3) {
        return std::nullopt;
    }
    const auto left = std::to_integer<unsigned>((*bits)[0]);
    const auto right = std::to_integer<unsigned>((*bits)[2]);
    return SecurityFeatures{.password_algorithms = (left & 0x80U) != 0 || (right & 0x01U) != 0,
                            .username_anonymity = (left & 0x40U) != 0 || (right & 0x02U) != 0};
}

} // namespace fairlead::stun
