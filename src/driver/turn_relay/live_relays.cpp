#include "turn_relay/live_relays.hpp"

#include <algorithm>

namespace fairlead::turn_relay {

LiveRelays::LiveRelays(const std::vector<AddressPair>& pairs) {
    for (const AddressPair& pair : pairs) {
        entries_.push_back({pair, std::make_unique<Bits>(ports / 64)});
    }
}

void LiveRelays::set(const net::TransportAddress& bound, bool live) {
    const auto entry = std::ranges::find(entries_, bound.address, [](const Entry& e) { return e.pair.bound; });
    if (entry == entries_.end()) {
        return;
    }
    std::atomic<std::uint64_t>& word = (*entry->live)[bound.port / 64U];
    const std::uint64_t bit = std::uint64_t{1} << (bound.port % 64U);
    if (live) {
        word.fetch_or(bit, std::memory_order_relaxed);
    } else {
        word.fetch_and(~bit, std::memory_order_relaxed);
    }
}

void LiveRelays::add(const net::TransportAddress& bound) {
    set(bound, true);
}
void LiveRelays::remove(const net::TransportAddress& bound) {
    set(bound, false);
}

bool LiveRelays::is_live(const net::TransportAddress& address) const {
    return std::ranges::any_of(entries_, [&](const Entry& entry) {
        return (entry.pair.relayed == address.address || entry.pair.bound == address.address) &&
               (((*entry.live)[address.port / 64U].load(std::memory_order_relaxed) >> (address.port % 64U)) & 1U) != 0;
    });
}

} // namespace fairlead::turn_relay
