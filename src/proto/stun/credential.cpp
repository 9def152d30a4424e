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
    bits[0] = (features.password_algorithms ? std::byte{0x80} : std::byte{0}) |
              (features.username_anonymity ? std::byte{0x40} : std::byte{0});
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
    const auto first = std::to_integer<unsigned>(bits->front());
    return SecurityFeatures{.password_algorithms = (first & 0x80U) != 0, .username_anonymity = (first & 0x40U) != 0};
}

} // namespace fairlead::stun
