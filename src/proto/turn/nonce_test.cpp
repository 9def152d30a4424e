#include "turn/nonce.hpp"

#include "random/seeded.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace fairlead::turn {
namespace {

using namespace std::chrono_literals;
using Verdict = NonceIssuer::Verdict;

struct Issuer {
    SeededRandom random{1};
    std::array<std::byte, 32> secret{std::byte{7}};
    NonceIssuer nonces{secret, 600s, random};
    UnixTime now = unix_time(1'800'000'000);
    net::IpAddress client = net::IpAddress::v4(198, 51, 100, 7);

    std::string issue(stun::SecurityFeatures features = {}) {
        return std::string(nonces.issue(now, client, features).view());
    }
    Verdict check(std::string_view nonce) { return nonces.check(now, client, nonce).verdict; }
};

constexpr stun::SecurityFeatures both{.password_algorithms = true, .username_anonymity = true};

TEST(Nonce, IsGoodForItsLifetime) {
    Issuer i;
    const std::string nonce = i.issue();
    EXPECT_EQ(nonce.size(), 24U);
    EXPECT_EQ(i.check(nonce), Verdict::good);
    i.now += 600s;
    EXPECT_EQ(i.check(nonce), Verdict::good);
    i.now += 1s;
    EXPECT_EQ(i.check(nonce), Verdict::stale);
    i.now += 100h;
    EXPECT_EQ(i.check(nonce), Verdict::stale);
}

TEST(Nonce, CrossesTheHour) {
    Issuer i;
    i.now = unix_time(3600 * 500'000 - 1);
    const std::string nonce = i.issue();
    i.now += 2s;
    EXPECT_EQ(i.check(nonce), Verdict::good);
    i.now -= 2s; // and back again: keys stay apart
    EXPECT_EQ(i.check(nonce), Verdict::good);
}

TEST(Nonce, FromTheFutureIsStaleBeyondTheSkewOfAFleet) {
    Issuer i;
    const std::string nonce = i.issue();
    i.now -= 60s;
    EXPECT_EQ(i.check(nonce), Verdict::good);
    i.now -= 1s;
    EXPECT_EQ(i.check(nonce), Verdict::stale);
}

TEST(Nonce, MayLiveForEver) {
    Issuer i;
    i.nonces.set_lifetime(0s);
    const std::string nonce = i.issue();
    i.now += 10'000h;
    EXPECT_EQ(i.check(nonce), Verdict::good);
}

TEST(Nonce, BelongsToTheAddress) {
    Issuer i;
    const std::string nonce = i.issue();
    i.client = net::IpAddress::v4(198, 51, 100, 8);
    EXPECT_EQ(i.check(nonce), Verdict::forged);
}

TEST(Nonce, AnyChangedCharacterForges) {
    Issuer i;
    for (const auto features : {stun::SecurityFeatures{}, both}) {
        const std::string nonce = i.issue(features);
        for (std::size_t at = 0; at < nonce.size(); ++at) {
            std::string changed = nonce;
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            EXPECT_EQ(i.check(changed), Verdict::forged) << at;
        }
        EXPECT_EQ(i.check(nonce + "A"), Verdict::forged);
        EXPECT_EQ(i.check(nonce.substr(1)), Verdict::forged);
    }
    EXPECT_EQ(i.check(""), Verdict::forged);
    EXPECT_EQ(i.check(std::string(24, '!')), Verdict::forged);
}

TEST(Nonce, PromisesItsFeatures) {
    Issuer i;
    const std::string nonce = i.issue(both);
    EXPECT_TRUE(nonce.starts_with("obMatJos2wAAD"));
    EXPECT_EQ(i.nonces.check(i.now, i.client, nonce).features, both);
    EXPECT_EQ(i.check(nonce.substr(13)), Verdict::forged);            // the cookie cannot be taken off
    EXPECT_EQ(i.check("obMatJos2wAAD" + i.issue()), Verdict::forged); // nor put on
}

TEST(Nonce, IsUniqueAndSharedByThoseWithTheSecret) {
    Issuer i;
    std::set<std::string> seen;
    for (int n = 0; n < 1000; ++n) {
        seen.insert(i.issue());
    }
    EXPECT_EQ(seen.size(), 1000U);
    Issuer other_worker;
    EXPECT_EQ(other_worker.check(*seen.begin()), Verdict::good);
    other_worker.secret[0] = std::byte{8};
    NonceIssuer stranger(other_worker.secret, 600s, i.random);
    EXPECT_EQ(stranger.check(i.now, i.client, *seen.begin()).verdict, Verdict::forged);
}

} // namespace
} // namespace fairlead::turn
