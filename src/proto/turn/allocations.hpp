#pragma once

#include "turn/allocation.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace fairlead::turn {

/// All allocations of a worker, found by 5-tuple and by relay. Addresses of allocations are stable.
class Allocations {
public:
    /// `key` is random: it keeps outsiders from choosing 5-tuples that collide.
    explicit Allocations(std::uint64_t key) : key_(key) {}

    /// Expired ones included, until the sweep has removed them.
    [[nodiscard]] Allocation* find(const net::FiveTuple& path) const;
    [[nodiscard]] Allocation* by_relay(RelayId id) const { return id < by_relay_.size() ? by_relay_[id] : nullptr; }

    /// The path must not be present. Its relays are entered; their ids are bounded by the caller.
    Allocation& add(std::unique_ptr<Allocation> allocation);
    /// A relay of this allocation is about to be closed.
    void forget_relay(RelayId id);
    [[nodiscard]] std::unique_ptr<Allocation> remove(Allocation& allocation);

    [[nodiscard]] std::size_t size() const { return rows_.size(); }
    [[nodiscard]] Allocation& at(std::size_t row) const { return *rows_[row].allocation; }

    /// Nothing of the allocation in this row expires before.
    [[nodiscard]] Instant look_at(std::size_t row) const { return rows_[row].look_at; }
    void look_again(std::size_t row) { rows_[row].look_at = rows_[row].allocation->earliest_expiry(); }
    /// Something of the allocation now expires at `when`.
    void expires_at(const Allocation& allocation, Instant when) {
        rows_[allocation.row].look_at = std::min(rows_[allocation.row].look_at, when);
    }

private:
    struct Row {
        Instant look_at;
        std::unique_ptr<Allocation> allocation;
    };
    // Open addressing with linear probing and backward-shift deletion; a power of two, at most three quarters full.
    struct Cell {
        std::uint64_t hash = 0;
        Allocation* allocation = nullptr;
    };
    [[nodiscard]] std::size_t home(std::uint64_t hash) const { return hash & (cells_.size() - 1); }
    void insert(std::uint64_t hash, Allocation* allocation);
    void grow();

    std::uint64_t key_;
    std::vector<Row> rows_;
    std::vector<Cell> cells_;
    std::vector<Allocation*> by_relay_;
};

} // namespace fairlead::turn
