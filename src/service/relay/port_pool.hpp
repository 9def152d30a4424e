#pragma once

#include "random/random.hpp"
#include "time/instant.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace fairlead::relay {

class PortPool;

/// A port that belongs to its holder until this object ends. The pool must outlive it.
class Port {
public:
    Port() = default;
    Port(Port&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), number_(other.number_) {}
    Port& operator=(Port&& other) noexcept {
        if (this != &other) {
            release();
            pool_ = std::exchange(other.pool_, nullptr);
            number_ = other.number_;
        }
        return *this;
    }
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;
    ~Port() { release(); }

    [[nodiscard]] bool held() const { return pool_ != nullptr; }
    /// In host order.
    [[nodiscard]] std::uint16_t number() const { return number_; }
    void release();
    /// The system would not bind it (somebody else's socket): it stays out of the draw until `until`.
    void set_aside(Instant until);

private:
    friend class PortPool;
    Port(PortPool& pool, std::uint16_t number) : pool_(&pool), number_(number) {}

    PortPool* pool_ = nullptr;
    std::uint16_t number_ = 0;
};

/// The relay ports of one address, transport and worker: that worker's slice of the configured range (RFC 8656 section
/// 7.2 recommends 49152-65535, chosen at random, RFC 6056). Invariant: free + taken + aside = size.
class PortPool {
public:
    /// Both ends included; `first` <= `last`.
    struct Range {
        std::uint16_t first;
        std::uint16_t last;
    };
    explicit PortPool(Range range);
    PortPool(const PortPool&) = delete;
    PortPool& operator=(const PortPool&) = delete;

    /// The part of `whole` that worker `index` of `count` draws from: contiguous, together the whole range, cut between
    /// an odd and an even port so that no EVEN-PORT pair is lost. Nothing when the range has fewer pairs than workers.
    [[nodiscard]] static std::optional<Range> slice(Range whole, std::size_t index, std::size_t count);

    /// A free port, uniformly at random. Nothing: exhausted (508).
    [[nodiscard]] std::optional<Port> take(Instant now, Random& random);
    /// A free even port, for EVEN-PORT with R = 0.
    [[nodiscard]] std::optional<Port> take_even(Instant now, Random& random);
    /// A free even port and the next higher one, for EVEN-PORT with R = 1: the second is the reservation.
    [[nodiscard]] std::optional<std::pair<Port, Port>> take_pair(Instant now, Random& random);

    [[nodiscard]] std::size_t size() const { return place_.size(); }
    [[nodiscard]] std::size_t free() const { return free_.size(); }
    [[nodiscard]] std::size_t aside() const { return aside_.size(); }
    [[nodiscard]] std::size_t taken() const { return size() - free() - aside(); }

private:
    friend class Port;
    static constexpr std::uint32_t not_free = UINT32_MAX;

    template <class Fits>
    [[nodiscard]] std::optional<std::uint16_t> draw_even(Random& random, Fits fits) const;
    void restore(Instant now);
    void make_free(std::uint16_t port);
    [[nodiscard]] Port claim(std::uint16_t port);
    [[nodiscard]] bool is_free(std::uint16_t port) const;

    std::uint16_t first_;
    std::vector<std::uint16_t> free_;  ///< in no order: a draw swaps with the last
    std::vector<std::uint32_t> place_; ///< by port - first_: where in free_, or not_free
    std::vector<std::pair<Instant, std::uint16_t>> aside_;
};

} // namespace fairlead::relay
