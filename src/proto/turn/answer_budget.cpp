#include "turn/answer_budget.hpp"

#include <algorithm>
#include <bit>

namespace fairlead::turn {

namespace {

// One subscriber may have a whole /56 (RFC 6177), and a forger who can use one address of it can use all.
net::IpAddress prefix_of(const net::IpAddress& source) {
    if (source.is_v4()) {
        return source;
    }
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(source.bytes().first(7), bytes.begin());
    return net::IpAddress::v6(bytes);
}

constexpr float earned_by_verification = 10;
constexpr float bursts_that_can_be_earned = 10;

} // namespace

AnswerBudget::AnswerBudget(const Limits& limits, std::uint64_t key, std::size_t buckets)
    : limits_(limits), key_(key), buckets_(std::bit_ceil(std::max(buckets, ways))) {
    total_.tokens = static_cast<float>(limits_.total_burst);
}

void AnswerBudget::set_limits(const Limits& limits) {
    limits_ = limits;
}

void AnswerBudget::refill(Bucket& bucket, Instant now, double per_second, double burst) {
    const double passed = std::chrono::duration<double>(now - bucket.at).count();
    bucket.at = now;
    // What was earned beyond the burst stays, but nothing trickles in on top of it.
    if (bucket.tokens < static_cast<float>(burst) && passed > 0) {
        bucket.tokens = static_cast<float>(std::min(burst, bucket.tokens + passed * per_second));
    }
}

AnswerBudget::Bucket& AnswerBudget::bucket_of(Instant now, const net::IpAddress& source) {
    const std::uint64_t hash = net::hash(prefix_of(source), key_) | 1U; // never 0, which marks an unused bucket
    const std::span<Bucket> set = std::span(buckets_).subspan((hash >> 32U) % (buckets_.size() / ways) * ways, ways);
    const auto own = std::ranges::find(set, hash, &Bucket::source);
    if (own != set.end()) {
        refill(*own, now, limits_.per_second, limits_.burst);
        return *own;
    }
    const auto unused = std::ranges::find(set, std::uint64_t{0}, &Bucket::source);
    if (unused != set.end()) {
        *unused = {.source = hash, .tokens = static_cast<float>(limits_.burst), .at = now};
        ++occupied_;
        return *unused;
    }
    // The one that was quiet longest changes hands with what is left in it, so that cycling through addresses refills
    // nothing.
    const auto oldest = std::ranges::min_element(set, {}, &Bucket::at);
    refill(*oldest, now, limits_.per_second, limits_.burst);
    oldest->tokens = std::min(oldest->tokens, static_cast<float>(limits_.burst));
    oldest->source = hash;
    return *oldest;
}

bool AnswerBudget::take(Instant now, const net::IpAddress& source) {
    refill(total_, now, limits_.total_per_second, limits_.total_burst);
    Bucket& bucket = bucket_of(now, source);
    if (bucket.tokens < 1 || total_.tokens < 1) {
        ++refused_;
        return false;
    }
    bucket.tokens -= 1;
    total_.tokens -= 1;
    return true;
}

void AnswerBudget::verified(Instant now, const net::IpAddress& source) {
    Bucket& bucket = bucket_of(now, source);
    const auto most = static_cast<float>(limits_.burst) * bursts_that_can_be_earned;
    bucket.tokens = std::max(bucket.tokens, std::min(bucket.tokens + earned_by_verification, most));
}

} // namespace fairlead::turn
