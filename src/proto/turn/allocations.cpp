#include "turn/allocations.hpp"

namespace fairlead::turn {

Allocation* Allocations::find(const net::FiveTuple& path) const {
    if (cells_.empty()) {
        return nullptr;
    }
    const std::uint64_t hash = net::hash(path, key_);
    for (std::size_t i = home(hash);; i = (i + 1) & (cells_.size() - 1)) {
        const Cell& cell = cells_[i];
        if (cell.allocation == nullptr) {
            return nullptr;
        }
        if (cell.hash == hash && cell.allocation->path == path) {
            return cell.allocation;
        }
    }
}

void Allocations::insert(std::uint64_t hash, Allocation* allocation) {
    std::size_t i = home(hash);
    while (cells_[i].allocation != nullptr) {
        i = (i + 1) & (cells_.size() - 1);
    }
    cells_[i] = {.hash = hash, .allocation = allocation};
}

void Allocations::grow() {
    std::vector<Cell> old(std::max<std::size_t>(64, cells_.size() * 2));
    old.swap(cells_);
    for (const Cell& cell : old) {
        if (cell.allocation != nullptr) {
            insert(cell.hash, cell.allocation);
        }
    }
}

Allocation& Allocations::add(std::unique_ptr<Allocation> allocation) {
    if ((rows_.size() + 1) * 4 > cells_.size() * 3) {
        grow();
    }
    Allocation& added = *allocation;
    insert(net::hash(added.path, key_), &added);
    for (const RelayedAddress& relayed : added.relays) {
        if (relayed.relay.open()) {
            const RelayId id = relayed.relay.id();
            if (id >= by_relay_.size()) {
                by_relay_.resize(std::max<std::size_t>(id + std::size_t{1}, by_relay_.size() * 2), nullptr);
            }
            by_relay_[id] = &added;
        }
    }
    added.row = rows_.size();
    rows_.push_back({.look_at = added.earliest_expiry(), .allocation = std::move(allocation)});
    return added;
}

void Allocations::forget_relay(RelayId id) {
    if (id < by_relay_.size()) {
        by_relay_[id] = nullptr;
    }
}

std::unique_ptr<Allocation> Allocations::remove(Allocation& allocation) {
    for (const RelayedAddress& relayed : allocation.relays) {
        if (relayed.relay.open()) {
            forget_relay(relayed.relay.id());
        }
    }
    const std::size_t mask = cells_.size() - 1;
    std::size_t hole = home(net::hash(allocation.path, key_));
    while (cells_[hole].allocation != &allocation) {
        hole = (hole + 1) & mask;
    }
    // Close the gap: whatever was pushed past the hole moves back, so that probing never needs a tombstone.
    for (std::size_t i = (hole + 1) & mask; cells_[i].allocation != nullptr; i = (i + 1) & mask) {
        if (((i - home(cells_[i].hash)) & mask) >= ((i - hole) & mask)) {
            cells_[hole] = cells_[i];
            hole = i;
        }
    }
    cells_[hole] = {};

    const std::size_t row = allocation.row;
    std::unique_ptr<Allocation> removed = std::move(rows_[row].allocation);
    if (row + 1 != rows_.size()) {
        rows_[row] = std::move(rows_.back());
        rows_[row].allocation->row = row;
    }
    rows_.pop_back();
    return removed;
}

} // namespace fairlead::turn
