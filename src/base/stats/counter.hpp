#pragma once

#include <atomic>
#include <cstdint>

namespace fairlead::stats {

/// A counter with one writer (the loop that owns it) and any number of readers (the scraper). The writer's load and
/// store are plain moves on every machine we run on; there is no locked instruction on a data path.
class Counter {
public:
    void add(std::uint64_t n = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void subtract(std::uint64_t n = 1) {
        value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

} // namespace fairlead::stats
