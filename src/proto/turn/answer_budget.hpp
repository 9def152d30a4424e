#pragma once

#include "net/address.hpp"
#include "time/instant.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fairlead::turn {

/// Limits answers to sources that nobody has verified, so that a spoofed flood is not reflected: a token bucket per
/// IPv4 address or IPv6 /56, and one for all together. The table is fixed in size; a source that finds no
/// place takes over the bucket of the one that was quiet longest, with what is left in it.
class AnswerBudget {
public:
    struct Limits {
        double burst = 20;
        double per_second = 20;
        double total_burst = 20'000;
        double total_per_second = 20'000;
    };
    /// `key` is random: it keeps outsiders from choosing addresses that share a bucket.
    AnswerBudget(const Limits& limits, std::uint64_t key, std::size_t buckets = 16'384);

    void set_limits(const Limits& limits);

    /// Takes one answer for this source, if there is one.
    [[nodiscard]] bool take(Instant now, const net::IpAddress& source);

    /// The source has authenticated, so it is where it says it is: ten answers more, up to ten bursts. Many honest
    /// clients behind one address earn their way this way; a spoofing stranger cannot.
    void verified(Instant now, const net::IpAddress& source);

    [[nodiscard]] std::uint64_t refused() const { return refused_; }
    [[nodiscard]] std::size_t buckets() const { return buckets_.size(); }
    [[nodiscard]] std::size_t occupied() const { return occupied_; }

private:
    struct Bucket {
        std::uint64_t source = 0; // keyed hash of the prefix; 0 = never used
        float tokens = 0;
        Instant at{}; // when `tokens` was right
    };
    static constexpr std::size_t ways = 4;

    Bucket& bucket_of(Instant now, const net::IpAddress& source);
    static void refill(Bucket& bucket, Instant now, double per_second, double burst);

    Limits limits_;
    std::uint64_t key_;
    std::vector<Bucket> buckets_;
    Bucket total_;
    std::size_t occupied_ = 0;
    std::uint64_t refused_ = 0;
};

} // namespace fairlead::turn
