#include "crypto/crc32.hpp"
#include "crypto/hash.hpp"
#include "crypto/hmac.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>

namespace fairlead::crypto {

namespace {

// One digest object and one context per algorithm and thread: fetching the algorithm by name costs more than hashing a
// STUN message with it (OpenSSL 3 looks it up in the provider's store every time).
class Digest {
public:
    explicit Digest(const char* name) : algorithm_(EVP_MD_fetch(nullptr, name, nullptr)), context_(EVP_MD_CTX_new()) {
        if (algorithm_ == nullptr || context_ == nullptr) {
            std::abort(); // the library is unusable: MD5 is missing only from builds that cannot speak STUN at all
        }
    }
    ~Digest() {
        EVP_MD_CTX_free(context_);
        EVP_MD_free(algorithm_);
    }
    Digest(const Digest&) = delete;
    Digest& operator=(const Digest&) = delete;
    Digest(Digest&&) = delete;
    Digest& operator=(Digest&&) = delete;

    void start() { check(EVP_DigestInit_ex2(context_, algorithm_, nullptr)); }
    void update(Bytes data) { check(EVP_DigestUpdate(context_, data.data(), data.size())); }
    template <std::size_t N>
    std::array<std::byte, N> finish() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
        unsigned length = 0;
        check(EVP_DigestFinal_ex(context_, raw.data(), &length));
        std::array<std::byte, N> digest{};
        std::ranges::transform(std::span(raw).first(N), digest.begin(), [](unsigned char c) { return std::byte{c}; });
        return digest;
    }

private:
    static void check(int ok) {
        if (ok != 1) {
            std::abort();
        }
    }
    EVP_MD* algorithm_;
    EVP_MD_CTX* context_;
};

Digest& md5_digest() {
    thread_local Digest digest("MD5");
    return digest;
}
Digest& sha1_digest() {
    thread_local Digest digest("SHA1");
    return digest;
}
Digest& sha256_digest() {
    thread_local Digest digest("SHA256");
    return digest;
}

template <std::size_t N>
std::array<std::byte, N> hash(Digest& digest, Bytes data) {
    digest.start();
    digest.update(data);
    return digest.finish<N>();
}

// RFC 2104: H(K xor opad, H(K xor ipad, text)); all three hashes have 64-byte blocks.
template <std::size_t N>
std::array<std::byte, N> hmac(Digest& digest, Bytes key, std::initializer_list<Bytes> data) {
    constexpr std::size_t block = 64;
    std::array<std::byte, block> padded{};
    if (key.size() > block) {
        const auto shortened = hash<N>(digest, key);
        std::ranges::copy(shortened, padded.begin());
    } else {
        std::ranges::copy(key, padded.begin());
    }
    for (auto& b : padded) {
        b ^= std::byte{0x36};
    }
    digest.start();
    digest.update(padded);
    for (const Bytes piece : data) {
        digest.update(piece);
    }
    const auto inner = digest.finish<N>();
    for (auto& b : padded) {
        b ^= std::byte{0x36 ^ 0x5c};
    }
    digest.start();
    digest.update(padded);
    digest.update(inner);
    wipe(padded);
    return digest.finish<N>();
}

} // namespace

Md5 md5(Bytes data) {
    return hash<16>(md5_digest(), data);
}
Sha1 sha1(Bytes data) {
    return hash<20>(sha1_digest(), data);
}
Sha256 sha256(Bytes data) {
    return hash<32>(sha256_digest(), data);
}

Sha1 hmac_sha1(Bytes key, std::initializer_list<Bytes> data) {
    return hmac<20>(sha1_digest(), key, data);
}
Sha256 hmac_sha256(Bytes key, std::initializer_list<Bytes> data) {
    return hmac<32>(sha256_digest(), key, data);
}

bool equal(Bytes a, Bytes b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(MutableBytes secret) {
    OPENSSL_cleanse(secret.data(), secret.size());
}

std::uint32_t crc32(Bytes data) {
    // Reflected polynomial of ITU V.42, one byte at a time from a table made at compile time.
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> t{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t c = i;
            for (int k = 0; k < 8; ++k) {
                c = (c & 1U) != 0 ? (c >> 1U) ^ 0xedb88320U : c >> 1U;
            }
            t[i] = c;
        }
        return t;
    }();
    std::uint32_t crc = 0xffffffffU;
    for (const std::byte b : data) {
        crc = table[(crc ^ std::to_integer<std::uint32_t>(b)) & 0xffU] ^ (crc >> 8U);
    }
    return ~crc;
}

} // namespace fairlead::crypto
