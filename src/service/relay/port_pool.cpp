#include "relay/port_pool.hpp"

#include <algorithm>
#include <cassert>

namespace fairlead::relay {

void Port::release() {
    if (PortPool* pool = std::exchange(pool_, nullptr)) {
        pool->make_free(number_);
    }
}

void Port::set_aside(Instant until) {
    if (PortPool* pool = std::exchange(pool_, nullptr)) {
        pool->aside_.emplace_back(until, number_);
    }
}

PortPool::PortPool(Range range) : first_(range.first) {
    assert(range.first <= range.last);
    const std::size_t count = std::size_t{range.last} - range.first + 1;
    free_.reserve(count);
    place_.assign(count, not_free);
    for (std::size_t i = 0; i < count; ++i) {
        make_free(static_cast<std::uint16_t>(first_ + i));
    }
}

std::optional<PortPool::Range> PortPool::slice(Range whole, std::size_t index, std::size_t count) {
    // Cut between pairs: pair p of the range starts at the even port `base + 2 p`; odd ends belong to the outer slices.
    const std::size_t base = whole.first - whole.first % 2U;
    const std::size_t pairs = (std::size_t{whole.last} - base) / 2 + 1;
    if (count == 0 || index >= count || whole.first > whole.last || pairs < count) {
        return std::nullopt;
    }
    const std::size_t begin = base + 2 * (pairs * index / count);
    const std::size_t end = base + 2 * (pairs * (index + 1) / count); // one past
    return Range{.first = static_cast<std::uint16_t>(std::max<std::size_t>(begin, whole.first)),
                 .last = static_cast<std::uint16_t>(std::min<std::size_t>(end - 1, whole.last))};
}

std::optional<Port> PortPool::take(Instant now, Random& random) {
    restore(now);
    if (free_.empty()) {
        return std::nullopt;
    }
    return claim(free_[random.below(free_.size())]);
}

std::optional<Port> PortPool::take_even(Instant now, Random& random) {
    restore(now);
    const auto port = draw_even(random, [&](std::uint16_t even) { return is_free(even); });
    return port ? std::optional(claim(*port)) : std::nullopt;
}

std::optional<std::pair<Port, Port>> PortPool::take_pair(Instant now, Random& random) {
    restore(now);
    const auto port = draw_even(random, [&](std::uint16_t even) {
        return even != UINT16_MAX && is_free(even) && is_free(static_cast<std::uint16_t>(even + 1));
    });
    if (!port) {
        return std::nullopt;
    }
    Port even = claim(*port);
    Port next = claim(static_cast<std::uint16_t>(*port + 1));
    return std::pair(std::move(even), std::move(next));
}

template <class Fits>
std::optional<std::uint16_t> PortPool::draw_even(Random& random, Fits fits) const {
    // From a random even port, round the range once: not perfectly uniform, but as unpredictable as its start.
    const std::size_t base = first_ + first_ % 2U;
    const std::size_t end = std::size_t{first_} + size();
    if (base >= end) {
        return std::nullopt;
    }
    const std::size_t evens = (end - base + 1) / 2;
    const std::size_t start = random.below(evens);
    for (std::size_t i = 0; i < evens; ++i) {
        const auto port = static_cast<std::uint16_t>(base + 2 * ((start + i) % evens));
        if (fits(port)) {
            return port;
        }
    }
    return std::nullopt;
}

void PortPool::restore(Instant now) {
    std::erase_if(aside_, [&](const auto& held) {
        const bool over = held.first <= now;
        if (over) {
            make_free(held.second);
        }
        return over;
    });
}

void PortPool::make_free(std::uint16_t port) {
    place_[static_cast<std::size_t>(port - first_)] = static_cast<std::uint32_t>(free_.size());
    free_.push_back(port);
}

Port PortPool::claim(std::uint16_t port) {
    const std::uint32_t place = std::exchange(place_[static_cast<std::size_t>(port - first_)], not_free);
    if (free_.back() != port) {
        free_[place] = free_.back();
        place_[static_cast<std::size_t>(free_[place] - first_)] = place;
    }
    free_.pop_back();
    return {*this, port};
}

bool PortPool::is_free(std::uint16_t port) const {
    const std::size_t index = static_cast<std::size_t>(port) - first_;
    return port >= first_ && index < size() && place_[index] != not_free;
}

} // namespace fairlead::relay
