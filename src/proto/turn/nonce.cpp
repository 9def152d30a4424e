#include "turn/nonce.hpp"

#include "bytes/base64.hpp"
#include "bytes/reader.hpp"
#include "bytes/writer.hpp"
#include "crypto/hmac.hpp"

#include <algorithm>

namespace fairlead::turn {

namespace {

constexpr std::size_t stamp_size = 8; // time and salt
constexpr std::size_t cookie_size = 13;
// Machines of a fleet may disagree on the time by a little.
constexpr std::chrono::seconds tolerated_skew{60};

std::int64_t hour_of(std::int64_t unix_seconds) {
    return unix_seconds / 3600;
}

Bytes address_bytes(const net::IpAddress& address) {
    return std::as_bytes(address.bytes());
}

} // namespace

NonceIssuer::NonceIssuer(const std::array<std::byte, 32>& secret, std::chrono::seconds lifetime, Random& random)
    : secret_(secret), lifetime_(lifetime), salt_(random.next_u32()) {}

NonceIssuer::~NonceIssuer() {
    crypto::wipe(secret_);
    for (HourKey& key : keys_) {
        crypto::wipe(key.key);
    }
}

crypto::Sha256 NonceIssuer::derive(std::int64_t hour) const {
    std::array<std::byte, 8> number{};
    bytes::Writer(number).u64(static_cast<std::uint64_t>(hour));
    return crypto::hmac_sha256(secret_, {as_bytes("fairlead nonce"), number});
}

const crypto::Sha256& NonceIssuer::key_of_recent(std::int64_t hour) {
    HourKey& slot = keys_[static_cast<std::size_t>(hour & 1)];
    if (slot.hour != hour) {
        slot = {.hour = hour, .key = derive(hour)};
    }
    return slot.key;
}

NonceIssuer::Mac NonceIssuer::mac(const crypto::Sha256& key, Bytes stamp, const net::IpAddress& client,
                                  std::string_view cookie) {
    const auto whole = crypto::hmac_sha256(key, {stamp, address_bytes(client), as_bytes(cookie)});
    Mac cut{};
    std::ranges::copy(std::span(whole).first<std::tuple_size_v<Mac>>(), cut.begin());
    return cut;
}

NonceIssuer::Nonce NonceIssuer::issue(UnixTime now, const net::IpAddress& client, stun::SecurityFeatures features) {
    Nonce nonce;
    if (features != stun::SecurityFeatures{}) {
        std::ranges::copy(stun::write_nonce_cookie(features), nonce.text.begin());
        nonce.size = cookie_size;
    }
    const std::int64_t seconds = unix_seconds(now);
    std::array<std::byte, stamp_size + std::tuple_size_v<Mac>> raw{};
    bytes::Writer out(raw);
    out.u64((static_cast<std::uint64_t>(seconds) << 24U) | (++salt_ & 0xffffffU));
    out.put(mac(key_of_recent(hour_of(seconds)), out.written(), client, nonce.view()));
    const std::string text = bytes::to_base64(raw);
    std::ranges::copy(text, nonce.text.begin() + static_cast<std::ptrdiff_t>(nonce.size));
    nonce.size += text.size();
    return nonce;
}

NonceIssuer::Checked NonceIssuer::check(UnixTime now, const net::IpAddress& client, std::string_view nonce) {
    std::string_view cookie;
    stun::SecurityFeatures features;
    if (nonce.size() == max_size) {
        const auto promised = stun::read_nonce_cookie(nonce);
        if (!promised) {
            return {};
        }
        features = *promised;
        cookie = nonce.substr(0, cookie_size);
        nonce.remove_prefix(cookie_size);
    }
    if (nonce.size() != plain_size) {
        return {};
    }
    const auto raw = bytes::from_base64(nonce);
    if (!raw || raw->size() != stamp_size + std::tuple_size_v<Mac>) {
        return {};
    }
    const Bytes stamp = Bytes(*raw).first(stamp_size);
    const auto issued = static_cast<std::int64_t>(bytes::Reader(stamp).u64().value_or(0) >> 24U);
    const std::int64_t hour = hour_of(issued);
    const std::int64_t age = unix_seconds(now) - issued;
    const bool recent = age >= -tolerated_skew.count() && hour + 1 >= hour_of(unix_seconds(now));
    // A forged time must not push the keys in use out of their slots.
    const Mac expected = mac(recent ? key_of_recent(hour) : derive(hour), stamp, client, cookie);
    if (!crypto::equal(expected, Bytes(*raw).subspan(stamp_size))) {
        return {};
    }
    const bool fresh = age >= -tolerated_skew.count() && (lifetime_.count() == 0 || age <= lifetime_.count());
    return {.verdict = fresh ? Verdict::good : Verdict::stale, .features = features};
}

} // namespace fairlead::turn
