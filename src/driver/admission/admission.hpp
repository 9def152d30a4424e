#pragma once

#include "net/address.hpp"
#include "stats/counter.hpp"

#include <atomic>
#include <cstddef>
#include <mutex>
#include <unordered_map>

namespace fairlead::admission {

struct Limits {
    std::size_t connections = 10'000;
    std::size_t per_source = 256; ///< one IPv4 address or one IPv6 /64
};

enum class Refusal : std::uint8_t { none, too_many, too_many_from_source };

class Pass;

/// The one count of accepted streams of all kinds and workers. A lock at accept and at close, never per packet.
class Gate {
public:
    explicit Gate(const Limits& limits) : limits_(limits) {}

    /// Counts one connection in, for as long as the pass lives. Any thread. The pass must not outlive the gate.
    [[nodiscard]] Pass admit(const net::IpAddress& source);
    void set_limits(const Limits& limits);

    [[nodiscard]] std::size_t connections() const { return total_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t refused_total() const { return refused_total_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t refused_source() const { return refused_source_.load(std::memory_order_relaxed); }

private:
    friend class Pass;
    void leave(const net::IpAddress& source);

    std::mutex mutex_;
    Limits limits_;
    std::unordered_map<net::IpAddress, std::size_t, net::Hasher> by_source_;
    std::atomic<std::size_t> total_{0};
    std::atomic<std::uint64_t> refused_total_{0};
    std::atomic<std::uint64_t> refused_source_{0};
};

/// Holds one place. Empty when refused.
class Pass {
public:
    Pass() = default;
    explicit Pass(Refusal why) : why_(why) {}
    Pass(Gate& gate, const net::IpAddress& source) : gate_(&gate), source_(source) {}
    Pass(Pass&& other) noexcept;
    Pass& operator=(Pass&& other) noexcept;
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass();

    [[nodiscard]] explicit operator bool() const { return gate_ != nullptr; }
    [[nodiscard]] Refusal why() const { return why_; }

private:
    Gate* gate_ = nullptr;
    net::IpAddress source_;
    Refusal why_ = Refusal::none;
};

} // namespace fairlead::admission
